// What one view asks of another: the explorer sends a key to be written, and the other way around.
// It is in memory alone, for a key is never part of an address.

const waiting = new Map();
const listeners = new Map();

// go shows another view, and hands it something.
export function go(view, what) {
  const listener = listeners.get(view);
  if (listener !== undefined) {
    listener(what);
    return;
  }
  waiting.set(view, what);
  location.hash = `#${view}`;
}

// receive gives a view what waits for it, and calls f for what comes while the view is shown. It
// returns what ends that.
export function receive(view, f) {
  if (waiting.has(view)) {
    const what = waiting.get(view);
    waiting.delete(view);
    f(what);
  }
  listeners.set(view, f);
  return () => listeners.delete(view);
}
