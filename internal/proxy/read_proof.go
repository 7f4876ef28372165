package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// What oracles and certificates say of a claim is signed. Nodes name the records that say so, and
// the proxy reads them itself. An objection or a certificate without its record does not count, so
// a node cannot invent one. A record that one node names counts against the others, so they cannot
// withhold it. But most of the nodes that were asked may deny that it is attached. Then it does not
// count, since what was never attached is no part of the network.

const (
	// maxProofs bounds the records that are asked for because of one question. For what is proved
	// by more of them the nodes' word counts.
	maxProofs = 256
	// proofTimeout is how long a node may take to show a record that it answered with.
	proofTimeout = 2 * time.Second
	// rememberedAttached is how often a proxy remembers of a node that it has a record attached.
	rememberedAttached = 16384
)

// errManyProofs says that a question is proved by more records than the proxy asks for.
var errManyProofs = errors.New("too many records prove it")

// finding is what records prove of a node's answer.
type finding struct {
	node *node
	what error // a [forgedError], where a record says something else than the node
}

func (f finding) of() *node { return f.node }

// evidence are the records that nodes name in one question.
type evidence struct {
	service     *Service
	authorities []*protocol.Authority
	extra       bool    // the question names authorities of its own
	nodes       []*node // whose answers count
	need        int     // majority of the nodes that were asked
	fetched     int
	denied      map[lookup]bool // what nodes say that were asked whether a record is attached
	findings    []finding
	// dropped are nodes that named a record which proves nothing, or did not show it. Whatever else
	// they name is not looked at, so that they cost little.
	dropped map[*node]bool
	failed  error // what the last one of them failed at that did not answer
	// changed tells that an answer is not what the nodes' word made it.
	changed bool
}

// evidence begins to gather records. told is how many nodes were asked whose answers do not count.
func (s *Service) evidence(nodes []*node, told int, extra []*protocol.Authority) *evidence {
	return &evidence{
		service: s, authorities: slices.Concat(s.config.Network.Authorities(), extra), extra: len(extra) > 0,
		nodes: nodes, need: majority(len(nodes) + told), denied: map[lookup]bool{}, dropped: map[*node]bool{},
	}
}

// prove reads the records by which oracles and certificates speak about the claims of an answer.
// What they say takes the place of what the nodes say. It is an error if no node names records that
// are what it says they are.
func (s *Service) prove(ctx context.Context, u *question, united *view, views []*view, told int) (*evidence, error) {
	nodes := make([]*node, len(views))
	for i, v := range views {
		nodes[i] = v.node
	}
	extra, err := u.ParseAuthorities()
	if err != nil {
		return nil, err
	}
	e := s.evidence(nodes, told, extra)
	united.answers = slices.Clone(united.answers) // the views keep theirs
	for i := range united.answers {
		a := &united.answers[i]
		if a.standings == nil {
			continue
		}
		a.claims, a.standings, a.infos = slices.Clone(a.claims), slices.Clone(a.standings), slices.Clone(a.infos)
		if err := e.proveAnswer(ctx, u, a, views); err != nil {
			return nil, err
		}
	}
	return e, e.unsound()
}

// unsound is an error where no node is left whose word counts. It may be that it failed.
func (e *evidence) unsound() error {
	switch {
	case len(e.dropped) < len(e.nodes):
		return nil
	case e.failed != nil:
		return errNoNode(e.failed)
	}
	told := make([]api.Difference, len(e.findings))
	for i, f := range e.findings {
		told[i] = e.service.accuse(f.node, f.what)
	}
	return unsound(told)
}

// proveAnswer reads what is said of the claims on one key, and ranks them by it.
func (e *evidence) proveAnswer(ctx context.Context, u *question, a *viewAnswer, views []*view) error {
	changed := false
	for j := range a.claims {
		before := a.standings[j]
		for _, prove := range []func(context.Context, *question, *viewAnswer, int, []saying) error{e.proveWords, e.proveCertified} {
			said := e.sayings(a, j, views)
			if err := prove(ctx, u, a, j, said); err != nil && !errors.Is(err, errManyProofs) {
				return err
			}
		}
		changed = changed || before.Certified != a.standings[j].Certified || before.Objections != a.standings[j].Objections
	}
	if !changed {
		return nil
	}
	e.changed = true
	before := a.winner().Owner
	if a.rank(u.Policy); a.winner().Owner != before {
		a.older = olderOf(a, views)
	}
	return nil
}

// olderOf returns the older versions that all nodes list which put the same version first.
func olderOf(a *viewAnswer, views []*view) []version {
	var older []version
	first := true
	for _, v := range views {
		b := v.at(&a.place)
		if b == nil || b.winner().ID() != a.winner().ID() {
			continue
		}
		if first {
			older, first = slices.Clone(b.older), false
			continue
		}
		older = slices.DeleteFunc(older, func(o version) bool {
			return !slices.ContainsFunc(b.older, func(x version) bool { return x.ID() == o.ID() })
		})
	}
	return older
}

// saying is what one node says of a claim.
type saying struct {
	*api.ClaimInfo
	node *node
}

// sayings returns what nodes say of a claim, those that list it.
func (e *evidence) sayings(a *viewAnswer, claim int, views []*view) (list []saying) {
	for _, v := range views {
		b := v.at(&a.place)
		if b == nil || e.dropped[v.node] {
			continue
		}
		if i := b.claimOf(a.claims[claim].Owner); i >= 0 {
			list = append(list, saying{&b.infos[i], v.node})
		}
	}
	return list
}

// names reports whether a node names a record.
func (s saying) names(id protocol.ID) bool {
	return s.Certificate == id ||
		slices.ContainsFunc(s.Words, func(w api.SaidWord) bool { return w.Record == id }) ||
		slices.ContainsFunc(s.Revoked, func(r api.RevokedCertificate) bool { return r.Certificate == id || r.Revocation == id })
}

// namers are the nodes that name a record.
func namers(said []saying, id protocol.ID) (list []*node) {
	for _, s := range said {
		if s.names(id) {
			list = append(list, s.node)
		}
	}
	return list
}

// record returns a record that nodes name, checked. One that none of them shows is nil.
func (e *evidence) record(ctx context.Context, id protocol.ID, named []*node) (*protocol.Record, error) {
	if r := e.service.records.known(id); r != nil {
		return r, nil
	}
	if e.fetched++; e.fetched > maxProofs {
		return nil, errManyProofs
	}
	for _, n := range named {
		if e.dropped[n] {
			continue
		}
		info, err := e.service.recordOf(ctx, n, id)
		var r *protocol.Record
		if err == nil {
			r, err = e.service.records.check(id, info.Frame)
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err == nil:
			return r, nil
		case !isAnswer(err):
			e.failed = err
		}
		e.drop(n, fmt.Errorf("it names record %s and does not show it: %w", id, err))
	}
	return nil, nil
}

// recordOf asks a node for a record. One that takes long, or fails, is not asked for a while.
func (s *Service) recordOf(ctx context.Context, n *node, id protocol.ID) (*api.RecordInfo, error) {
	soon, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	info, err := n.client.Record(soon, id)
	if err != nil && !isAnswer(err) {
		n.gaveNoAnswer(ctx, soon, err)
	}
	return info, err
}

// gaveNoAnswer notes that a node failed within proofTimeout, or took longer. soon is ctx with that
// bound.
func (n *node) gaveNoAnswer(ctx, soon context.Context, err error) {
	switch {
	case ctx.Err() != nil: // the one who asked has gone
	case soon.Err() != nil:
		n.late(proofTimeout)
	default:
		n.failed(err)
	}
}

// drop notes that what a node names proves nothing.
func (e *evidence) drop(n *node, what error) {
	e.dropped[n] = true
	e.find(n, what)
}

// find notes what records prove of nodes' answers, once of each.
func (e *evidence) find(n *node, what error) {
	if !slices.ContainsFunc(e.findings, func(f finding) bool { return f.node == n }) {
		e.findings = append(e.findings, finding{n, what})
	}
}

func (e *evidence) dropAll(nodes []*node, what error) {
	for _, n := range nodes {
		e.drop(n, what)
	}
}

// of returns what was found of a node, nil for nothing.
func (e *evidence) of(n *node) error {
	if i := slices.IndexFunc(e.findings, func(f finding) bool { return f.node == n }); i >= 0 {
		return e.findings[i].what
	}
	return nil
}

// counts reports whether a record counts that only some nodes name: unless most of those that were
// asked deny that it is attached. A node that does not answer denies nothing.
func (e *evidence) counts(ctx context.Context, id protocol.ID, named []*node) bool {
	e.ask(ctx, id, named)
	denials := 0
	for _, n := range e.nodes {
		if !slices.Contains(named, n) && e.denied[lookup{n, id}] {
			denials++
		}
	}
	if denials < e.need {
		return true
	}
	e.dropAll(named, fmt.Errorf("it names record %s, which most others do not have", id))
	return false
}

// ask asks the nodes that do not name a record whether they have it attached. What is attached
// stays so.
func (e *evidence) ask(ctx context.Context, id protocol.ID, named []*node) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, n := range e.nodes {
		at := lookup{n, id}
		if slices.Contains(named, n) || e.service.attached.Contains(at) || e.fetched >= maxProofs {
			continue
		}
		mu.Lock()
		_, asked := e.denied[at]
		mu.Unlock()
		if asked {
			continue
		}
		e.fetched++
		all.Go(func() {
			info, err := e.service.recordOf(ctx, n, id)
			if err == nil && info.State == api.StateAttached {
				e.service.attached.Add(at, struct{}{})
			}
			mu.Lock()
			defer mu.Unlock()
			e.denied[at] = err == nil && info.State != api.StateAttached || err != nil && isAnswer(err)
		})
	}
	all.Wait()
}
