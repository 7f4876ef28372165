// How the node is: in sync with whom and since when, what came and went, what was dropped, and what
// the doctor finds.

import {el, show, facts, panel, since, table} from '/ui/dom.js';
import {count, counted, bytes, short} from '/ui/format.js';
import {bars} from '/ui/bars.js';
import * as live from '/ui/live.js';

export const id = 'status';
export const title = 'Status';

// states are what the API calls a state, and how it is said to people.
const states = {
  synced: {word: 'In sync', look: 'good', text: 'At least half of the peers have the same records, and nothing is known to be missing.'},
  fetching: {word: 'Fetching records', look: 'warn', text: 'Records are known to be missing, and are on their way.'},
  comparing: {word: 'Comparing', look: 'warn', text: 'Too few peers have been compared with yet.'},
  alone: {word: 'Alone', look: 'warn', text: 'No peer is connected, so there is nobody to compare with.'},
  offline: {word: 'Offline', look: 'warn', text: 'The node was told to talk to nobody.'},
};

// marks are the doctor's, so that no colour alone tells them apart.
const marks = {ok: ['ok', 'good'], note: ['note', 'dim'], warning: ['warn', 'warn'], failure: ['FAIL', 'bad']};

function sync([s, list]) {
  const state = states[s.sync.state] ?? {word: s.sync.state, look: 'dim', text: ''};
  const agreed = list.filter((p) => p.agreedAt).sort((a, b) => b.agreedAt - a.agreedAt);
  const progress = s.sync.progress;
  return [
    el('p', {class: `big ${state.look}`, id: 'sync-state'}, state.word),
    el('p', {class: 'dim'}, s.sync.since ? [since(s.sync.since, (t) => `for ${t}`), '. '] : '', state.text),
    progress && [
      el('label', {for: 'backfill'}, `Backfill: ${count(progress.done)} of ${count(progress.total)} records, ${count(Math.round(progress.rate))} a second`),
      el('progress', {id: 'backfill', max: progress.total, value: progress.done})],
    facts([
      ['Agreeing', `${s.sync.agreeing} of ${counted(s.sync.peers, 'peer', 'peers')}`],
      ['Missing', s.sync.missing > 0 && counted(s.sync.missing, 'record', 'records')],
      ['Held back by this clock', s.sync.aheadPeers > 0 && counted(s.sync.ahead, 'record', 'records')],
      ['Compared last', s.sync.agreedAt && since(s.sync.agreedAt)]]),
    agreed.length > 0 && el('ul', {class: 'plain', id: 'agreeing'}, agreed.slice(0, 8).map((p) =>
      el('li', {}, el('span', {class: 'id', title: p.id}, short(p.id)), ' had the same records ', since(p.agreedAt)))),
    agreed.length > 8 && el('p', {class: 'dim'}, `and ${counted(agreed.length - 8, 'other', 'others')}: see Peers`)];
}

const records = (s) => [
  el('p', {class: 'big', id: 'records'}, counted(s.storage.attached, 'record', 'records')),
  s.storage.problem && el('p', {class: 'bad', role: 'alert'}, s.storage.problem),
  facts([
    ['Waiting for an ancestor', s.storage.pending > 0 && count(s.storage.pending)],
    ['Ahead of the clock', s.storage.held > 0 && count(s.storage.held)],
    ['Database', s.storage.bytes > 0 && bytes(s.storage.bytes)],
    ['From peers since the start', bytes(s.traffic.in)],
    ['To peers since the start', bytes(s.traffic.out)],
    ['Running', since(Date.parse(s.started), (t) => `for ${t}`)]])];

const about = (s) => facts([
  ['Network', s.network.parameters.name],
  ['Network ID', el('span', {class: 'id'}, s.network.id)],
  ['Peer ID', s.peer && el('span', {class: 'id'}, s.peer)],
  ['Addresses', s.addresses.length > 0 && el('ul', {class: 'plain'}, s.addresses.map((a) => el('li', {class: 'id'}, a)))],
  ['Profile', s.profile], ['Version', s.version],
  ['Policy', s.trust.policy.join(', ')],
  ['Warnings', s.trust.warnings?.map((w) => el('p', {class: 'warn'}, w))]]);

function activity(a) {
  const rows = [['Records', 'records', count], ['From peers', 'in', bytes], ['To peers', 'out', bytes], ['Dropped', 'dropped', count]];
  return [
    table('What came, went and was dropped', [
      {title: '', cell: ([name]) => name},
      {title: 'Last hour', number: true, cell: ([, of, show]) => show(a.hour[of])},
      {title: 'Last day', number: true, cell: ([, of, show]) => show(a.day[of])}], rows),
    el('p', {class: 'dim'}, 'Counted ', since(a.since, (t) => `for ${t}`), '.'),
    bars('Records each minute of the last hour', a.minutes.map((m) => ({at: m.at, n: m.records})), count),
    bars('Bytes from peers each quarter of an hour of the last day', a.quarters.map((m) => ({at: m.at, n: m.in})), bytes)];
}

function dropped(drops) {
  if (drops.length === 0) return el('p', {}, 'Nothing was dropped.');
  return [table('What bounded queues have dropped', [
    {title: 'Queue', cell: (d) => d.queue},
    {title: 'Last 10 minutes', number: true, cell: (d) => count(d.lately)},
    {title: 'Since the start', number: true, cell: (d) => count(d.count)}], drops),
  el('p', {class: 'dim'}, 'A queue that is full drops what comes. A node that goes on dropping is sent more than it can take.')];
}

const findings = (list) => el('ul', {class: 'plain findings'}, list.map((f) => {
  const [word, look] = marks[f.state] ?? [f.state, 'dim'];
  return el('li', {class: `finding-${f.state}`, 'data-area': f.area}, el('strong', {class: look}, word), ' ', el('span', {class: 'dim'}, f.area), ' ', f.text,
    f.advice && el('p', {class: 'advice'}, f.advice));
}));

const nodes = (list) => table('The full nodes that this proxy asks', [
  {title: 'Node', cell: (n) => el('span', {class: 'id'}, n.address)},
  {title: 'State', cell: (n) => [n.state, n.problem && el('p', {class: 'warn'}, n.problem), n.lied && el('p', {class: 'bad'}, n.lied)]},
  {title: 'Records', number: true, cell: (n) => count(n.attached)},
  {title: 'Latency', number: true, cell: (n) => `${Math.round(n.latencyMs)} ms`}], list);

export function mount(root) {
  const parts = {
    sync: panel('sync', 'Is this node in sync?'), records: panel('stored', 'Records'),
    activity: panel('activity', 'The last hour and day'), dropped: panel('dropped', 'Dropped'),
    nodes: panel('nodes', 'Nodes', true), findings: panel('findings', 'What the doctor finds', true), about: panel('about', 'About', true),
  };
  const grid = el('div', {class: 'panels'}, Object.values(parts).map((p) => p.element));
  const draw = () => {
    const s = live.status();
    if (s === undefined) {
      show(root, el('p', {class: 'dim'}, live.problem() || 'Asking the node …'));
      return;
    }
    if (!grid.isConnected) show(root, grid);
    parts.sync.update([s, live.peers()?.peers ?? []], sync);
    parts.records.update(s, records);
    parts.about.update(s, about);
    parts.nodes.element.hidden = s.nodes === undefined;
    if (s.nodes !== undefined) parts.nodes.update(s.nodes, nodes);
    const a = live.activity();
    parts.activity.element.hidden = a === undefined;
    if (a !== undefined) parts.activity.update(a, activity);
    const d = live.doctor();
    parts.findings.element.hidden = parts.dropped.element.hidden = d === undefined;
    if (d !== undefined) {
      parts.findings.update(d.findings, findings);
      parts.dropped.update(d.facts.drops ?? [], dropped);
    }
    root.classList.toggle('stale', live.problem() !== '');
  };
  draw();
  return live.onChange(draw);
}
