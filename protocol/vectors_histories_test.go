package protocol_test

import (
	"crypto/ed25519"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// historyVector is a graph of records, parents first, and what becomes of each when all are known.
// It covers rules 13 to 15, and what queries make of certificates and revocations.
type historyVector struct {
	Name    string          `json:"name"`
	Network string          `json:"network"`
	Records []historyRecord `json:"records"`
}

type historyRecord struct {
	Name      string        `json:"name"`
	Frame     hexBytes      `json:"frame"`
	Attached  bool          `json:"attached"`
	Rule      protocol.Rule `json:"rule,omitempty"`
	Hidden    bool          `json:"hidden"`
	Certified bool          `json:"certified"`
}

// history makes one graph. Its records are told apart by their names.
type history struct {
	*vectorMaker
	historyVector
	ids  map[string]protocol.ID
	time uint64
}

// outcome is what is expected of a record.
type outcome struct {
	rule                          protocol.Rule
	pending, hidden, notCertified bool // of a version
}

// add adds a record that links these others, and a genesis record if that makes two.
func (h *history) add(name string, want outcome, b *builder, links ...string) {
	h.t.Helper()
	h.time += 1000
	if b.time == testTime+1 {
		b.time = h.time
	}
	b.links = nil
	for _, l := range links {
		b.links = append(b.links, h.ids[l])
	}
	if len(b.links) < 2 {
		b.links = append(b.links, h.networks[h.Network].Genesis()[0].ID())
	}
	if len(b.links) < 2 {
		b.links = append(b.links, h.networks[h.Network].ID())
	}
	b.links = sortIDs(b.links)
	header, value := b.build(h.t)
	frame := frameOf(h.t, header, value)
	r, err := check(h.networks[h.Network], frame)
	if err != nil {
		h.t.Fatalf("%s: %s: %v", h.Name, name, err)
	}
	h.ids[name] = r.ID()
	attached := want.rule == "" && !want.pending
	h.Records = append(h.Records, historyRecord{Name: name, Frame: frame, Rule: want.rule, Attached: attached, Hidden: want.hidden,
		Certified: attached && b.kind == 0 && !want.hidden && !want.notCertified})
}

// datum is one by the owner of this word.
func (h *history) datum(owner string, effort uint32) *builder {
	b := h.base(h.Network)
	b.owner, b.effort = fixedKey(owner), effort
	return b
}

func (h *history) at(b *builder, time uint64) *builder { b.time = time; return b }

func (h *history) kind(b *builder, kind uint64) *builder {
	b.kind, b.plain = kind, nil
	return b
}

// brings is a record that carries a certificate or a list.
func (h *history) brings(kind uint64, value []byte) *builder {
	effort := uint32(0)
	if h.Network == "certified" {
		effort = 20
	}
	return h.carried(h.Network, kind, value, effort)
}

var (
	fine         = outcome{}
	uncertified  = outcome{notCertified: true}
	hiddenOne    = outcome{hidden: true}
	noCert       = outcome{rule: protocol.RuleCertificate}
	neverAttach  = outcome{pending: true}
	timestampBad = outcome{rule: protocol.RuleTimestamp}
)

func (m *vectorMaker) history(name, network string, make func(h *history)) {
	h := &history{vectorMaker: m, historyVector: historyVector{Name: name, Network: network}, ids: map[string]protocol.ID{}, time: testTime}
	make(h)
	m.histories = append(m.histories, h.historyVector)
}

func (m *vectorMaker) makeHistories() {
	m.history("a network that requires certificates", "closed", restingHistory)
	m.history("times of certificates", "closed", timesHistory)
	m.history("revoked without a date", "closed", revokedHistory)
	m.history("revoked with a date", "closed", datedHistory)
	m.history("a dated list that others pass on", "closed", passedOnHistory)
	m.history("revoked intermediate, two certificates, foreign lists", "closed", intermediateHistory)
	m.history("who publishes an intermediate's list", "certified", publishersHistory)
	m.history("who publishes an intermediate's dated list", "certified", datedPublishersHistory)
	m.history("the reduced price", "certified", reducedHistory)
}

func restingHistory(h *history) {
	h.add("certificate", fine, h.brings(3, rootCA.owner("owner", 2).der()))
	h.add("of another authority", fine, h.brings(3, sideCA.owner("second", 2).der()))
	h.add("resting", fine, h.datum("owner", 0), "certificate")
	h.add("of the second owner", fine, h.datum("second", 0), "of another authority", "resting")
	h.add("links the certificate's user only", noCert, h.datum("owner", 0), "resting")
	h.add("links the certificate of another owner", noCert, h.datum("stranger", 0), "certificate")
	h.add("links an invalid record", neverAttach, h.datum("owner", 0), "certificate", "links the certificate's user only")
	h.add("older than its link", timestampBad, h.at(h.datum("owner", 0), testTime+2), "certificate", "resting")
	h.add("release", fine, h.kind(h.datum("owner", 0), 5), "certificate")
	h.add("release that rests on nothing", noCert, h.kind(h.datum("stranger", 0), 5), "resting")
	h.add("commentary", fine, h.kind(h.datum("owner", 0), 2), "certificate")
	h.add("commentary that rests on nothing", noCert, h.kind(h.datum("stranger", 0), 2))
	h.add("type 6 that rests on nothing", noCert, h.kind(h.datum("stranger", 0), 6))
	h.add("tombstone", fine, h.kind(h.datum("owner", 0), 0), "certificate", "commentary")
	h.add("certificate of anybody's", fine, h.brings(3, rootCA.owner("third", 4).der()), "resting")
}

func timesHistory(h *history) {
	limited := func(from, until uint64) *certBuilder {
		return rootCA.owner("owner", 2).with(func(b *certBuilder) { b.validity = tlv(0x30, derTime(from), derTime(until)) })
	}
	h.add("certificate", fine, h.brings(3, limited(testTime+10_000, testTime+20_000).der()))
	for _, v := range []struct {
		name string
		time uint64
		want outcome
	}{
		{"a millisecond too early", testTime + 9_999, noCert}, {"at the first millisecond", testTime + 10_000, fine},
		{"in the last second", testTime + 20_000, fine}, {"at the last millisecond", testTime + 20_999, fine},
		{"a millisecond too late", testTime + 21_000, noCert},
	} {
		h.add(v.name, v.want, h.at(h.datum("owner", 0), v.time), "certificate")
	}
	middle := rootCA.ca(middleCA, 3, -1).with(func(b *certBuilder) { b.validity = tlv(0x30, derTime(testTime), derTime(testTime+15_000)) })
	h.add("below an intermediate", fine, h.brings(3, slices.Concat(middleCA.owner("owner", 2).der(), middle.der())))
	h.add("while the intermediate is valid", fine, h.at(h.datum("owner", 0), testTime+15_999), "below an intermediate")
	h.add("when the intermediate is not valid any more", noCert, h.at(h.datum("owner", 0), testTime+30_000), "below an intermediate")
}

func revokedHistory(h *history) {
	h.add("certificate", fine, h.brings(3, rootCA.owner("owner", 2).der()))
	h.add("before", hiddenOne, h.datum("owner", 0), "certificate")
	h.add("revocation", fine, h.brings(4, rootCA.revoke(derEntry(2)).der()), "before")
	h.add("with the revocation in its past", noCert, h.datum("owner", 0), "certificate", "revocation")
	h.add("far above the revocation", fine, h.brings(3, rootCA.owner("another", 5).der()), "revocation")
	h.add("with the revocation deeper in its past", noCert, h.datum("owner", 0), "certificate", "far above the revocation")
	h.add("beside the revocation", hiddenOne, h.datum("owner", 0), "certificate")
	h.add("of another owner, above it all", fine, h.datum("another", 0), "far above the revocation", "before")
	h.add("revocation of the certificate after that", fine, h.brings(4, rootCA.revoke(derEntry(6)).der()), "revocation")
	h.add("certificate anew", fine, h.brings(3, rootCA.owner("owner", 7).der()), "revocation")
	h.add("resting on the new one", fine, h.datum("owner", 0), "certificate anew")
}

func datedHistory(h *history) {
	date := uint64(testTime + 100_000)
	h.add("certificate", fine, h.brings(3, rootCA.owner("owner", 2).der()))
	h.add("before the date, in the revocation's past", fine, h.at(h.datum("owner", 0), date-1), "certificate")
	h.add("at the date, in the revocation's past", hiddenOne, h.at(h.datum("owner", 0), date), "certificate")
	h.add("back-dated by a thief", hiddenOne, h.at(h.datum("owner", 0), date-2), "certificate")
	h.add("revocation", fine, h.at(h.issues(rootCA, dated(2, date)), date+1),
		"before the date, in the revocation's past", "at the date, in the revocation's past")
	h.add("above the revocation", noCert, h.at(h.datum("owner", 0), date+2), "certificate", "revocation")
	h.add("the same list again, passed on by the thief", fine, h.at(h.brings(4, rootCA.revoke(dated(2, date)).der()), date+3), "revocation", "back-dated by a thief")
	h.add("the same list passed on by somebody with nothing in its past", fine, h.at(h.brings(4, rootCA.revoke(dated(2, date)).der()), date+4))
	h.add("above the list that was passed on", noCert, h.at(h.datum("owner", 0), date+5), "certificate", "the same list passed on by somebody with nothing in its past")
}

// passedOnHistory is a list that only others than its issuer have published.
func passedOnHistory(h *history) {
	date := uint64(testTime + 100_000)
	middle := rootCA.ca(middleCA, 3, -1).der()
	h.add("certificate", fine, h.brings(3, append(middleCA.owner("owner", 2).der(), middle...)))
	h.add("before the date", fine, h.at(h.datum("owner", 0), date-1), "certificate")
	h.add("at the date", hiddenOne, h.at(h.datum("owner", 0), date), "certificate")
	h.add("list", fine, h.at(h.brings(4, append(middleCA.revoke(dated(2, date)).der(), middle...)), date+1))
	h.add("above the list", noCert, h.at(h.datum("owner", 0), date+2), "certificate", "list")
}

// issues is a revocation record of the issuer's own.
func (h *history) issues(c ca, entries ...[]byte) *builder {
	return by(c.key(), h.brings(4, c.revoke(entries...).der()))
}

// by gives a record another owner.
func by(owner ed25519.PrivateKey, b *builder) *builder { b.owner = owner; return b }

// publishersHistory has an intermediate's certificates revoked by lists with and without its own
// certificate, published by itself and by others.
func publishersHistory(h *history) {
	middle := rootCA.ca(middleCA, 3, -1).der()
	certify := func(name, owner string, serial byte) {
		h.add(name, fine, h.brings(3, append(middleCA.owner(owner, serial).der(), middle...)))
	}
	certify("first certificate", "first", 4)
	h.add("bare list by a stranger", fine, h.brings(4, middleCA.revoke(derEntry(4)).der()), "first certificate")
	h.add("beside the bare list by a stranger", fine, h.datum("first", 4), "first certificate")
	h.add("above the bare list by a stranger", fine, h.datum("first", 4), "first certificate", "bare list by a stranger")
	h.add("at the full price, above the bare list by a stranger", fine, h.datum("first", 8), "bare list by a stranger")

	certify("second certificate", "second", 5)
	h.add("bare list by the intermediate", fine, h.issues(middleCA, derEntry(5)), "second certificate")
	h.add("beside the bare list by the intermediate", hiddenOne, h.datum("second", 4), "second certificate")
	h.add("above the bare list by the intermediate", noCert, h.datum("second", 4), "second certificate", "bare list by the intermediate")
	h.add("at the full price, above the bare list by the intermediate", uncertified, h.datum("second", 8), "second certificate", "bare list by the intermediate")

	certify("third certificate", "third", 6)
	h.add("list with the intermediate's certificate by a stranger", fine, h.brings(4, append(middleCA.revoke(derEntry(6)).der(), middle...)), "third certificate")
	h.add("beside the list with the intermediate's certificate", hiddenOne, h.datum("third", 4), "third certificate")
	h.add("above the list with the intermediate's certificate", noCert, h.datum("third", 4), "third certificate", "list with the intermediate's certificate by a stranger")

	certify("fourth certificate", "fourth", 7)
	foreign := otherCA.ca(middleCA, 9, -1).der()
	h.add("list with a certificate that leads to no authority", fine, h.brings(4, append(middleCA.revoke(derEntry(7)).der(), foreign...)), "fourth certificate")
	h.add("above the list with a certificate that leads to no authority", noCert, h.datum("fourth", 4), "fourth certificate", "list with a certificate that leads to no authority")

	// An intermediate with the authority's key and a name of its own: its list is not the
	// authority's.
	authoritys := func(b *certBuilder) { b.issuer = rootCA.key() }
	middle = rootCA.certify(string(middleCA), rootCA.key().Public().(ed25519.PublicKey), 8, derConstraints(-1), derExtension(oidUsage, true, bitsCA)).der()
	h.add("fifth certificate, of an intermediate with the authority's key", fine, h.brings(3, append(middleCA.owner("fifth", 9).with(authoritys).der(), middle...)))
	h.add("bare list in the intermediate's name with the authority's key, by a stranger", fine,
		h.brings(4, middleCA.revoke(derEntry(9)).with(func(b *listBuilder) { b.issuer = rootCA.key() }).der()))
	h.add("above that bare list", fine, h.datum("fifth", 4), "fifth certificate, of an intermediate with the authority's key",
		"bare list in the intermediate's name with the authority's key, by a stranger")
}

// datedPublishersHistory has the past of an intermediate's record decide, whether it carries the
// certificate or not, and nobody else's.
func datedPublishersHistory(h *history) {
	date := uint64(testTime + 100_000)
	middle := rootCA.ca(middleCA, 3, -1).der()
	for _, v := range []struct {
		name   string
		serial byte
		carry  []byte
		owner  ed25519.PrivateKey
		beside outcome // before the date and not in the past of the list's record
	}{
		{"bare, by the intermediate", 4, nil, middleCA.key(), hiddenOne},
		{"with its certificate, by the intermediate", 5, middle, middleCA.key(), hiddenOne},
		{"with its certificate, by a stranger", 6, middle, fixedKey("stranger"), fine},
		{"bare, by a stranger", 7, nil, fixedKey("stranger"), fine},
		{"with its certificate, by the owner himself", 8, middle, fixedKey("with its certificate, by the owner himself"), fine},
	} {
		after := hiddenOne
		above := noCert
		if v.carry == nil && v.beside == fine {
			after, above = fine, fine
		}
		certificate, before, list := v.name+": certificate", v.name+": before the date", v.name+": list"
		h.add(certificate, fine, h.brings(3, append(middleCA.owner(v.name, v.serial).der(), middle...)))
		h.add(before, fine, h.at(h.datum(v.name, 4), date-1), certificate)
		h.add(list, fine, by(v.owner, h.at(h.brings(4, append(middleCA.revoke(dated(v.serial, date)).der(), v.carry...)), date+1)), before)
		h.add(v.name+": before the date, beside the list", v.beside, h.at(h.datum(v.name, 4), date-2), certificate)
		h.add(v.name+": after the date, beside the list", after, h.at(h.datum(v.name, 4), date+1), certificate)
		h.add(v.name+": above the list", above, h.at(h.datum(v.name, 4), date+2), certificate, list)
	}
}

func intermediateHistory(h *history) {
	middle := rootCA.ca(middleCA, 3, -1).der()
	h.add("certificate below an intermediate", fine, h.brings(3, append(middleCA.owner("owner", 2).der(), middle...)))
	h.add("certificate of an authority", fine, h.brings(3, rootCA.owner("owner", 2).der()))
	h.add("resting on the first", hiddenOne, h.datum("owner", 0), "certificate below an intermediate")
	h.add("resting on both", fine, h.datum("owner", 0), "certificate below an intermediate", "certificate of an authority")
	h.add("resting on the second", fine, h.datum("owner", 0), "certificate of an authority")
	h.add("revocation of the intermediate", fine, h.brings(4, rootCA.revoke(derEntry(3)).der()))
	h.add("resting on the first, the revocation below", noCert, h.datum("owner", 0), "certificate below an intermediate", "revocation of the intermediate")
	h.add("resting on the second, the revocation below", fine, h.datum("owner", 0), "certificate of an authority", "revocation of the intermediate")
	h.add("list of the other authority", fine, h.brings(4, sideCA.revoke(derEntry(2)).der()))
	h.add("list of the intermediate with the serial of the authority's", fine, h.brings(4, append(middleCA.revoke(derEntry(3)).der(), middle...)))
	h.add("above these lists", fine, h.datum("owner", 0), "certificate of an authority", "list of the other authority",
		"list of the intermediate with the serial of the authority's")
}

func reducedHistory(h *history) {
	h.add("certificate", fine, h.brings(3, rootCA.owner("owner", 2).der()))
	h.add("certificate by a foreign authority", fine, h.brings(3, otherCA.owner("stranger", 2).der()))
	h.add("certificate that is none", fine, h.brings(3, []byte("none")))
	h.add("reduced price", hiddenOne, h.datum("owner", 4), "certificate")
	h.add("reduced price, no link to the certificate", noCert, h.datum("owner", 4))
	h.add("reduced price, foreign authority", noCert, h.datum("stranger", 4), "certificate by a foreign authority")
	h.add("reduced price, no certificate at all", noCert, h.datum("stranger", 4), "certificate that is none")
	h.add("full price, no link to the certificate", uncertified, h.datum("owner", 8))
	h.add("full price, foreign authority", uncertified, h.datum("stranger", 8), "certificate by a foreign authority")
	h.add("revocation that is none", fine, h.brings(4, []byte("none")))
	h.add("list in the authority's name by another key", fine, h.brings(4, rootCA.revoke(derEntry(2)).with(func(b *listBuilder) { b.issuer = otherCA.key() }).der()))
	h.add("reduced price, above what revokes nothing", hiddenOne, h.datum("owner", 4), "certificate", "revocation that is none", "list in the authority's name by another key")
	h.add("revocation", fine, h.brings(4, rootCA.revoke(derEntry(2)).der()))
	h.add("reduced price, above the revocation", noCert, h.datum("owner", 4), "certificate", "revocation")
	h.add("full price, above the revocation", uncertified, h.datum("owner", 8), "certificate", "revocation")
}

// graph replays a history as SPEC.md says, by brute force.
type graph struct {
	network  *protocol.Network
	attached map[protocol.ID]*protocol.Record
	past     map[protocol.ID]map[protocol.ID]bool
}

func (g *graph) add(r *protocol.Record) (attached bool, err error) {
	past, newest := map[protocol.ID]bool{}, uint64(0)
	for _, l := range r.Links {
		parent := g.attached[l]
		if parent == nil {
			return false, nil
		}
		past[l] = true
		for p := range g.past[l] {
			past[p] = true
		}
		newest = max(newest, parent.Timestamp)
	}
	if err := protocol.CheckLinked(&r.Header, newest); err != nil {
		return false, err
	}
	if err := g.network.CheckCertified(r, len(g.rests(r, past)) > 0); err != nil {
		return false, err
	}
	g.attached[r.ID()], g.past[r.ID()] = r, past
	return true, nil
}

// rests lists what revokes or might revoke the chains that the record rests on.
func (g *graph) rests(r *protocol.Record, past map[protocol.ID]bool) (chains [][]protocol.Issue) {
	for _, l := range r.Links {
		issues := g.supports(g.attached[l], &r.Header)
		if issues != nil && !slices.ContainsFunc(g.revocations(issues), func(v revoking) bool { return past[v.record] }) {
			chains = append(chains, issues)
		}
	}
	return chains
}

func (g *graph) supports(c *protocol.Record, h *protocol.Header) []protocol.Issue {
	if c.Type != protocol.TypeCertificate {
		return nil
	}
	chain, err := protocol.ParseChain(c.ValueBytes())
	if err != nil {
		return nil
	}
	a := g.network.Supports(chain, h)
	if a == nil {
		return nil
	}
	return chain.Issues(a)
}

type revoking struct {
	record protocol.ID
	entry  protocol.Revoked
	own    bool // a record of the issuer's own
}

func (g *graph) revocations(issues []protocol.Issue) (list []revoking) {
	for id, r := range g.attached {
		if r.Type != protocol.TypeRevocation {
			continue
		}
		l, err := protocol.ParseRevocations(r.ValueBytes())
		if err != nil {
			continue
		}
		for _, i := range issues {
			for _, e := range l.Entries() {
				if l.Issuer() == i.Issuer && e.Serial == i.Serial && l.SignedBy(i.Key) && g.counts(l, r.Owner, i) {
					list = append(list, revoking{id, e, r.Owner == i.Key})
				}
			}
		}
	}
	return list
}

// counts reports whether a list that an issuer signed, in a record of this owner, says by itself
// who that is.
func (g *graph) counts(l *protocol.RevocationList, owner protocol.Owner, i protocol.Issue) bool {
	carried, carries := l.Key()
	return owner == i.Key || carries && carried == i.Key || slices.ContainsFunc(g.network.Authorities(), func(a *protocol.Authority) bool {
		return a.Key() == i.Key && a.SubjectHash() == i.Issuer
	})
}

func (g *graph) reached(r *protocol.Record, issues []protocol.Issue) bool {
	return slices.ContainsFunc(g.revocations(issues), func(v revoking) bool {
		return protocol.Revocation{Since: v.entry.Since, Own: v.own}.Reaches(r.Timestamp, func() bool { return g.past[v.record][r.ID()] })
	})
}

func (g *graph) hidden(r *protocol.Record) bool {
	return g.network.NeedsCertificate(r) && !slices.ContainsFunc(g.rests(r, g.past[r.ID()]), func(issues []protocol.Issue) bool {
		return !g.reached(r, issues)
	})
}

func (g *graph) certified(r *protocol.Record) bool {
	for _, c := range g.attached {
		if issues := g.supports(c, &r.Header); issues != nil && !g.reached(r, issues) {
			return true
		}
	}
	return false
}

func TestVectorsHistories(t *testing.T) {
	t.Parallel()
	networks := vectorNetworks(t)
	for _, v := range readVectors[[]historyVector](t, "histories.json") {
		n := networks[v.Network]
		g := &graph{n, map[protocol.ID]*protocol.Record{}, map[protocol.ID]map[protocol.ID]bool{}}
		for _, r := range n.Genesis() {
			g.attached[r.ID()] = r
		}
		records := make([]*protocol.Record, len(v.Records))
		for i, want := range v.Records {
			r, err := check(n, want.Frame)
			if err != nil {
				t.Fatalf("%s: %s: %v", v.Name, want.Name, err)
			}
			records[i] = r
			if attached, err := g.add(r); attached != want.Attached || ruleOf(err) != want.Rule {
				t.Errorf("%s: %s: attached: %v, %v", v.Name, want.Name, attached, err)
			}
		}
		for i, want := range v.Records {
			r := records[i]
			if !want.Attached || r.Type != protocol.TypeDatum && r.Type != protocol.TypeRelease {
				continue
			}
			hidden := g.hidden(r)
			certified := !hidden && r.Type == protocol.TypeDatum && g.certified(r)
			if hidden != want.Hidden || certified != want.Certified {
				t.Errorf("%s: %s: hidden: %v, certified: %v", v.Name, want.Name, hidden, certified)
			}
		}
	}
}
