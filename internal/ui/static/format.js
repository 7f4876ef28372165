// Numbers, times and IDs as people read them.

export const count = (n) => Number(n ?? 0).toLocaleString('en');

export const counted = (n, one, many) => `${count(n)} ${Number(n) === 1 ? one : many}`;

export function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  let value = Number(n ?? 0);
  for (; value >= 1024 && at < units.length - 1; at++) value /= 1024;
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

// span is a length of time, in ms.
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

// time is a moment, in ms since the Unix epoch, in the browser's zone.
export const time = (ms) => new Date(Number(ms)).toLocaleString('en-GB', {dateStyle: 'medium', timeStyle: 'medium'});

// short is an ID that a table has room for. Show the whole one in a title.
export const short = (id) => id.length > 16 ? `${id.slice(0, 6)}…${id.slice(-6)}` : id;
