// What the node tells of itself, as it changes. One stream feeds all views. It connects again by
// itself, so a node that goes and comes back is seen.

import {events, Away} from '/ui/api.js';
import * as session from '/ui/session.js';

const firstPause = 500;
const longestPause = 5000;

const state = {};
const listeners = new Set();
const problemListeners = new Set();
let trouble = '';
let running = false;
let stream; // what ends the stream
let wake = () => {};

// What is known, undefined before the node has told it. A proxy tells no activity.
export const status = () => state.status;
export const peers = () => state.peers;
export const doctor = () => state.doctor;
export const activity = () => state.activity;

// problem says why there is no news, '' while there is.
export const problem = () => trouble;

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
  if (text === trouble) return;
  trouble = text;
  for (const f of problemListeners) f(text);
  tell();
}

function tell() {
  for (const f of listeners) f();
}

// follow reads one stream until it ends. Its error says why.
async function follow(signal) {
  await shown();
  await session.check();
  for await (const e of events('GET', '/v1/live', {signal})) {
    if (e.event === 'problem') {
      setProblem(e.data === null ? '' : e.data.detail ?? e.data.title);
      continue;
    }
    if (e.event === 'status') setProblem('');
    state[e.event] = e.data;
    tell();
  }
  throw new Away();
}

// shown waits until the page can be seen. A hidden one leaves its connection to others: a browser
// has six to a node, whatever the number of its tabs.
function shown() {
  if (!document.hidden) return undefined;
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
  });
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) restart();
});

// start follows the node for as long as the page is open.
export async function start() {
  if (running) return;
  running = true;
  for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
    stream = new AbortController();
    const begun = Date.now();
    try {
      await follow(stream.signal);
    } catch (e) {
      if (stream.signal.aborted) {
        pause = firstPause / 2;
        continue;
      }
      setProblem(e.message);
    }
    if (Date.now() - begun > longestPause) pause = firstPause;
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, pause);
    });
  }
}

// restart connects at once, as after a session has begun.
export function restart() {
  stream?.abort();
  wake();
}
