// The answers under a key, a page at a time: there may be ten thousand.

import {el, show} from '/ui/dom.js';
import {count, counted, time, short} from '/ui/format.js';
import {brief} from '/ui/values.js';
import {compareOrdinals} from '/ui/keys.js';

const pageSize = 100;

// answerList shows entries, {composite, ordinals, answer, settled, changed}, in the order of their
// ordinals. choose is called with the entry that the user picks.
export function answerList(choose) {
  const entries = new Map();
  let sorted = [];
  let stale = false;
  let page = 0;
  let chosen;
  const node = el('div', {id: 'answers'});

  const label = (e) => e.ordinals.map((o) => `#${o}`).join(' ');

  function row(e) {
    const a = e.answer;
    const button = el('button', {
      type: 'button', class: 'pick', 'data-composite': e.composite, 'aria-pressed': String(e.composite === chosen), on: {click: () => pick(e)},
    }, label(e));
    return el('tr', {class: e.changed && 'changed'},
      el('th', {scope: 'row'}, button),
      el('td', {}, brief(a)),
      el('td', {}, el('span', {class: 'id', title: a.owner}, short(a.owner))),
      el('td', {}, time(a.time)),
      el('td', {class: 'number'}, count(a.claims)),
      el('td', {}, e.settled ? 'settled' : ''));
  }

  function pick(e) {
    chosen = e.composite;
    for (const b of node.querySelectorAll('button.pick')) b.setAttribute('aria-pressed', String(b.dataset.composite === chosen));
    choose(e);
  }

  function turn(by) {
    page += by;
    draw();
    (node.querySelector(by < 0 ? '#page-before:enabled' : '#page-next:enabled') ?? node.querySelector('#page-next, #page-before:enabled'))?.focus();
  }

  function draw() {
    if (stale) {
      sorted = [...entries.values()].sort((a, b) => compareOrdinals(a.ordinals, b.ordinals) || (a.composite < b.composite ? -1 : 1));
      stale = false;
    }
    const pages = Math.max(1, Math.ceil(sorted.length / pageSize));
    page = Math.min(Math.max(page, 0), pages - 1);
    const rows = sorted.slice(page * pageSize, (page + 1) * pageSize);
    const focused = document.activeElement?.dataset?.composite;
    show(node,
      el('p', {id: 'answer-count'}, counted(sorted.length, 'answer', 'answers'), pages > 1 ? `, ${count(page * pageSize + 1)} to ${count(page * pageSize + rows.length)} shown` : ''),
      rows.length > 0 && el('div', {class: 'scroll'}, el('table', {},
        el('caption', {class: 'unseen'}, 'Answers, with the claim that won'),
        el('thead', {}, el('tr', {}, ['Ordinals', 'Value', 'Owner', 'Written', 'Claims', 'State'].map((t) => el('th', {scope: 'col', class: t === 'Claims' && 'number'}, t)))),
        el('tbody', {}, rows.map(row)))),
      pages > 1 && el('p', {class: 'pages'},
        el('button', {type: 'button', id: 'page-before', disabled: page === 0, on: {click: () => turn(-1)}}, 'Before'),
        el('button', {type: 'button', id: 'page-next', disabled: page === pages - 1, on: {click: () => turn(1)}}, 'Next')));
    for (const e of rows) e.changed = false;
    if (focused !== undefined) [...node.querySelectorAll('button.pick')].find((b) => b.dataset.composite === focused)?.focus();
  }

  return {
    node,
    draw,
    pick,
    get: (composite) => entries.get(composite),
    first: () => sorted[0],
    size: () => entries.size,
    set: (e) => { stale = true; entries.set(e.composite, e); },
    remove: (composite) => { stale = true; entries.delete(composite); },
    chosen: () => chosen,
  };
}
