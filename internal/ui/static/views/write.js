// Set, delete and release, owners and oracles: with a session alone.

import {el, show} from '/ui/dom.js';

export const id = 'write';
export const title = 'Write';

export function mount(root) {
  show(root, el('p', {class: 'dim'}, 'lf set writes.'));
}
