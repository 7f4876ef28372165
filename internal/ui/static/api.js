// The node's API. Every error has a message for the user. Nothing that may hold a name goes into a
// path or a query string: such requests are POSTs with a body.

let bearer = '';
let refused = () => {};

// setBearer says what requests show, and what to call when the node no longer takes it.
export function setBearer(token, whenRefused) {
  bearer = token;
  refused = whenRefused;
}

// Problem is an answer that is an error. Its message says what is wrong and what to do; status and
// body are the node's.
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `the node answered with status ${status}`);
    this.status = status;
    this.body = body;
  }
}

// Away says that the node does not answer.
export class Away extends Error {
  constructor() { super('The node does not answer. Is it running?'); }
}

async function ask(method, path, {body, signal, headers} = {}) {
  const all = {...headers};
  if (bearer !== '') all.Authorization = `Bearer ${bearer}`;
  if (body !== undefined) all['Content-Type'] = 'application/json';
  const shown = bearer;
  let answer;
  try {
    answer = await fetch(path, {method, headers: all, signal, cache: 'no-store', redirect: 'error', body: body === undefined ? undefined : JSON.stringify(body)});
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Away();
  }
  if (answer.ok) return answer;
  const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
  if (answer.status === 401 && shown !== '' && shown === bearer) refused();
  throw problem;
}

// send makes a request with a body in JSON, if there is one, and returns the answer.
export async function send(method, path, body, options = {}) {
  const answer = await ask(method, path, {...options, body});
  return answer.status === 204 ? undefined : answer.json();
}

// get reads. The path holds nothing that is secret.
export const get = (path, options) => send('GET', path, undefined, options);

// silence is how long a stream may say nothing, in ms. A comment comes every 15 s.
const silence = 45000;

function within(promise) {
  let timer;
  const late = new Promise((_, refuse) => { timer = setTimeout(() => refuse(new Away()), silence); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// events makes a request whose answer is a stream of events (SSE). It yields {event, data, id}, data
// out of JSON, until the stream ends. An event named error becomes a Problem.
export async function* events(method, path, {body, signal, headers} = {}) {
  const answer = await ask(method, path, {body, signal, headers: {...headers, Accept: 'text/event-stream'}});
  let rest = '';
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const {value, done} = await within(reader.read()).catch((e) => { throw signal?.aborted ? e : new Away(); });
      if (done) return;
      rest += value;
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const one = parse(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (one.event === 'error') throw new Problem(one.data.status, one.data);
        if (one.event !== undefined) yield one;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// parse reads the lines of one event; a comment is an event without a name.
function parse(text) {
  const out = {};
  const data = [];
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    const value = line.slice(at + 1).replace(/^ /, '');
    switch (at < 0 ? line : line.slice(0, at)) {
      case 'event': out.event = value; break;
      case 'id': out.id = value; break;
      case 'data': data.push(value); break;
    }
  }
  if (data.length > 0) out.data = JSON.parse(data.join('\n'));
  return out;
}
