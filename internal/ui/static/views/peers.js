// The connected peers, as a picture and as a table.

import {el, show, table} from '/ui/dom.js';
import {short} from '/ui/format.js';
import * as live from '/ui/live.js';

export const id = 'peers';
export const title = 'Peers';

export function mount(root) {
  const draw = () => show(root, table('Connected peers', [
    {title: 'Peer', cell: (p) => el('span', {class: 'id', title: p.id}, short(p.id))},
    {title: 'Path', cell: (p) => p.path},
  ], live.peers()?.peers ?? []));
  draw();
  return live.onChange(draw);
}
