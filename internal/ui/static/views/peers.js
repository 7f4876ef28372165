// The connected peers: as a picture of the ways to them, and as a table that says the same.

import {el, svg, show, table, panel, since} from '/ui/dom.js';
import {counted, short} from '/ui/format.js';
import * as live from '/ui/live.js';

export const id = 'peers';
export const title = 'Peers';

// drawn is how many peers a picture has room for.
const drawn = 24;

const paths = {direct: 'direct', punched: 'through a hole', relayed: 'relayed'};

const latency = (p) => (p.latencyMs ? `${p.latencyMs < 10 ? p.latencyMs.toFixed(1) : Math.round(p.latencyMs)} ms` : '');

// place puts the peers of a picture on a circle, and a relay that is no peer of the network beside
// what it relays. A relayed peer stands outside its relay.
function place(peers, width) {
  const direct = peers.filter((p) => p.path !== 'relayed');
  const behind = Map.groupBy(peers.filter((p) => p.path === 'relayed'), (p) => p.relay ?? '');
  const inner = direct.map((p) => ({id: p.id, peer: p}));
  for (const relay of behind.keys()) {
    if (!inner.some((n) => n.id === relay)) inner.push({id: relay, relayOnly: true});
  }
  const deep = behind.size > 0;
  const height = Math.max(240, Math.min(width * 0.75, 480));
  const center = {x: width / 2, y: height / 2};
  const reach = {x: width / 2 - 56, y: height / 2 - 34};
  const at = (angle, part) => ({x: center.x + Math.cos(angle) * reach.x * part, y: center.y + Math.sin(angle) * reach.y * part});
  const nodes = [];
  inner.forEach((n, i) => {
    const angle = -Math.PI / 2 + 2 * Math.PI * i / inner.length;
    const node = {...n, ...at(angle, deep ? 0.5 : 0.9), from: center};
    nodes.push(node);
    const children = behind.get(n.id) ?? [];
    children.forEach((p, j) => {
      const spread = Math.min(2 * Math.PI / inner.length, Math.PI / 2);
      const turned = angle + spread * ((j + 0.5) / children.length - 0.5);
      nodes.push({id: p.id, peer: p, ...at(turned, 1), from: node});
    });
  });
  return {width, height, center, nodes};
}

function picture(peers, width) {
  const {height, center, nodes} = place(peers.slice(0, drawn), width);
  const lines = nodes.map((n) => svg('line', {x1: n.from.x, y1: n.from.y, x2: n.x, y2: n.y, class: `way ${n.peer?.path ?? 'torelay'}`}));
  const labels = nodes.map((n) => n.peer && latency(n.peer) && n.peer.path !== 'relayed' && svg('text', {
    x: n.from.x + (n.x - n.from.x) * 0.55, y: n.from.y + (n.y - n.from.y) * 0.55 - 4, 'text-anchor': 'middle', class: 'small'}, latency(n.peer)));
  const dots = nodes.map((n) => svg('g', {class: n.peer?.agreedAt ? 'peer agrees' : 'peer', 'data-peer': n.id},
    svg('title', {}, n.peer ? spoken(n.peer) : `Relay ${n.id}`),
    n.relayOnly ? svg('rect', {x: n.x - 9, y: n.y - 9, width: 18, height: 18}) : svg('circle', {cx: n.x, cy: n.y, r: 11}),
    n.peer?.agreedAt && svg('path', {class: 'check', d: `M${n.x - 5} ${n.y}l4 4 6 -8`}),
    svg('text', {x: n.x, y: n.y + 26, 'text-anchor': 'middle', class: 'small'}, n.relayOnly ? 'relay' : `…${n.id.slice(-6)}`)));
  return svg('svg', {
    viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', class: 'peers', 'aria-label': `${counted(peers.length, 'peer', 'peers')} around this node. The table below says the same.`,
  }, lines, labels, svg('g', {class: 'peer self'}, svg('circle', {cx: center.x, cy: center.y, r: 15}), svg('text', {x: center.x, y: center.y + 30, 'text-anchor': 'middle'}, 'this node')), dots);
}

const way = (p) => (p.path === 'relayed' ? `relayed by ${p.relay ? `…${p.relay.slice(-6)}` : 'another'}` : paths[p.path] ?? p.path);

const spoken = (p) => `${p.id}: ${way(p)}, ${p.transport}${latency(p) ? `, ${latency(p)}` : ''}, ${p.agreedAt ? 'had the same records' : 'not compared yet'}`;

const legend = () => el('ul', {class: 'plain legend'}, [
  ['direct', 'direct'], ['punched', 'direct, through a hole in both routers'], ['relayed', 'through a relay'],
].map(([kind, words]) => el('li', {}, svg('svg', {width: 40, height: 10, 'aria-hidden': 'true'}, svg('line', {x1: 2, x2: 38, y1: 5, y2: 5, class: `way ${kind}`})), words)),
el('li', {}, svg('svg', {width: 40, height: 24, 'aria-hidden': 'true'}, svg('g', {class: 'peer agrees'}, svg('circle', {cx: 20, cy: 12, r: 10}), svg('path', {class: 'check', d: 'M15 12l4 4 6 -8'}))), 'had the same records at the last comparison'));

const columns = [
  {title: 'Peer', cell: (p) => [el('span', {class: 'id', title: p.id}, short(p.id)), p.seed && ' · seed', p.added && ' · added by hand', p.agent && el('div', {class: 'dim'}, p.agent)]},
  {title: 'Way', cell: (p) => [way(p), el('div', {class: 'dim'}, `${p.transport}, ${p.direction}`)]},
  {title: 'Latency', number: true, cell: (p) => latency(p) || '–'},
  {title: 'Same records', cell: (p) => (p.agreedAt ? since(p.agreedAt) : 'not compared yet')},
];

export function mount(root) {
  const drawing = panel('picture', 'The ways to them', true);
  const list = panel('connected', 'Connected', true);
  const others = el('p', {class: 'dim', id: 'others'});
  show(root, el('div', {class: 'panels'}, drawing.element, list.element), others);
  const draw = () => {
    const all = live.peers()?.peers;
    const width = Math.max(260, Math.min(760, drawing.body.clientWidth));
    if (live.status()?.nodes !== undefined) {
      list.element.hidden = true;
      drawing.update('proxy', () => el('p', {}, 'This is a proxy, which has no peers of its own. Status shows the nodes that it asks.'));
      return;
    }
    if (all === undefined) {
      drawing.update([], () => el('p', {class: 'dim'}, live.problem() || 'Asking the node …'));
      return;
    }
    const ours = all.filter((p) => p.network);
    const other = all.length - ours.length;
    // the picture shows less than the table, and is drawn again less often
    drawing.update([ours.map((p) => [p.id, p.path, p.relay, latency(p), !!p.agreedAt]), width], () => (ours.length === 0
      ? el('p', {id: 'no-peers'}, 'No peer is connected. The doctor (Status) says what to try.')
      : [picture(ours, width), ours.length > drawn && el('p', {class: 'dim'}, `The picture shows ${drawn} of ${ours.length} peers.`), legend()]));
    list.update(ours, () => table('Connected peers', columns, ours));
    show(others, other > 0 && `${counted(other, 'connected peer does', 'connected peers do')} not speak this network’s protocols.`);
  };
  draw();
  const resized = new ResizeObserver(draw);
  resized.observe(root);
  const quiet = live.onChange(draw);
  return () => {
    quiet();
    resized.disconnect();
  };
}
