// All claims to a key, with what every criterion says of each, and why the first one won.

import {el} from '/ui/dom.js';
import {counted, short} from '/ui/format.js';
import {brief} from '/ui/values.js';
import {criteria, show as says} from '/ui/criteria.js';

// order is the criteria of the policy, and after them those that did not count.
function order(policy) {
  const known = new Map(criteria.map((c) => [c.name, c]));
  const counted = policy.map((name) => known.get(name) ?? {name, help: ''});
  return [...counted.map((c) => ({...c, counts: true})), ...criteria.filter((c) => !policy.includes(c.name)).map((c) => ({...c, counts: false}))];
}

function cell(criterion, claim) {
  const lost = claim.lostBy === criterion.name;
  return el('td', {class: [criterion.counts || 'dim', lost && 'lost'].filter((c) => typeof c === 'string').join(' ') || undefined},
    says(criterion.name, claim), lost && [' ', el('span', {'aria-hidden': 'true'}, '✗'), el('span', {class: 'unseen'}, '(decided against this claim)')]);
}

// proof names the records on which a claim's standing rests.
function proof(claim, lookAt) {
  const links = [];
  const link = (text, cid) => links.push(el('button', {type: 'button', class: 'link', title: cid, on: {click: () => lookAt(cid)}}, text));
  if (claim.certificate) link('certificate', claim.certificate);
  for (const r of claim.revoked ?? []) link('revocation', r.revocation);
  for (const w of claim.words ?? []) link(w.objects ? `objection of ${short(w.oracle)}` : `word of ${short(w.oracle)}`, w.record);
  return links.flatMap((l, i) => i > 0 ? [', ', l] : [l]);
}

// claimsOf shows the claims of an answer. lookAt is called with a record's CID.
export function claimsOf(answer, lookAt) {
  const e = answer.explanation;
  if (e === undefined) return el('p', {class: 'dim'}, 'The node does not explain a damaged answer.');
  const columns = order(e.policy);
  const versions = [answer, ...(answer.others ?? [])];
  const proofs = e.claims.map((c) => proof(c, lookAt));
  const hasProofs = proofs.some((p) => p.length > 0);
  return el('div', {},
    el('p', {id: 'reason', class: 'reason', title: answer.owner}, (e.reason ?? '').replace(answer.owner, short(answer.owner))),
    e.claims.length < answer.claims && el('p', {class: 'dim'}, `The ${e.claims.length} best of ${counted(answer.claims, 'claim', 'claims')} are listed.`),
    el('div', {class: 'scroll'}, el('table', {id: 'claims'},
      el('caption', {class: 'unseen'}, 'Claims, best first, with what each criterion says'),
      el('thead', {}, el('tr', {},
        el('th', {scope: 'col'}, 'Owner'),
        columns.map((c, i) => el('th', {scope: 'col', title: `A claim is better if ${c.help}`}, c.counts ? `${i + 1}. ${c.name}` : [c.name, el('span', {class: 'dim'}, ' (not compared)')])),
        el('th', {scope: 'col'}, 'Value'), el('th', {scope: 'col'}, 'Record'), hasProofs && el('th', {scope: 'col'}, 'Rests on'))),
      el('tbody', {}, e.claims.map((claim, i) => el('tr', {class: i === 0 && 'winner'},
        el('th', {scope: 'row'}, el('span', {class: 'id', title: claim.owner}, short(claim.owner)), i === 0 && el('span', {class: 'good'}, ' answers')),
        columns.map((c) => cell(c, claim)),
        el('td', {}, versions[i] === undefined ? '' : brief(versions[i])),
        el('td', {}, el('button', {type: 'button', class: 'link id', title: claim.record, on: {click: () => lookAt(claim.record)}}, short(claim.record))),
        hasProofs && el('td', {}, proofs[i])))))),
    el('details', {}, el('summary', {}, 'What the criteria mean'),
      el('dl', {class: 'facts'}, columns.map((c) => [el('dt', {}, c.name), el('dd', {}, `A claim is better if ${c.help}.`)]))));
}
