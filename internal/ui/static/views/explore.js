// A key, its answers as they change, and why they answer.

import {el, show, announce} from '/ui/dom.js';
import {send} from '/ui/api.js';
import {count} from '/ui/format.js';
import {keyFields, isExact} from '/ui/keys.js';
import {follow} from '/ui/explore/follow.js';
import {answerList} from '/ui/explore/list.js';
import {detail} from '/ui/explore/detail.js';
import * as intent from '/ui/intent.js';

export const id = 'explore';
export const title = 'Explore';

// maxListed bounds the answers that are listed without being followed.
const maxListed = 20_000;
const drawEvery = 100;

// kept is what was asked last. It stays in memory while other views are shown.
let kept;

// split reads a list with commas or spaces between.
const split = (text) => text.split(/[\s,]+/).filter((t) => t !== '');

function fields() {
  const keys = keyFields('expression', 'horse#2 or horse#');
  const open = el('input', {type: 'checkbox', id: 'open'});
  const policy = el('input', {type: 'text', id: 'policy', placeholder: 'the node’s', autocomplete: 'off', size: 28});
  const owners = el('input', {type: 'text', id: 'owners', placeholder: 'all', autocomplete: 'off', spellcheck: 'false', size: 28});
  const mask = el('input', {type: 'password', id: 'mask', autocomplete: 'off', size: 28});
  const form = el('form', {id: 'ask', class: 'panel'},
    keys.node,
    el('p', {class: 'dim'}, 'NAME#ORDINAL is one key, NAME#FROM#TO a range, and NAME# every ordinal.'),
    el('p', {}, open, ' ', el('label', {for: 'open', class: 'inline'}, 'also keys with further names')),
    el('details', {}, el('summary', {}, 'Whom to trust, and how to read'),
      el('label', {for: 'policy'}, 'Policy (criteria with commas between)'), policy,
      el('label', {for: 'owners'}, 'Only these owners (peer IDs)'), owners,
      el('label', {for: 'mask'}, 'Masking key'), mask),
    el('p', {}, el('button', {type: 'submit', class: 'main'}, 'Look up')));
  return {
    form,
    read: () => ({
      keys: [{selectors: keys.read(), open: open.checked || undefined}],
      policy: policy.value.trim() === '' ? undefined : split(policy.value),
      owners: owners.value.trim() === '' ? undefined : split(owners.value),
      maskingKey: mask.value === '' ? undefined : mask.value,
    }),
    fill: (r) => {
      keys.fill(r.keys[0].selectors);
      open.checked = r.keys[0].open === true;
      policy.value = r.policy?.join(',') ?? '';
      owners.value = r.owners?.join(' ') ?? '';
      mask.value = r.maskingKey ?? '';
    },
  };
}

export function mount(root) {
  const f = fields();
  const problem = el('p', {id: 'explore-problem', class: 'warn', role: 'status'});
  const answers = el('section', {class: 'panel wide', 'aria-label': 'Answers', hidden: true});
  const chosen = el('div', {class: 'panels', id: 'detail'});
  show(root, f.form, problem, answers, chosen);
  let stop = new AbortController();

  function begin(request) {
    stop.abort();
    stop = new AbortController();
    kept = request;
    show(problem);
    show(chosen);
    explore(request, stop.signal, {problem, answers, chosen});
  }

  f.form.addEventListener('submit', (e) => {
    e.preventDefault();
    begin(f.read());
  });
  const forget = intent.receive(id, (what) => {
    kept = {keys: [{selectors: what.selectors}], maskingKey: what.maskingKey};
    f.fill(kept);
    begin(kept);
  });
  if (kept !== undefined && stop.signal.aborted === false && answers.hidden) {
    f.fill(kept);
    begin(kept);
  }
  return () => { forget(); stop.abort(); };
}

// explore lists the answers, follows them, and shows the one that is chosen.
async function explore(request, signal, {problem, answers, chosen}) {
  let open;
  let stopDetail = new AbortController();
  signal.addEventListener('abort', () => stopDetail.abort(), {once: true});
  const only = !request.keys[0].open && request.keys[0].selectors.every(isExact);

  const list = answerList((entry) => {
    stopDetail.abort();
    stopDetail = new AbortController();
    open = detail(chosen, request, entry, stopDetail.signal);
    if (!only) open.focus();
  });
  let timer;
  const empty = el('p', {id: 'empty', class: 'dim'});
  show(answers, el('h2', {}, 'Answers'), list.node, empty);
  answers.hidden = false;

  let listed = false;
  function draw() {
    timer = undefined;
    if (signal.aborted) return;
    list.draw();
    show(empty, listed && list.size() === 0 && 'Nothing answers here. The page shows an answer as soon as there is one.');
    if (only && open === undefined && list.size() > 0) list.pick(list.first());
  }
  const soon = () => { timer ??= setTimeout(draw, drawEvery); };

  function event(e) {
    if (e.event === 'sync') {
      if (e.listed && !listed) announce(list.size() === 1 ? '1 answer' : `${count(list.size())} answers`);
      listed = true;
      soon();
      return;
    }
    const known = list.get(e.composite);
    if (e.event === 'gone') list.remove(e.composite);
    else if (e.answer !== undefined) list.set({composite: e.composite, ordinals: e.ordinals, answer: e.answer, settled: e.event === 'settled' || (known?.settled && known.answer.record === e.answer.record), changed: known !== undefined && known.answer.record !== e.answer.record});
    if (open?.composite === e.composite && !(e.again && known?.answer.record === e.answer?.record)) open.heard(e);
    soon();
  }

  try {
    await follow({...request, decrypt: true, contested: true}, signal, {
      event,
      problem: (text) => { if (problem.textContent !== text) show(problem, text); },
      gone: (composites) => {
        for (const c of composites) {
          list.remove(c);
          if (open?.composite === c) open.heard({event: 'gone', time: Date.now()});
        }
        soon();
      },
    });
  } catch (e) {
    if (signal.aborted) return;
    if (e.status !== 413) {
      show(problem, e.message);
      answers.hidden = list.size() === 0;
      return;
    }
    await listOnce(request, signal, list, problem, soon);
  }
}

// listOnce lists more answers than a watcher can follow.
async function listOnce(request, signal, list, problem, draw) {
  show(problem, 'There are more answers than a page can follow. This list does not change by itself.');
  const query = {selectors: request.keys[0].selectors, open: request.keys[0].open, policy: request.policy, owners: request.owners, decrypt: true, maskingKey: request.maskingKey, frames: true, limit: 1000};
  try {
    for (let after; list.size() < maxListed;) {
      const found = await send('POST', '/v1/query', {...query, after}, {signal});
      for (const answer of found.answers) {
        delete answer.frame; // which the list does not need
        list.set({composite: answer.composite, ordinals: answer.ordinals, answer});
      }
      draw();
      after = found.next;
      if (!after) return;
    }
    show(problem, `There are more answers than this. The first ${count(list.size())} are listed: ask for a smaller range.`);
  } catch (e) {
    if (!signal.aborted) show(problem, e.message);
  }
}
