// Elements are made here, of names, attributes and texts. Nothing is ever made of HTML: a value
// that is written like HTML is shown as it is written.

import {span, time} from '/ui/format.js';

const svgNames = 'http://www.w3.org/2000/svg';

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, serve] of Object.entries(value)) node.addEventListener(event, serve);
    } else if (/^on/i.test(name) || name === 'style' || name === 'srcdoc') {
      throw new Error(`attribute ${name} is not for el: give listeners as on, and looks as a class`);
    } else if (name === 'value') {
      node.value = value;
    } else {
      node.setAttribute(name, value === true ? '' : String(value));
    }
  }
  add(node, children);
  return node;
}

function add(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

// el makes an element: el('p', {class: 'dim', on: {click: f}}, 'text', other). Lists are flattened;
// undefined, null and false are left out.
export const el = (name, props, ...children) => fill(document.createElement(name), props, children);

// svg makes an element of SVG in the same way.
export const svg = (name, props, ...children) => fill(document.createElementNS(svgNames, name), props, children);

// show replaces what is in an element.
export function show(node, ...children) {
  node.replaceChildren();
  add(node, children);
  return node;
}

// facts makes a list of [name, value] pairs. A pair without a value is left out.
export const facts = (pairs) => el('dl', {class: 'facts'},
  pairs.filter(([, v]) => v !== undefined && v !== null && v !== '' && v !== false).map(([k, v]) => [el('dt', {}, k), el('dd', {}, v)]));

// table makes a table of a list of columns, {title, number, cell(row)}, and rows.
export const table = (caption, columns, rows) => el('div', {class: 'scroll'}, el('table', {},
  el('caption', {class: 'unseen'}, caption),
  el('thead', {}, el('tr', {}, columns.map((c) => el('th', {scope: 'col', class: c.number && 'number'}, c.title)))),
  el('tbody', {}, rows.map((row) => el('tr', {}, columns.map((c) => el('td', {class: c.number && 'number'}, c.cell(row))))))));

// panel makes a part of a page that is drawn again only when its data change, so that focus and
// selection stay. update(data, draw) fills it with what draw(data) returns.
export function panel(id, title, wide) {
  const body = el('div');
  const element = el('section', {class: wide ? 'panel wide' : 'panel', id, 'aria-labelledby': `${id}-title`}, el('h2', {id: `${id}-title`}, title), body);
  let before;
  const update = (data, draw) => {
    const now = JSON.stringify(data);
    if (now === before) return;
    before = now;
    show(body, draw(data));
  };
  return {element, body, update};
}

// since shows how long ago a moment was, in ms since the Unix epoch. It goes on by itself.
export function since(ms, words = (text) => `${text} ago`) {
  const node = el('time', {datetime: new Date(Number(ms)).toISOString(), title: time(ms)});
  const write = () => {
    const text = words(span(Date.now() - Number(ms)));
    if (node.textContent !== text) node.textContent = text;
  };
  clocks.set(node, write);
  write();
  return node;
}

const clocks = new Map();

setInterval(() => {
  for (const [node, write] of clocks) {
    if (node.isConnected) write();
    else clocks.delete(node);
  }
}, 1000);

// announce has a screen reader say something.
export function announce(text) {
  document.getElementById('spoken').textContent = text;
}
