// A key expression, its answers, and why they answer.

import {el, show} from '/ui/dom.js';

export const id = 'explore';
export const title = 'Explore';

export function mount(root) {
  show(root, el('p', {class: 'dim'}, 'lf get --explain shows the answers under a key.'));
}
