// The shell: it begins the session, lists the views, and shows the one that the fragment names.
//
// A view is a module in views/ that exports {id, title, mount}. mount(root) fills an empty element
// and may return a function that the shell calls before it shows another view. The fragment is the
// view's ID alone: no name, key or value goes there.

import {el, show, announce} from '/ui/dom.js';
import {time} from '/ui/format.js';
import * as session from '/ui/session.js';
import * as live from '/ui/live.js';
import * as status from '/ui/views/status.js';
import * as peers from '/ui/views/peers.js';
import * as explore from '/ui/views/explore.js';
import * as write from '/ui/views/write.js';
import * as owners from '/ui/views/owners.js';

const views = [status, peers, explore, write, owners];

const main = document.getElementById('main');
const nav = document.getElementById('views');
const where = document.getElementById('where');
let shown;
let unmount;

function open() {
  const id = location.hash.slice(1);
  const view = views.find((v) => v.id === id) ?? views[0];
  if (view === shown) return;
  unmount?.();
  const first = shown === undefined;
  shown = view;
  for (const link of nav.children) {
    if (link.hash === `#${view.id}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const heading = el('h1', {tabindex: '-1'}, view.title);
  const root = el('div', {id: `view-${view.id}`});
  show(main, heading, root);
  title();
  unmount = view.mount(root);
  if (!first) heading.focus(); // so that keyboard and screen reader go on from here
}

function title() {
  const name = live.status()?.network.parameters.name ?? 'LF';
  document.title = `${shown.title} – ${name}`;
}

function showSession() {
  const place = document.getElementById('session');
  if (!session.isActive()) {
    show(place, el('span', {title: session.whyEnded() || '“lf ui” opens the page with the right to write'}, 'Read only'));
    notice('session', session.whyEnded());
    return;
  }
  notice('session', '');
  show(place, el('span', {}, 'You may write'),
    el('button', {type: 'button', id: 'end-session', on: {click: () => session.end().catch((e) => notice('session', e.message))}}, 'End the session'));
}

// notices are what the user is told at the top, by what it is about.
const notices = new Map();

// notice tells the user something in one line; '' takes it back.
function notice(about, text) {
  if (text === (notices.get(about) ?? '')) return;
  notices.set(about, text);
  show(document.getElementById('notice'), [...notices].filter(([, t]) => t !== '').map(([of, t]) =>
    el('p', {}, t, ' ', el('button', {type: 'button', on: {click: () => notice(of, '')}}, 'Dismiss'))));
}

function showNode() {
  const s = live.status();
  if (s !== undefined) show(where, s.network.parameters.name, el('span', {class: 'dim'}, s.nodes ? ' · proxy' : ''));
  document.getElementById('session').title = session.until() > 0 ? `The session ends at ${time(session.until())}, or with the node` : '';
  document.body.classList.toggle('away', live.problem() !== '');
  title();
}

document.getElementById('skip').addEventListener('click', (e) => { e.preventDefault(); main.focus(); });
show(nav, views.map((v) => el('a', {href: `#${v.id}`}, v.title)));
addEventListener('hashchange', open);
session.onChange(showSession);
session.onChange(live.restart);
await session.begin();
showSession();
live.onChange(showNode);
live.onProblem((text) => { notice('node', text); announce(text || 'The node answers again'); });
open();
live.start();
