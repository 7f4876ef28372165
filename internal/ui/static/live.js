// What the node tells of itself, as it changes. One stream feeds all views, and connects again by
// itself.

import {get} from '/ui/api.js';

const every = 2000;
const state = {};
const listeners = new Set();
const problemListeners = new Set();
let problem = '';
let running = false;

export const status = () => state.status;
export const peers = () => state.peers;
export const doctor = () => state.doctor;

// problem says why there is no news, '' while there is.
const problemText = () => problem;
export {problemText as problem};

// onChange calls f after each change, and onProblem when the node goes or comes back. Both return
// what takes that back.
export function onChange(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

export function onProblem(f) {
  problemListeners.add(f);
  return () => problemListeners.delete(f);
}

function setProblem(text) {
  if (text === problem) return;
  problem = text;
  for (const f of problemListeners) f(text);
}

async function look() {
  try {
    [state.status, state.peers, state.doctor] = await Promise.all([get('/v1/status'), get('/v1/peers?limit=1000'), get('/v1/doctor')]);
    setProblem('');
  } catch (e) {
    setProblem(e.message);
  }
  for (const f of listeners) f();
}

export async function start() {
  if (running) return;
  running = true;
  for (;;) {
    await look();
    await new Promise((wake) => setTimeout(wake, every));
  }
}

// restart asks at once, as after a session has begun.
export function restart() {
  if (running) look();
}
