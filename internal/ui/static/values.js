// Values are a stranger's. They are shown as text, and what a reader could not see in a text is
// written out.

import {el} from '/ui/dom.js';
import {count} from '/ui/format.js';

// Control characters (but line breaks and tabs), what turns the direction of text, what has no
// width, and what a font shows as a space.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

// visible is a list of texts and elements that shows a text and hides nothing of it.
export function visible(text) {
  const out = [];
  let from = 0;
  for (const m of text.matchAll(unseen)) {
    if (m.index > from) out.push(text.slice(from, m.index));
    out.push(el('span', {class: 'unprintable', title: 'a character that cannot be seen'}, `\\u{${m[0].codePointAt(0).toString(16)}}`));
    from = m.index + m[0].length;
  }
  if (from < text.length) out.push(text.slice(from));
  return out;
}

// cut shortens a text without cutting a character in two.
function cut(text, limit) {
  if (text.length <= limit) return text;
  const end = /[\ud800-\udbff]/.test(text[limit - 1]) ? limit - 1 : limit;
  return `${text.slice(0, end)}…`;
}

function hex(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return {size: bytes.length, text: [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('')};
}

// Why there is no value in a version, '' where there is one.
function missing(v) {
  if (v.error !== undefined) return v.unavailable ? 'damaged on this node’s disk, and no peer has it' : 'damaged on this node’s disk: it is being fetched from a peer';
  if (v.deleted) return 'deleted';
  if (v.sealed) return 'sealed: it takes the masking key to read it';
  return '';
}

// brief shows a version's value in a line of a table.
export function brief(v) {
  const why = missing(v);
  if (why !== '') return el('span', {class: v.error !== undefined ? 'bad' : 'dim'}, why);
  if (v.text !== undefined) return v.text === '' ? el('span', {class: 'dim'}, 'empty') : el('bdi', {class: 'value'}, visible(cut(v.text.replace(/\s+/g, ' '), 120)));
  if (v.value === undefined) return el('span', {class: 'dim'}, 'empty');
  const {size, text} = hex(v.value);
  return el('span', {}, el('code', {}, cut(text, 32)), el('span', {class: 'dim'}, ` ${count(size)} bytes`));
}

// whole shows a version's value, all of it.
export function whole(v) {
  if (missing(v) !== '' || v.text === '' || (v.text === undefined && v.value === undefined)) return el('p', {class: 'answer'}, brief(v));
  if (v.text !== undefined) return el('pre', {class: 'answer', dir: 'auto', tabindex: '0', 'aria-label': 'Value'}, visible(v.text));
  const {size, text} = hex(v.value);
  return el('div', {class: 'answer'}, el('p', {class: 'dim'}, `${count(size)} bytes that are no text, in hexadecimal`), el('pre', {tabindex: '0', 'aria-label': 'Value'}, text));
}
