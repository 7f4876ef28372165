// The records around one in the graph, as a picture and as a table.

import {el, svg, show, facts} from '/ui/dom.js';
import {get, Problem} from '/ui/api.js';
import {count, time, short} from '/ui/format.js';

// digits writes a weight, which may exceed 2^53.
const digits = (n) => BigInt(n).toLocaleString('en');

const column = 110;
const line = 56;
const margin = 34;

// levels places records in columns: each to the right of those that it links.
function levels(records) {
  const at = new Map();
  for (const r of records) { // parents come before their children
    r.level = 1 + Math.max(-1, ...(r.links ?? []).map((id) => at.get(id)?.level ?? -1));
    at.set(r.id, r);
  }
  const rows = [];
  for (const r of records) r.row = rows[r.level] = (rows[r.level] ?? -1) + 1;
  return {at, columns: rows.length, rows: 1 + Math.max(...rows)};
}

const radius = (weight) => Math.min(16, 5 + Math.log2(1 + Number(weight)) / 3);

function picture(records, center, choose) {
  const {at, columns, rows} = levels(records);
  const x = (r) => margin + r.level * column;
  const y = (r) => margin + r.row * line;
  const width = 2 * margin + Math.max(columns - 1, 1) * column;
  const height = 2 * margin + (rows - 1) * line;
  const edges = records.flatMap((r) => (r.links ?? []).filter((id) => at.has(id)).map((id) => {
    const p = at.get(id);
    const main = id === r.mainParent;
    const bend = r.level - p.level > 1 ? 18 : 0; // around what lies between
    return svg('path', {d: `M${x(r)} ${y(r)}Q${(x(r) + x(p)) / 2} ${(y(r) + y(p)) / 2 + bend} ${x(p)} ${y(p)}`, class: main ? 'edge main' : 'edge'});
  }));
  const nodes = records.map((r) => svg('g', {
    class: `node ${r.error ? 'damaged' : r.type}${r.id === center ? ' center' : ''}`, tabindex: '0', role: 'button', 'data-id': r.id,
    'aria-label': `${r.error ?? r.type}, weight ${digits(r.weight)}, ${place(r)}`,
    on: {click: () => choose(r.id), keydown: (e) => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); choose(r.id); } }},
  }, svg('rect', {x: x(r) - 24, y: y(r) - 17, width: 48, height: 52, class: 'hit'}), svg('circle', {cx: x(r), cy: y(r), r: radius(r.weight)}), svg('text', {x: x(r), y: y(r) + 29, 'text-anchor': 'middle'}, r.id.slice(-5)),
  svg('title', {}, `${r.error ?? r.type} ${r.id}, weight ${digits(r.weight)}`)));
  return el('div', {class: 'scroll graph'}, svg('svg', {viewBox: `0 0 ${width} ${height}`, width, height, role: 'group', 'aria-label': 'Records and their links. The table below lists them.'}, edges, nodes));
}

function place(r) {
  if (r.step === 0) return 'this record';
  const links = Math.abs(r.step) === 1 ? '1 link' : `${Math.abs(r.step)} links`;
  return r.step < 0 ? `${links} before` : `${links} after`;
}

const recordButton = (id, lookAt) => el('button', {type: 'button', class: 'link id', title: id, on: {click: () => lookAt(id)}}, short(id));

function about(r, lookAt) {
  if (r.error) return el('p', {class: 'bad'}, `Record ${r.id} is damaged on this node’s disk.`);
  return facts([
    ['Record', el('code', {id: 'center'}, r.id)], ['Type', r.type], ['State', r.state], ['Owner', r.owner && el('code', {}, r.owner)], ['Written', r.timestamp && time(r.timestamp)],
    ['Effort', count(r.effort)], ['Weight', r.weight && el('span', {id: 'weight'}, digits(r.weight))],
    ['Links', r.links && el('ul', {class: 'plain'}, r.links.map((id) => el('li', {}, recordButton(id, lookAt), id === r.mainParent && ' (main parent)')))],
    ['Mergeset', r.merges && `${count(r.merges)} records that the other links add to the main parent’s past`],
  ]);
}

function asTable(records, lookAt) {
  return el('details', {}, el('summary', {}, 'As a table'), el('div', {class: 'scroll'}, el('table', {id: 'around-table'},
    el('caption', {class: 'unseen'}, 'Records around this one'),
    el('thead', {}, el('tr', {}, ['Place', 'Record', 'Type', 'Weight', 'Main parent', 'Written'].map((t) => el('th', {scope: 'col', class: t === 'Weight' && 'number'}, t)))),
    el('tbody', {}, records.map((r) => el('tr', {},
      el('td', {}, place(r)), el('td', {}, recordButton(r.id, lookAt)), el('td', {}, r.error ?? r.type), el('td', {class: 'number'}, digits(r.weight)),
      el('td', {}, r.mainParent && recordButton(r.mainParent, lookAt)), el('td', {}, r.timestamp ? time(r.timestamp) : '')))))));
}

// surroundings asks for the records around one. A proxy keeps none: then the record's own links are
// all there is to show. So it is of a record that is not attached.
async function surroundings(id, steps, signal) {
  try {
    return await get(`/v1/records/${id}/around?steps=${steps}`, {signal});
  } catch (e) {
    if (!(e instanceof Problem) || (e.status !== 404 && e.status !== 409)) throw e;
  }
  const r = await get(`/v1/records/${id}`, {signal});
  return {records: [{...r, weight: r.weight ?? '0', step: 0}], alone: r.state === 'attached' ? 'This is a proxy, which keeps no graph: the record’s links are listed.' : `The record is ${r.state}: it has no place in the graph yet.`};
}

// aroundView shows records of the graph. Its lookAt shows a record, and refresh the same one again.
export function aroundView(signal) {
  const node = el('section', {class: 'panel wide', id: 'around', hidden: true});
  const steps = el('select', {id: 'steps', on: {change: () => refresh()}}, [1, 2, 3, 4].map((n) => el('option', {value: n, selected: n === 2}, n)));
  const body = el('div', {});
  const heading = el('h2', {tabindex: '-1'}, 'In the graph');
  show(node, heading, el('p', {}, el('label', {for: 'steps', class: 'inline'}, 'Links away: '), steps), body);
  let center;
  let turn = 0;

  async function refresh() {
    if (center === undefined) return;
    const mine = ++turn;
    const hadFocus = node.contains(document.activeElement) ? document.activeElement.dataset?.id : undefined;
    try {
      const found = await surroundings(center, steps.value, signal);
      if (mine !== turn) return;
      const self = found.records.find((r) => r.step === 0);
      show(body, about(self, lookAt), found.alone ? el('p', {class: 'dim'}, found.alone) : [
        picture(found.records, center, lookAt),
        el('p', {class: 'dim'}, 'Older records are to the left. A thick line leads to the main parent. A larger circle has more weight.', found.more ? ' There are more records than are shown.' : ''),
        asTable(found.records, lookAt)]);
      if (hadFocus !== undefined) body.querySelector(`g.node[data-id="${CSS.escape(center)}"]`)?.focus();
    } catch (e) {
      if (signal.aborted || mine !== turn) return;
      show(body, el('p', {class: 'bad'}, e.message));
    }
  }

  function lookAt(id, {focus = false} = {}) {
    center = id;
    node.hidden = false;
    if (focus) {
      heading.focus();
      node.scrollIntoView({block: 'nearest'});
    }
    return refresh();
  }

  return {node, lookAt, refresh, center: () => center};
}
