// How the node is: in sync with whom, what it stores, and what the doctor finds.

import {el, show, facts} from '/ui/dom.js';
import {count, counted, bytes} from '/ui/format.js';
import * as live from '/ui/live.js';

export const id = 'status';
export const title = 'Status';

export function mount(root) {
  const draw = () => {
    const s = live.status();
    if (s === undefined) return show(root, el('p', {class: 'dim'}, live.problem() || 'Asking the node …'));
    return show(root, el('div', {class: 'panels'},
      el('section', {class: 'panel', id: 'sync'}, el('h2', {}, 'In sync'), el('p', {class: 'big', id: 'sync-state'}, s.sync.state),
        facts([['Peers', counted(s.sync.peers, 'peer', 'peers')], ['Records', count(s.storage.attached)], ['Database', bytes(s.storage.bytes)]]))));
  };
  draw();
  return live.onChange(draw);
}
