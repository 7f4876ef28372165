// Following the answers under a key: the current ones first, then each change.

import {events, Problem} from '/ui/api.js';

const least = 500;
const most = 10_000;

function pause(ms, signal) {
  return new Promise((wake) => {
    const timer = setTimeout(wake, ms);
    signal.addEventListener('abort', () => { clearTimeout(timer); wake(); }, {once: true});
  });
}

// shown waits until the page can be seen. A hidden one leaves its connection to others: a browser
// has six to a node, whatever the number of its tabs.
function shown(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((wake) => {
    const look = () => { if (!document.hidden || signal.aborted) { document.removeEventListener('visibilitychange', look); wake(); } };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look, {once: true});
  });
}

// whileShown is aborted with a signal, and when the page is hidden.
function whileShown(signal) {
  const stop = new AbortController();
  const hide = () => { if (document.hidden) stop.abort(); };
  document.addEventListener('visibilitychange', hide);
  signal.addEventListener('abort', () => stop.abort(), {once: true});
  stop.signal.addEventListener('abort', () => document.removeEventListener('visibilitychange', hide), {once: true});
  return stop;
}

// passing tells of an error that the same request may not meet again.
const passing = (e) => !(e instanceof Problem) || e.status >= 500 || e.status === 401 || e.status === 429;

// follow watches until its signal is aborted, and throws what trying again does not mend. tell.event
// gets the node's events, tell.problem why there are none, or '' once there are. After a pause tell.gone
// gets the composite keys that answered before and do no longer.
export async function follow(request, signal, tell) {
  const known = new Set();
  let after;
  for (let wait = least; !signal.aborted; wait = Math.min(2 * wait, most)) {
    await shown(signal);
    const stream = whileShown(signal);
    try {
      const listed = new Set();
      let listing = true;
      for await (const {data: e} of events('POST', '/v1/watch', {body: {...request, after}, signal: stream.signal})) {
        wait = least;
        after = e.cursor;
        tell.problem('');
        if (e.event === 'sync') {
          if (listing && e.listed) {
            const gone = [...known].filter((c) => !listed.has(c));
            for (const c of gone) known.delete(c);
            if (gone.length > 0) tell.gone(gone);
          }
          listing = false;
        } else if (e.event === 'gone') {
          known.delete(e.composite);
        } else {
          known.add(e.composite);
          listed.add(e.composite);
        }
        tell.event(e);
      }
      tell.problem('The node has ended the stream. Asking again …');
    } catch (e) {
      if (signal.aborted) return;
      if (stream.signal.aborted) { // hidden
        wait = least / 2;
        continue;
      }
      if (!passing(e)) throw e;
      tell.problem(e.message);
    } finally {
      stream.abort();
    }
    await pause(wait, signal);
  }
}
