// Keys as people write them: a selector expression for each name, NAME#ORDINAL or a range. Names go
// into the bodies of requests, never into an address.

import {el, show} from '/ui/dom.js';

// nameOf is the name in an expression. A hash in a name is written \#, and a backslash \\.
export function nameOf(expression) {
  let name = '';
  for (let i = 0; i < expression.length && expression[i] !== '#'; i++) {
    if (expression[i] === '\\' && i + 1 < expression.length) i++;
    name += expression[i];
  }
  return name;
}

const escaped = (name) => name.replace(/[\\#]/g, '\\$&');

// exact is the expression of one ordinal under the name of another expression.
export const exact = (expression, ordinal) => `${escaped(nameOf(expression))}#${ordinal}`;

// isExact tells whether an expression asks for one ordinal.
export const isExact = (expression) => /^(?:[^#\\]|\\.)*(?:#\d+)?$/.test(expression);

// compareOrdinals orders lists of ordinals, which are strings of digits and may exceed 2^53.
export function compareOrdinals(a, b) {
  for (let i = 0; i < a.length; i++) {
    if (a[i].length !== b[i].length) return a[i].length - b[i].length;
    if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

const maxSelectors = 15;

// keyFields makes a field for each name of a key. Its read returns the expressions, fill replaces
// them.
export function keyFields(prefix, example) {
  const rows = el('div', {class: 'keys'});
  const more = el('button', {type: 'button', id: `${prefix}-more`, on: {click: () => add('').focus()}}, 'Another name');
  const inputs = () => [...rows.querySelectorAll('input')];

  function add(text) {
    const n = rows.children.length + 1;
    const input = el('input', {
      type: 'text', 'aria-label': n === 1 ? 'Key' : `Further name ${n}`, placeholder: n === 1 ? example : '', required: n === 1, size: 28,
      maxlength: 2112, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', value: text,
    });
    if (n === 1) input.id = prefix;
    const row = el('div', {class: 'row'}, input);
    if (n > 1) row.append(el('button', {type: 'button', 'aria-label': `Leave out name ${n}`, on: {click: () => { row.remove(); more.disabled = false; more.focus(); }}}, '×'));
    rows.append(row);
    more.disabled = rows.children.length >= maxSelectors;
    return input;
  }

  const fill = (expressions) => {
    show(rows);
    for (const text of expressions.length > 0 ? expressions : ['']) add(text);
  };
  fill([]);
  return {
    node: el('div', {}, el('label', {for: prefix}, 'Key'), rows, more),
    read: () => inputs().map((i) => i.value).filter((text) => text !== ''),
    fill,
  };
}
