// The owners that the home keeps, the oracles that it elects, and by what claims are ranked.

import {el, show, facts, table, panel, announce} from '/ui/dom.js';
import {get, send} from '/ui/api.js';
import {time, short, counted} from '/ui/format.js';
import {criteria} from '/ui/criteria.js';
import {visible} from '/ui/values.js';
import * as live from '/ui/live.js';
import * as session from '/ui/session.js';
import {noSession} from '/ui/views/write.js';

export const id = 'owners';
export const title = 'Owners';

export function mount(root) {
  const stop = new AbortController();
  const owners = el('div', {});
  const oracles = el('div', {});
  const ranking = panel('ranking', 'How claims are ranked');
  const certificates = el('section', {class: 'panel wide', id: 'certificates', hidden: true});
  show(root, el('div', {class: 'panels'},
    el('section', {class: 'panel wide', id: 'owner-panel'}, el('h2', {}, 'Owners of this home'), owners), certificates,
    el('section', {class: 'panel', id: 'oracle-panel'}, el('h2', {}, 'Elected oracles'), oracles),
    ranking.element));

  // The forms are made once: what is being typed stays when what stands above them is drawn again.
  const ownerList = el('div', {});
  const newOwner = el('input', {type: 'text', id: 'new-owner', required: true, maxlength: 64, pattern: '[a-z0-9][a-z0-9._\\-]*', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', size: 20, 'aria-describedby': 'owner-help'});
  const addOwner = el('form', {id: 'add-owner'}, el('label', {for: 'new-owner'}, 'Name of a new owner'), newOwner, ' ', el('button', {type: 'submit'}, 'Make it'),
    el('p', {class: 'dim', id: 'owner-help'}, 'Small letters, digits, dots, hyphens. Its key stays in the home: keep a copy (lf owner export).'));
  addOwner.addEventListener('submit', (e) => {
    e.preventDefault();
    const name = taken(newOwner);
    act(owners, () => send('POST', '/v1/owners', {name}).catch(givenBack(newOwner, name)), drawOwners);
  });
  const oracleList = el('div', {});
  const newOracle = el('input', {type: 'text', id: 'new-oracle', required: true, maxlength: 64, placeholder: '12D3KooW…', autocomplete: 'off', spellcheck: 'false', size: 28});
  const elect = el('form', {id: 'elect'}, el('label', {for: 'new-oracle'}, 'Peer ID of an oracle'), newOracle, ' ', el('button', {type: 'submit'}, 'Elect'),
    el('p', {class: 'dim'}, 'Its objections then count for you. lf status on its machine shows its peer ID.'));
  elect.addEventListener('submit', (e) => {
    e.preventDefault();
    const peer = newOracle.value.trim();
    if (!/^[A-Za-z0-9]+$/.test(peer)) return say(oracles, 'A peer ID has letters and digits alone, as 12D3KooW….');
    taken(newOracle);
    act(oracles, async () => { elected = (await send('PUT', `/v1/oracles/${peer}`).catch(givenBack(newOracle, peer))).oracles; }, drawTrust);
  });

  const say = (place, text, kind = 'bad') => {
    show(place.querySelector('[role=status]') ?? place.appendChild(el('p', {role: 'status'})), text === '' ? '' : el('span', {class: kind}, text));
    if (text !== '') announce(text);
  };

  async function drawOwners() {
    if (!session.isActive()) {
      show(owners, noSession());
      return;
    }
    try {
      showOwners(await get('/v1/owners', {signal: stop.signal}));
    } catch (e) {
      if (stop.signal.aborted) return;
      show(owners, el('p', {class: 'dim'}, e.message));
    }
  }

  function showOwners(list) {
    show(ownerList,
      list.owners.length === 0 ? el('p', {class: 'dim'}, 'There are none yet. The first write makes one.') : table('Owners whose keys the home keeps', [
        {title: 'Name', cell: (o) => o.name},
        {title: 'Owner', cell: (o) => el('code', {}, o.owner)},
        {title: 'Signs by default', cell: (o) => o.default ? 'yes' : el('button', {type: 'button', 'data-default': o.name, on: {click: () => act(owners, () => send('PUT', '/v1/default-owner', {owner: o.owner}), drawOwners)}}, 'Make it the default')},
        {title: 'Certificates', cell: (o) => el('button', {type: 'button', 'data-certificates': o.name, on: {click: () => showCertificates(o)}}, 'Show')},
      ], list.owners),
      (list.problems ?? []).map((p) => el('p', {class: 'bad'}, p)));
    if (!owners.contains(addOwner)) show(owners, ownerList, addOwner, el('p', {role: 'status'}));
  }

  async function showCertificates(o) {
    certificates.hidden = false;
    try {
      const info = await get(`/v1/owners/${o.owner}?limit=100`, {signal: stop.signal});
      show(certificates, el('h2', {tabindex: '-1'}, `Certificates of ${o.name}`),
        info.certificates.length === 0 ? el('p', {class: 'dim'}, 'It has none of this network’s authorities. lf owner csr asks for one.') : table('Certificates', [
          {title: 'State', cell: (c) => c.usable ? el('span', {class: 'good'}, 'usable') : el('span', {class: 'bad'}, c.revoked ? 'revoked' : 'not valid now')},
          {title: 'Authority', cell: (c) => el('bdi', {}, visible(c.authority))},
          {title: 'Subject', cell: (c) => el('bdi', {}, visible(c.subject))},
          {title: 'Valid', cell: (c) => `${time(c.notBefore)} to ${time(c.notAfter)}`},
        ], info.certificates), info.next && el('p', {class: 'dim'}, 'There are more.'));
      certificates.querySelector('h2').focus();
    } catch (e) {
      if (!stop.signal.aborted) show(certificates, el('p', {class: 'bad'}, e.message));
    }
  }

  // act does what the user asked for, and says what went wrong.
  async function act(place, change, then) {
    say(place, '');
    try {
      await change();
      await then();
    } catch (e) {
      if (!stop.signal.aborted) say(place, e.message);
    }
  }

  // taken empties a field whose text is sent. givenBack fills it again after an error.
  function taken(field) {
    const text = field.value;
    field.value = '';
    return text;
  }

  const givenBack = (field, text) => (e) => {
    if (field.value === '') field.value = text;
    throw e;
  };

  let elected; // what was answered last: the node follows within a second
  let drawnOracles = '';

  function drawTrust() {
    const trust = live.status()?.trust;
    if (trust === undefined) return;
    if (elected !== undefined && String(elected) === String(trust.oracles)) elected = undefined; // the node has followed
    // What looks the same is not drawn again: whoever is about to press a button still finds it.
    const list = elected ?? trust.oracles;
    const oraclesNow = JSON.stringify([list, session.isActive()]);
    if (oraclesNow !== drawnOracles) drawOracles(list);
    drawnOracles = oraclesNow;
    const {policy, authorities, authRequired, warnings} = trust;
    ranking.update({policy, authorities, authRequired, warnings}, () => [
      el('ol', {}, policy.map((p) => el('li', {}, el('strong', {}, p), `: a claim is better if ${criteria.find((c) => c.name === p)?.help ?? ''}`))),
      facts([['Authorities', authorities.length === 0 ? 'none' : authorities.map((a) => el('div', {}, el('bdi', {}, visible(a.name)), ` (until ${time(a.notAfter)})`))], ['Writing', authRequired ? 'takes a certificate' : 'is open to everybody']]),
      (warnings ?? []).map((w) => el('p', {class: 'warn'}, w))]);
  }

  function drawOracles(list) {
    show(oracleList, el('p', {id: 'oracle-count'}, list.length === 0 ? 'None: nobody’s objections count.' : counted(list.length, 'oracle', 'oracles')),
      el('ul', {class: 'plain'}, list.map((o) => el('li', {}, el('span', {class: 'id', title: o}, short(o)), ' ',
        session.isActive() && el('button', {type: 'button', 'data-dismiss': o, 'aria-label': `Dismiss ${o}`, on: {click: () => act(oracles, async () => { elected = (await send('DELETE', `/v1/oracles/${o}`)).oracles; }, drawTrust)}}, 'Dismiss')))));
    if (!oracles.contains(oracleList) || oracles.contains(elect) !== session.isActive()) show(oracles, oracleList, session.isActive() && elect, el('p', {role: 'status'}));
  }

  const redraw = () => { drawOwners(); drawTrust(); };
  const ends = [live.onChange(drawTrust), session.onChange(redraw)];
  redraw();
  return () => { stop.abort(); for (const end of ends) end(); };
}
