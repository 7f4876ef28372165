// Elements are made here, of names, attributes and texts. Nothing is ever made of HTML: a value
// that is written like HTML is shown as it is written.

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
  pairs.filter(([, v]) => v !== undefined && v !== null && v !== '').map(([k, v]) => [el('dt', {}, k), el('dd', {}, v)]));

// table makes a table of a list of columns, {title, number, cell(row)}, and rows.
export const table = (caption, columns, rows) => el('div', {class: 'scroll'}, el('table', {},
  el('caption', {class: 'unseen'}, caption),
  el('thead', {}, el('tr', {}, columns.map((c) => el('th', {scope: 'col', class: c.number && 'number'}, c.title)))),
  el('tbody', {}, rows.map((row) => el('tr', {}, columns.map((c) => el('td', {class: c.number && 'number'}, c.cell(row))))))));

// announce has a screen reader say something.
export function announce(text) {
  document.getElementById('spoken').textContent = text;
}
