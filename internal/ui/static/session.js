// The session: with its token the browser acts for the node's user. lf ui opens the page with the
// token in the fragment of the address, lf ui --print with a code that starts a session once. The
// fragment is cleared at once. The token is in this module's memory, and nowhere else.

import {get, send, setBearer} from '/ui/api.js';

let active = false;
let ended = '';
let until = 0;
const listeners = new Set();

// isActive tells whether there is a token.
export const isActive = () => active;

// whyEnded says why there is none any more, '' if there never was one.
export const whyEnded = () => ended;

// until is when the session ends by itself, in ms since the Unix epoch; 0: not known yet.
export {endsAt as until};
const endsAt = () => until;

// onChange calls f when a session begins or ends. It returns what takes that back.
export function onChange(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

function change(token, why) {
  active = token !== '';
  until = 0;
  ended = why;
  setBearer(token, () => change('', 'The session has ended: the node was started again, or its time was up. “lf ui” starts another one.'));
  for (const f of listeners) f();
}

// begin takes a token or a code out of the address, and clears it there.
export async function begin() {
  const given = new URLSearchParams(location.hash.slice(1));
  const token = given.get('token');
  const code = given.get('code');
  if (token === null && code === null) return;
  history.replaceState(null, '', `${location.pathname}#status`);
  if (token !== null) {
    change(token, '');
    return;
  }
  try {
    change((await send('POST', '/v1/session', {code})).token, '');
  } catch (e) {
    change('', e.message);
  }
}

// check asks the node whether the session is still open. The page does so whenever it connects: a
// node that was started again knows no session, and answers reads all the same.
export async function check() {
  if (!active) return;
  until = (await get('/v1/session')).until;
}

// end ends the session at the node, too.
export async function end() {
  await send('DELETE', '/v1/sessions/self');
  change('', 'You have ended the session. “lf ui” starts another one.');
}
