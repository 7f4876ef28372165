// A small chart of bars over time. A screen reader is told its title, sum and peak.

import {el, svg} from '/ui/dom.js';
import {time} from '/ui/format.js';

const width = 480;
const height = 56;

// bars draws samples {at, n} of equal lengths of time. text says a number.
export function bars(title, samples, text) {
  const most = Math.max(1, ...samples.map((s) => s.n));
  const step = width / samples.length;
  const peak = samples.reduce((a, b) => (b.n > a.n ? b : a), samples[0]);
  const label = `${title}. At most ${text(peak.n)}${peak.n > 0 ? `, at ${time(peak.at)}` : ''}.`;
  return el('figure', {class: 'bars'},
    el('figcaption', {class: 'dim'}, `${title}; at most ${text(peak.n)}`),
    svg('svg', {viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label, preserveAspectRatio: 'none'},
      svg('line', {x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5, class: 'base'}),
      samples.map((s, i) => s.n > 0 && svg('rect', {
        x: (i * step).toFixed(2), width: Math.max(step - 1, 1).toFixed(2), y: (height - bar(s.n, most)).toFixed(2), height: bar(s.n, most).toFixed(2),
      }, svg('title', {}, `${time(s.at)}: ${text(s.n)}`)))));
}

// bar is how high a number stands: what is there can be seen, however little it is.
const bar = (n, most) => Math.max(2, n / most * (height - 4));
