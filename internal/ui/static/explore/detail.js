// One key: its answer, all claims, its history, and the records around it. It asks again whenever
// the answer changes, and now and then, for weights grow without an event.

import {el, show, facts, announce} from '/ui/dom.js';
import {send} from '/ui/api.js';
import {time, short, count} from '/ui/format.js';
import {whole} from '/ui/values.js';
import {exact} from '/ui/keys.js';
import {claimsOf} from '/ui/explore/claims.js';
import {historyOf} from '/ui/explore/history.js';
import {aroundView} from '/ui/explore/around.js';
import * as intent from '/ui/intent.js';

const again = 15_000;
// maxPages bounds how many pages of an open query are looked through for one key.
const maxPages = 10;

// detail shows the key of an entry of the list. request is what the explorer watches. It ends with
// the signal.
export function detail(root, request, entry, signal) {
  const selectors = request.keys[0].selectors.map((text, i) => exact(text, entry.ordinals[i]));
  const query = {selectors, open: request.keys[0].open, policy: request.policy, owners: request.owners, oracles: request.oracles, decrypt: true, maskingKey: request.maskingKey, frames: true};
  const around = aroundView(signal);
  const lookAt = (id) => around.lookAt(id, {focus: true});
  const heading = el('h2', {id: 'key', tabindex: '-1'}, el('bdi', {}, selectors.join('  ')));
  const state = el('p', {id: 'state', class: 'dim'});
  const answer = el('div', {id: 'answer'});
  const claims = el('div', {});
  const history = el('div', {});
  const whose = el('select', {id: 'whose', on: {change: () => readHistory()}});
  show(root,
    el('section', {class: 'panel wide'}, heading, answer, state,
      // an answer of an open question may have further names, which nobody has typed
      !query.open && el('p', {}, el('button', {type: 'button', id: 'change', on: {click: () => intent.go('write', {selectors, maskingKey: request.maskingKey})}}, 'Change it'))),
    el('section', {class: 'panel wide', 'aria-labelledby': 'claims-title'}, el('h2', {id: 'claims-title'}, 'Claims'), claims),
    el('section', {class: 'panel wide', 'aria-labelledby': 'history-title'}, el('h2', {id: 'history-title'}, 'History'), el('p', {}, el('label', {for: 'whose', class: 'inline'}, 'Of owner: '), whose), history),
    around.node);

  let wanted = false;
  let reading = false;
  let shown; // the record that answers
  let followed = true; // the graph follows the answer until the user looks at another record

  // ask returns this key's answer to a query.
  async function ask(more) {
    for (let page = 0, after; page < maxPages; page++) {
      const found = await send('POST', '/v1/query', {...query, ...more, after}, {signal});
      const one = found.answers.find((a) => a.composite === entry.composite);
      if (one !== undefined || !found.next) return {one, found};
      after = found.next;
    }
    return {};
  }

  // read asks for everything. Whoever wants it while it is under way has it asked once more: many
  // changes cost two questions.
  async function read() {
    wanted = true;
    if (reading) return;
    reading = true;
    while (wanted && !signal.aborted) {
      wanted = false;
      await readOnce();
    }
    reading = false;
  }

  async function readOnce() {
    try {
      const {one, found} = await ask({explain: true, history: true});
      if (signal.aborted) return;
      if (one === undefined) {
        shown = undefined;
        show(answer, el('p', {class: 'dim'}, 'Nothing answers under this key now: the claims to it were released, or are hidden.'));
        show(claims);
        show(history);
        return;
      }
      showAnswer(one, found);
      show(claims, claimsOf(one, lookAt));
      chooseOwner(one);
      followed &&= shown === undefined || around.center() === undefined || around.center() === shown;
      shown = one.record;
      if (followed) await around.lookAt(one.record);
      else await around.refresh();
    } catch (e) {
      if (!signal.aborted) show(answer, el('p', {class: 'bad', role: 'alert'}, e.message));
    }
  }

  function showAnswer(a, found) {
    show(answer, whole(a), facts([
      ['Owner', el('code', {}, a.owner)], ['Written', time(a.time)], ['Record', el('button', {type: 'button', class: 'link id', on: {click: () => lookAt(a.record)}}, a.record)],
      ['Claims', count(a.claims)], ['Alive', a.alive && `pulse of ${time(a.alive.second * 1000)}`],
      ['Compared', found.comparison?.text ?? found.comparison?.state],
    ]));
  }

  function chooseOwner(a) {
    const owners = [a, ...(a.others ?? [])].map((v) => v.owner);
    const before = whose.value;
    show(whose, owners.map((o, i) => el('option', {value: o}, i === 0 ? `${short(o)} (answers)` : short(o))));
    if (owners.includes(before) && before !== owners[0] && whose.dataset.chosen === before) {
      whose.value = before;
      readHistory();
      return;
    }
    showHistory([a, ...(a.history ?? [])], a.historyNext, a.owner);
  }

  // readHistory shows the history of the chosen owner's claim.
  async function readHistory() {
    const owner = whose.value;
    whose.dataset.chosen = owner;
    try {
      const {one} = await ask({history: true, owners: [owner]});
      if (one !== undefined && whose.value === owner) showHistory([one, ...(one.history ?? [])], one.historyNext, owner);
    } catch (e) {
      if (!signal.aborted) show(history, el('p', {class: 'bad'}, e.message));
    }
  }

  function showHistory(list, next, owner) {
    const older = next && !query.open && (async () => {
      try {
        const {one} = await ask({history: true, owners: [owner], historyAfter: next});
        showHistory([...list, ...(one?.history ?? [])], one?.historyNext, owner);
      } catch (e) {
        if (!signal.aborted) history.append(el('p', {class: 'bad'}, e.message));
      }
    });
    show(history, historyOf(list, older, lookAt));
  }

  // heard takes an event of this key.
  function heard(e) {
    switch (e.event) {
      case 'settled':
        show(state, `Settled: the answer has not changed for a while, with the node in sync.${e.lead ? ` It leads by a weight of ${BigInt(e.lead).toLocaleString('en')}.` : ''}`);
        break;
      case 'contested':
        show(state, `${time(e.time)}: another owner’s claim came, and lost${e.claim?.lostBy ? ` by ${e.claim.lostBy}` : ''}.`);
        announce('Another owner’s claim came, and lost.');
        break;
      case 'answer': case 'deleted': case 'gone':
        if (e.before !== undefined || e.event === 'gone') {
          show(state, `Changed at ${time(e.time)}${e.decided ? `: ${e.decided} decided` : ''}${e.replacesSettled ? '. The answer before had settled' : ''}.`);
          announce(e.event === 'answer' ? 'The answer has changed.' : e.event === 'deleted' ? 'The value was deleted.' : 'Nothing answers any more.');
        }
        break;
    }
    return read();
  }

  const timer = setInterval(read, again);
  signal.addEventListener('abort', () => clearInterval(timer), {once: true});
  read();
  return {heard, composite: entry.composite, focus: () => heading.focus()};
}

