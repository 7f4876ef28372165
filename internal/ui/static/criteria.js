// The criteria by which claims are compared, and what each says of a claim. The names and the help
// are those of package protocol, which a test makes sure of.

import {time} from '/ui/format.js';

export const criteria = [
  {name: 'certified', help: 'its owner had a valid certificate of a trusted CA when it wrote, not revoked since'},
  {name: 'oracles', help: 'fewer of the oracles that you elected object to it'},
  {name: 'weight', help: 'more proof of work is stacked on it: its own and that of all records that build on it'},
  {name: 'local', help: 'the node saw no earlier claim of another owner; nodes differ in this'},
  {name: 'newest', help: 'it has the later timestamp; newest ends every policy, even if you leave it out'},
];

const says = {
  certified: (c) => {
    if (c.certified) return c.authority ? `by ${c.authority}` : 'yes';
    return c.revoked?.length > 0 ? 'no longer: revoked' : 'no';
  },
  oracles: (c) => c.elected === 0 ? 'none elected' : `${c.objections} of ${c.elected} object`,
  weight: (c) => BigInt(c.weight).toLocaleString('en'),
  local: (c) => `${c.first ? 'seen first' : 'seen later'}, ${time(c.seen)}`,
  newest: (c) => `${time(c.timestamp)}.${String(c.timestamp % 1000).padStart(3, '0')}`,
};

// show is what a criterion says of a claim, in a few words.
export const show = (name, claim) => says[name]?.(claim) ?? '?';
