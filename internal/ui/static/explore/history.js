// A claim's versions on an axis of time, and as a table.

import {el, svg} from '/ui/dom.js';
import {counted, time, short, span} from '/ui/format.js';
import {brief} from '/ui/values.js';

const width = 720;
const height = 84;
const margin = 20;

// axis draws versions, the newest first, where they stand in time.
function axis(versions, lookAt) {
  const times = versions.map((v) => v.time);
  const first = Math.min(...times);
  const last = Math.max(...times);
  const x = (t) => last === first ? width / 2 : margin + (width - 2 * margin) * (t - first) / (last - first);
  const line = height / 2 - 6;
  return el('div', {class: 'scroll'}, svg('svg', {viewBox: `0 0 ${width} ${height}`, class: 'axis', role: 'img', 'aria-label': `${counted(versions.length, 'version', 'versions')} from ${time(first)} to ${time(last)}. The table below lists them.`},
    svg('line', {x1: margin / 2, x2: width - margin / 2, y1: line, y2: line, class: 'line'}),
    [...versions].reverse().map((v) => svg('circle', {
      cx: x(v.time).toFixed(1), cy: line, r: v === versions[0] ? 8 : 6, class: v.deleted ? 'version tombstone' : v === versions[0] ? 'version newest' : 'version',
      on: {click: () => lookAt(v.record)},
    }, svg('title', {}, `${time(v.time)}${v.deleted ? ', deleted' : ''}`))),
    svg('text', {x: margin / 2, y: height - 6}, time(first)),
    last > first && [svg('text', {x: width - margin / 2, y: height - 6, 'text-anchor': 'end'}, time(last)),
      svg('text', {x: width / 2, y: height - 6, 'text-anchor': 'middle', class: 'dim'}, span(last - first))]));
}

// historyOf shows the versions of a claim, the newest first. older is called for more of them, and
// is undefined where there are none.
export function historyOf(versions, older, lookAt) {
  const usable = versions.filter((v) => v.time > 0);
  return el('div', {id: 'history'},
    usable.length > 0 && axis(usable, lookAt),
    el('div', {class: 'scroll'}, el('table', {},
      el('caption', {class: 'unseen'}, 'Versions, newest first'),
      el('thead', {}, el('tr', {}, ['Written', 'Value', 'Record'].map((t) => el('th', {scope: 'col'}, t)))),
      el('tbody', {}, versions.map((v) => el('tr', {},
        el('td', {}, v.time > 0 ? time(v.time) : ''),
        el('td', {}, brief(v)),
        el('td', {}, el('button', {type: 'button', class: 'link id', title: v.record, on: {click: () => lookAt(v.record)}}, short(v.record)))))))),
    older && el('button', {type: 'button', id: 'older', on: {click: older}}, 'Older versions'));
}
