// Setting, deleting and releasing, with the progress of the work. It takes a session.

import {el, show, announce} from '/ui/dom.js';
import {events, get, Problem} from '/ui/api.js';
import {count, span} from '/ui/format.js';
import {keyFields} from '/ui/keys.js';
import * as session from '/ui/session.js';
import * as intent from '/ui/intent.js';

export const id = 'write';
export const title = 'Write';

const kinds = [
  {type: 'set', label: 'Set a value', verb: 'Set', done: 'The value is set.'},
  {type: 'delete', label: 'Delete: the key answers that its value was deleted', verb: 'Delete', done: 'The value is deleted.'},
  {type: 'release', label: 'Release: give the claim up, so that others may answer', verb: 'Release', done: 'The claim is released.'},
];

// noSession says how to get one.
export const noSession = () => el('div', {class: 'panel', id: 'no-session'}, el('p', {}, session.whyEnded() || 'This page may only read.'),
  el('p', {}, 'Run ', el('code', {}, 'lf ui'), ' on the node’s machine. It opens the page with the right to write.'));

// kept is the form of this session. It stays while other views are shown, and so does its work.
let kept;

session.onChange(() => {
  if (session.isActive()) return;
  kept?.stop.abort();
  kept = undefined;
});

export function mount(root) {
  function draw() {
    if (!session.isActive()) {
      show(root, noSession());
      return;
    }
    kept ??= writeForm();
    if (kept.node.parentNode !== root) show(root, kept.node);
    kept.listOwners();
  }
  const ignore = session.onChange(draw);
  draw();
  const forget = intent.receive(id, (what) => kept?.fill(what));
  return () => { forget(); ignore(); };
}

function writeForm() {
  const stop = new AbortController();
  const signal = stop.signal;
  const keys = keyFields('write-key', 'horse#2');
  const radios = kinds.map((k, i) => el('input', {type: 'radio', name: 'kind', id: `kind-${k.type}`, value: k.type, checked: i === 0, on: {change: () => choose()}}));
  const value = el('textarea', {id: 'value', rows: 6, spellcheck: 'false', autocomplete: 'off'});
  const size = el('p', {class: 'dim', id: 'value-size'});
  const valueField = el('div', {}, el('label', {for: 'value'}, 'Value'), value, size);
  const owner = el('select', {id: 'owner'}, el('option', {value: ''}, 'the default owner'));
  const mask = el('input', {type: 'password', id: 'write-mask', autocomplete: 'off', size: 28});
  const submit = el('button', {type: 'submit', class: 'main', id: 'do-write'}, 'Set');
  const outcome = el('div', {id: 'outcome', role: 'status'});
  const kind = () => kinds[radios.findIndex((r) => r.checked)];

  function choose() {
    valueField.hidden = kind().type !== 'set';
    show(submit, kind().verb);
  }
  const measure = () => show(size, `${count(new TextEncoder().encode(value.value).length)} bytes. A larger value costs more work.`);
  value.addEventListener('input', measure);
  measure();

  const form = el('form', {class: 'panel', id: 'write-form'},
    keys.node,
    el('fieldset', {}, el('legend', {}, 'What to do'), kinds.map((k, i) => el('p', {}, radios[i], ' ', el('label', {for: `kind-${k.type}`, class: 'inline'}, k.label)))),
    valueField,
    el('label', {for: 'owner'}, 'Owner who signs'), owner,
    el('details', {}, el('summary', {}, 'Seal it with a masking key'), el('p', {class: 'dim'}, 'Without one, everybody who knows the first name can read the value.'), el('label', {for: 'write-mask'}, 'Masking key'), mask),
    el('p', {}, submit), outcome);
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    write();
  });

  async function write() {
    const what = kind();
    const request = {
      selectors: keys.read(), type: what.type, text: what.type === 'set' ? value.value : undefined,
      owner: owner.value === '' ? undefined : owner.value, maskingKey: mask.value === '' ? undefined : mask.value,
    };
    const cancel = new AbortController();
    const end = () => cancel.abort();
    signal.addEventListener('abort', end, {once: true});
    submit.disabled = true;
    const work = progress(outcome, end);
    try {
      for await (const e of events('POST', '/v1/set', {body: request, signal: cancel.signal})) {
        if (e.event === 'progress') work.tell(e.data);
        else if (e.event === 'result') succeeded(what, request, e.data);
      }
    } catch (e) {
      if (signal.aborted) return;
      failed(e, cancel.signal.aborted);
    } finally {
      signal.removeEventListener('abort', end);
      submit.disabled = false;
    }
  }

  function succeeded(what, request, made) {
    const state = made.state === 'attached' ? what.done : `The record is ${made.state}: it will answer once it is attached.`;
    show(outcome, el('p', {class: made.superseded ? 'warn' : 'good'}, made.superseded ? 'The record is written, but the owner has a newer one under this key.' : state),
      el('p', {}, 'Record ', el('code', {id: 'written'}, made.id)),
      el('button', {type: 'button', id: 'look', on: {click: () => intent.go('explore', {selectors: request.selectors, maskingKey: request.maskingKey})}}, 'Look at it'));
    announce(state);
  }

  function failed(e, cancelled) {
    let text = cancelled ? 'Cancelled.' : e.message;
    if (!(e instanceof Problem)) text += ' If the work was done already, the record may have been written: look under the key.';
    show(outcome, el('p', {class: cancelled ? 'warn' : 'bad'}, text));
    announce(text);
  }

  return {
    node: form,
    stop,
    listOwners: () => listOwners(owner, signal),
    fill: (what) => {
      keys.fill(what.selectors);
      mask.value = what.maskingKey ?? '';
    },
  };
}

// listOwners offers the owners that the home keeps.
async function listOwners(field, signal) {
  try {
    const {owners} = await get('/v1/owners', {signal});
    const before = field.value;
    show(field, !owners.some((o) => o.default) && el('option', {value: ''}, owners.length === 0 ? 'a new owner, “default”' : 'the default owner'),
      owners.map((o) => el('option', {value: o.owner, selected: o.owner === before || (before === '' && o.default)}, o.default ? `${o.name} (default)` : o.name)));
  } catch (e) {
    if (!signal.aborted) announce(e.message); // the default owner stays on offer
  }
}

// progress shows how far the work is. The search has no memory: what is left takes as long on
// average as at the start, so the bar shows the time that went and that is left on average.
function progress(place, cancel) {
  const begun = Date.now();
  const bar = el('progress', {id: 'work', max: 1, 'aria-label': 'Proof of work'});
  const text = el('p', {id: 'work-text'}, 'Writing …');
  show(place, bar, text, el('button', {type: 'button', id: 'cancel', on: {click: cancel}}, 'Cancel'));
  return {
    tell: (p) => {
      const left = p.waitMs === undefined ? '' : ` About ${span(p.waitMs)} are left, on average.`;
      if (p.waitMs !== undefined) bar.value = (Date.now() - begun) / (Date.now() - begun + p.waitMs + 1);
      show(text, p.attempts === 0 ? `Waiting for its turn: ${count(p.ahead)} ahead.${left}` : `Working: ${count(p.attempts)} tries so far.${left}`);
    },
  };
}
