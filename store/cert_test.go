package store

import (
	"crypto/rand"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// certified is a trust world with a store and a short way to put records.
type certified struct {
	*trustWorld
	*Store
	t  *testing.T
	at uint64 // of the latest record
}

func newCertified(t *testing.T, change func(*protocol.Params)) *certified {
	w := newTrustWorld(t, change)
	return &certified{trustWorld: w, Store: openTest(t, w.world, Options{volatile: true}), t: t, at: oneDay}
}

func (c *certified) put(r *protocol.Record) *protocol.Record {
	c.t.Helper()
	mustPut(c.t, c.Store, r, Attached)
	c.at = max(c.at, r.Timestamp-testTime)
	return r
}

// refused puts a record that breaks the rule of certificates.
func (c *certified) refused(what string, r *protocol.Record) {
	c.t.Helper()
	result, err := c.Put(c.t.Context(), r, 0)
	var invalid *protocol.InvalidError
	if err != nil || result.Outcome != Refused || !errors.As(result.Err, &invalid) || invalid.Rule != protocol.RuleCertificate {
		c.t.Errorf("%s: %v %v, %v", what, result.Outcome, result.Err, err)
	}
}

// cheap is a datum of an owner without work, under a name, a millisecond after the latest record.
func (c *certified) cheap(owner int, name string, links ...*protocol.Record) *protocol.Record {
	c.at++
	return c.make(spec{at: c.at, owner: owner, sels: []sel{{name, 0}}, value: name, links: append(links, c.Genesis()[0])})
}

func (c *certified) carry(value []byte, links ...*protocol.Record) *protocol.Record {
	c.at++
	return c.put(c.certificate(c.at, value, append(links, c.Genesis()...)...))
}

func (c *certified) expect(what, name string, want int, q Query) {
	c.t.Helper()
	if have := winner(c.t, c.world, c.Store, name, q); have != want {
		c.t.Errorf("%s: owner %d answers, want %d", what, have, want)
	}
}

// TestRests is the rule "certificate" by what a record links.
func TestRests(t *testing.T) {
	t.Parallel()
	c := newCertified(t, nil)
	good := c.always(t, c.ca, 0)
	chain := c.carry(good)
	c.put(c.cheap(0, "rests", chain))
	c.refused("no link", c.cheap(0, "no link", c.Genesis()[1]))
	c.refused("somebody else's", c.cheap(1, "else", chain))
	c.put(c.cheap(1, "below an intermediate", c.carry(c.always(t, c.middle, 1))))
	c.refused("below another one only", c.cheap(1, "deeper", c.put(c.cheap(1, "again", c.carry(c.always(t, c.middle, 1)))), c.Genesis()[1]))
	c.refused("expired", c.cheap(2, "expired", c.carry(c.certify(t, c.ca, 2, day(-9), day(0), false))))
	c.refused("not yet valid", c.cheap(2, "early", c.carry(c.certify(t, c.ca, 2, day(9), day(10), false))))
	c.refused("a foreign CA", c.cheap(2, "foreign", c.carry(c.always(t, c.foreign, 2))))
	c.refused("a CA's own", c.cheap(ownerMiddle, "no leaf", c.carry(c.certify(t, c.ca, ownerMiddle, day(-9), day(9), true))))
	c.refused("too long", c.cheap(0, "too long", c.carry(slices.Concat(good, good, good, good))))
	c.refused("nonsense", c.cheap(0, "nonsense", c.carry([]byte("nonsense"))))
	c.put(c.cheap(2, "one of two", c.carry(c.always(t, c.foreign, 2)), c.carry(c.always(t, c.other, 2))))
	c.put(c.full(spec{at: c.at, owner: 3, sels: []sel{{"paid", 0}}, value: "paid"}))
}

// TestAuthRequired is a network that takes certified owners only, whatever they pay.
func TestAuthRequired(t *testing.T) {
	t.Parallel()
	c := newCertified(t, func(p *protocol.Params) { p.AuthRequired = true })
	chain := c.carry(c.always(t, c.ca, 0))
	c.refused("paid and not certified", c.full(spec{at: c.at, owner: 1, sels: []sel{{"a", 0}}, value: "v"}))
	c.refused("commentary", c.commentary(c.at, 1, protocol.Word{Objects: true}))
	c.refused("certified and not linked", c.full(spec{at: c.at, owner: 0, sels: []sel{{"a", 0}}, value: "v"}))
	c.put(worked(c.cheap(0, "a", chain), paid))
	c.put(c.revocation(c.at, 5, c.revoke(t, c.ca, c.always(t, c.ca, 7), 0, 0)))
	c.expect("certified", "a", 0, Query{})
}

// TestCertificateLast puts a thousand records that rest on a certificate, and the certificate at
// last.
func TestCertificateLast(t *testing.T) {
	t.Parallel()
	c := newCertified(t, nil)
	c.at++
	chain := c.certificate(c.at, c.always(t, c.ca, 0))
	var waiting []*protocol.Record
	for range 1000 {
		waiting = append(waiting, c.cheap(0, "a", chain))
	}
	bad := c.cheap(1, "a", chain)
	for _, r := range append(slices.Clone(waiting), bad) {
		mustPut(t, c.Store, r, Pending)
	}
	attached := 0
	defer c.Follow(func(items []Item) { attached += len(items) })()
	mustPut(t, c.Store, chain, Attached)
	mustSettle(t, c.Store)
	if attached != 1001 {
		t.Errorf("%d attached", attached)
	}
	stats, err := c.Stats(t.Context())
	if err != nil || stats.Pending != 0 || stats.DroppedPending != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// TestRevokedBelow has revocations in the past of records, which makes those invalid.
func TestRevokedBelow(t *testing.T) {
	t.Parallel()
	for _, by := range []int{ownerCA, 5} { // the issuer's own record, and somebody else's
		c := newCertified(t, nil)
		leaf, under := c.always(t, c.ca, 0), c.always(t, c.middle, 1)
		a, b := c.carry(leaf), c.carry(under)
		other := c.carry(c.always(t, c.other, 0))
		revoked := c.put(c.revocation(c.at, by, c.revoke(t, c.ca, leaf, 0, 0), c.Genesis()[0], a))
		c.refused("revoked", c.cheap(0, "a", a, revoked))
		deeper := c.put(c.full(spec{at: c.at, owner: 9, links: []*protocol.Record{c.Genesis()[0], revoked}}))
		c.refused("revoked deeper", c.cheap(0, "a", a, deeper))
		c.put(c.cheap(0, "a", a, other, revoked)) // rests on the other one
		c.put(c.cheap(1, "a", b, revoked))        // not its own
		middle := c.put(c.revocation(c.at, by, c.revoke(t, c.ca, under, 1, testTime+100*oneDay), c.Genesis()...))
		c.refused("an intermediate, whatever the date", c.cheap(1, "a", b, middle))
	}
	c := newCertified(t, nil)
	leaf := c.always(t, c.ca, 0)
	a := c.carry(leaf)
	for _, value := range [][]byte{c.revoke(t, c.other, leaf, 0, 0), c.revoke(t, c.foreign, leaf, 0, 0), c.revoke(t, c.middle, leaf, 0, 0), []byte("nonsense")} {
		c.put(c.cheap(0, "a", a, c.put(c.revocation(c.at, 5, value, c.Genesis()...))))
	}
}

// TestRevokedElsewhere has revocations that are not in the past of the records they reach.
func TestRevokedElsewhere(t *testing.T) {
	t.Parallel()
	c := newCertified(t, nil)
	leaf := c.always(t, c.ca, 0)
	chain := c.carry(leaf)
	date := testTime + 10*uint64(oneDay)
	spoken := func(owner int, name string, at uint64, effort uint32, links ...*protocol.Record) *protocol.Record {
		return c.put(worked(c.make(spec{at: at, owner: owner, sels: []sel{{name, 0}}, value: name, links: append(links, c.Genesis()[0])}), effort))
	}
	old := spoken(0, "old", 5*oneDay, 0, chain)
	before := spoken(0, "updated", 6*oneDay, 0, chain)
	after := spoken(0, "updated", 11*oneDay, 0, chain)
	spoken(0, "young", 12*oneDay, 0, chain)
	spoken(0, "paid", 12*oneDay, paid+100, chain)
	for _, name := range []string{"old", "updated", "young", "paid"} {
		spoken(1, name, 12*oneDay, paid, c.Genesis()[1])
		c.expect("certified "+name, name, 0, Query{})
	}
	hidden := func(what string, r *protocol.Record, want bool) {
		t.Helper()
		if _, info, err := c.Get(t.Context(), r.ID()); err != nil || info.Hidden != want {
			t.Errorf("%s: %+v, %v", what, info, err)
		}
	}
	list := c.revoke(t, c.ca, leaf, 0, date)
	c.put(c.revocation(13*oneDay, ownerCA, list, old, before, after))
	// passed on with nothing in its past: it takes what the date says, and no more
	c.put(c.revocation(13*oneDay, 7, list))
	stolen := spoken(0, "stolen", 5*oneDay, 0, chain)
	for _, q := range []Query{{}, {Policy: policy(protocol.CriterionNewest)}, {History: true}, {Explain: true}} {
		c.expect("made before the date and woven in", "old", map[bool]int{true: 1, false: 0}[len(q.Policy) > 0], q)
		c.expect("after the date", "young", 1, q)
		c.expect("back-dated", "stolen", -1, q)
	}
	c.expect("the version before the date", "updated", 0, Query{})
	c.expect("paid in full, and certified no longer", "paid", 0, Query{Policy: policy(protocol.CriterionWeight)})
	if a := mustQuery(t, c.Store, Query{Where: []Range{c.where("paid", 0, 0)}, Explain: true}); len(a.Keys[0].Claims) != 2 || a.Keys[0].Claims[1].Standing.Certified || a.Keys[0].Claims[0].Standing.Certified {
		t.Errorf("paid in full: %+v", a.Keys)
	}
	if a := mustQuery(t, c.Store, Query{Where: []Range{c.where("updated", 0, 0)}, History: true}); len(a.Keys[0].Claims[0].Older) != 0 || a.Keys[0].Claims[0].Record.ID() != before.ID() {
		t.Errorf("updated: %+v", a.Keys)
	}
	hidden("before", before, false)
	hidden("after", after, true)
	hidden("back-dated", stolen, true)
	info, err := c.Certificates(t.Context(), c.ownerID(0), nil)
	if err != nil || len(info) != 1 || info[0].Authority != "ca" || info[0].Record != chain.ID() || info[0].Revoked == nil || info[0].Revoked.Since != date {
		t.Errorf("%+v, %v", info, err)
	}
	if links, err := c.Links(t.Context(), LinksQuery{Count: 2, Now: testTime + 14*oneDay, Owner: new(protocol.Owner)}); err != nil || links.Certified {
		t.Errorf("%+v, %v", links, err)
	}
	c.put(c.revocation(14*oneDay, ownerCA, c.revoke(t, c.ca, leaf, 0, 0), old, before))
	c.expect("without a date everything falls", "old", 1, Query{})
	hidden("old", old, true)
	hidden("before", before, true)
}

// TestReleaseHidden has a thief release a claim: what a hidden release withdrew is there again,
// with its weight.
func TestReleaseHidden(t *testing.T) {
	t.Parallel()
	for _, tune := range []tuning{{}, hasty} {
		w := newTrustWorld(t, nil)
		c := &certified{trustWorld: w, Store: openTest(t, w.world, Options{volatile: true, tuning: tune}), t: t, at: oneDay}
		leaf := c.always(t, c.ca, 0)
		chain := c.carry(leaf)
		owners := c.put(c.cheap(0, "a", chain))
		c.at++
		update := c.put(c.make(spec{at: c.at, owner: 0, sels: []sel{{"a", 0}}, value: "update", links: []*protocol.Record{chain, owners}}))
		date := testTime + c.at + 1000
		c.at = c.at + 2000
		c.put(c.make(spec{at: c.at, owner: 0, sels: []sel{{"a", 0}}, kind: protocol.TypeRelease, links: []*protocol.Record{chain, update}}))
		c.put(c.make(spec{at: c.at + 1, owner: 0, sels: []sel{{"a", 0}}, value: "thief", links: []*protocol.Record{chain, update}}))
		c.put(c.revocation(c.at+2, ownerCA, c.revoke(t, c.ca, leaf, 0, date), c.Genesis()[0], update))
		a := mustQuery(t, c.Store, Query{Where: []Range{c.where("a", 0, 0)}, Explain: true})
		_, info, err := c.Get(t.Context(), owners.ID())
		if err != nil || len(a.Keys) != 1 || a.Keys[0].Claims[0].Record.ID() != update.ID() || a.Keys[0].Claims[0].Standing.Weight != info.Weight {
			t.Errorf("%+v, %+v, %v", a.Keys, info, err)
		}
	}
}

// TestHiddenWeight has a claim whose heaviest version is hidden: it stands with what is left of it.
func TestHiddenWeight(t *testing.T) {
	t.Parallel()
	c := newCertified(t, nil)
	leaf := c.always(t, c.ca, 0)
	chain := c.carry(leaf)
	heavy := c.put(c.cheap(0, "a", chain))
	for range 5 {
		heavy = c.put(c.full(spec{at: c.at, owner: 9, links: []*protocol.Record{c.Genesis()[0], heavy}}))
	}
	light := c.put(worked(c.cheap(0, "a", heavy), paid))
	c.put(worked(c.cheap(1, "a", c.Genesis()[1]), paid+7))
	c.expect("certified", "a", 0, Query{})
	c.put(c.revocation(c.at, 5, c.revoke(t, c.ca, leaf, 0, 0)))
	c.expect("its heaviest version hidden", "a", 1, Query{})
	for _, claim := range mustQuery(t, c.Store, Query{Where: []Range{c.where("a", 0, 0)}, Explain: true}).Keys[0].Claims {
		if claim.Record.ID() == light.ID() && (claim.Standing.Weight != paid || claim.LostBy != protocol.CriterionWeight) {
			t.Errorf("%+v", claim)
		}
	}
}

// TestHiddenOnBoth has a record that links two certificates. One was revoked below the record, so
// that it rests on the other one, which is revoked elsewhere.
func TestHiddenOnBoth(t *testing.T) {
	t.Parallel()
	c := newCertified(t, nil)
	one, other := c.always(t, c.ca, 0), c.always(t, c.other, 0)
	a, b := c.carry(one), c.carry(other)
	below := c.put(c.revocation(c.at, 5, c.revoke(t, c.ca, one, 0, testTime+100*oneDay), c.Genesis()...))
	r := c.put(c.cheap(0, "a", a, b, below))
	c.expect("resting on the other", "a", 0, Query{})
	c.put(c.revocation(c.at, 5, c.revoke(t, c.other, other, 0, 0)))
	c.expect("hidden", "a", -1, Query{})
	if _, info, err := c.Get(t.Context(), r.ID()); err != nil || !info.Hidden {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestElective has a reader believe an authority that the network does not know.
func TestElective(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*protocol.Params){
		"with authorities": nil, "without": func(p *protocol.Params) { p.Authorities, p.WorkPerKiB = nil, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCertified(t, change)
			believe := Query{Authorities: []*protocol.Authority{c.foreign.parsed()}}
			leaf := c.always(t, c.foreign, 0)
			c.put(c.full(spec{at: 1, owner: 0, sels: []sel{{"a", 0}}, value: "certified"}))
			c.put(worked(c.make(spec{at: 2, owner: 1, sels: []sel{{"a", 0}}, value: "heavier"}), paid+1))
			c.expect("nothing is published", "a", 1, believe)
			c.carry(leaf)
			c.expect("believed", "a", 0, believe)
			c.expect("not believed", "a", 1, Query{})
			if info, err := c.Certificates(t.Context(), c.ownerID(0), believe.Authorities); err != nil || len(info) != 1 || info[0].Authority != "foreign" {
				t.Errorf("%+v, %v", info, err)
			}
			c.put(c.revocation(c.at, 5, c.revoke(t, c.other, leaf, 0, 0)))
			c.expect("revoked by somebody else", "a", 0, believe)
			c.put(c.revocation(c.at, 5, c.revoke(t, c.foreign, leaf, 0, testTime+oneDay)))
			c.expect("revoked from a later date, by a list that others pass on", "a", 0, believe)
			c.put(c.revocation(c.at, 5, c.revoke(t, c.foreign, leaf, 0, testTime+1)))
			c.expect("revoked by a list that others pass on", "a", 1, believe)
			if info, err := c.Certificates(t.Context(), c.ownerID(0), believe.Authorities); err != nil || info[0].Revoked == nil || info[0].Revoked.Since != testTime {
				t.Errorf("%+v, %v", info, err)
			}
		})
	}
}

// TestFakes has strangers publish chains that claim an owner and an authority which readers
// believe. They also publish the authority's own chain again and again. Queries do not cost without
// limit.
func TestFakes(t *testing.T) {
	t.Parallel()
	c := newCertified(t, nil)
	impostor := c.newAuthority(t, ownerOther, "foreign") // of the same name
	believe := Query{Where: []Range{c.where("a", 0, 0)}, Authorities: []*protocol.Authority{c.foreign.parsed()}}
	c.put(c.full(spec{at: 1, owner: 0, sels: []sel{{"a", 0}}, value: "certified"}))
	c.put(worked(c.make(spec{at: 2, owner: 1, sels: []sel{{"a", 0}}, value: "heavier"}), paid+1))
	for range 50 {
		c.carry(c.always(t, impostor, 0))
		c.carry(c.always(t, impostor, 1))
	}
	rows := func(q Query) (int, int) {
		x := c.newSearch(t.Context(), q)
		if err := c.read(t.Context(), x.run); err != nil {
			t.Fatal(err)
		}
		return scanBudget - x.budget, winner(t, c.world, c.Store, "a", q)
	}
	if n, won := rows(believe); won != 1 || n < 100*verifyCost {
		t.Errorf("%d rows, owner %d", n, won)
	}
	if n, _ := rows(believe); n > 500 {
		t.Errorf("%d rows when the fakes are known", n)
	}
	genuine := c.always(t, c.foreign, 0)
	c.at++
	// by its owner: looked at first
	c.put(c.full(spec{kind: protocol.TypeCertificate, at: c.at, owner: 0, value: string(genuine)}))
	for range 20 {
		c.at++
		c.put(c.full(spec{kind: protocol.TypeCertificate, at: c.at, owner: 7, value: string(genuine)}))
	}
	if n, won := rows(believe); won != 0 || n > 500 {
		t.Errorf("%d rows, owner %d", n, won)
	}
	mine := c.always(t, c.ca, 0)
	for range 20 { // passed on again and again: one chain
		c.at++
		c.put(c.full(spec{kind: protocol.TypeCertificate, at: c.at, owner: 7, value: string(mine)}))
		c.put(c.revocation(c.at, 7, c.revoke(t, impostor, mine, 0, 0)))
	}
	if n, won := rows(Query{Where: believe.Where}); won != 0 || n > 20 {
		t.Errorf("%d rows, owner %d", n, won)
	}
}

// TestUsableCertificate is which certificate a writer is given to link.
func TestUsableCertificate(t *testing.T) {
	t.Parallel()
	c := newCertified(t, nil)
	owner := c.ownerID(0)
	usable := func(what string, want *protocol.Record, now uint64) {
		t.Helper()
		links, err := c.Links(t.Context(), LinksQuery{Count: 2, Now: testTime + now, Owner: &owner})
		if err != nil || links.Certified != (want != nil) || want != nil && !slices.Contains(links.IDs, want.ID()) {
			t.Errorf("%s: %+v, %v", what, links, err)
		}
	}
	usable("none", nil, 2*oneDay)
	short, long := c.certify(t, c.ca, 0, day(0), day(5), false), c.certify(t, c.other, 0, day(3), day(9), false)
	a, b := c.carry(short), c.carry(long)
	c.carry(c.always(t, c.foreign, 0))
	c.carry(c.always(t, c.ca, 1))
	usable("before", nil, 1)
	usable("the first", a, 2*oneDay)
	usable("the one that is valid longer", b, 4*oneDay)
	usable("the last", b, 8*oneDay)
	usable("expired", nil, 10*oneDay)
	c.put(c.revocation(c.at, ownerOther, c.revoke(t, c.other, long, 0, testTime+6*oneDay)))
	usable("the other is revoked", a, 4*oneDay)
	usable("that was revoked", nil, 8*oneDay)
}

// TestCertifiedTipsAreReputable has squatters claim keys before a certified owner and another one
// do. The certified owner's record is linked all the same, as long as an authority vouches for it.
func TestCertifiedTipsAreReputable(t *testing.T) {
	t.Parallel()
	c := newCertified(t, nil)
	chain := c.always(t, c.ca, 0)
	c.carry(chain)
	tip := func(owner int, at uint64, name string) *protocol.Record {
		r := c.full(spec{at: at, owner: owner, sels: []sel{{name, 0}}, value: "v"})
		mustPut(t, c.Store, r, Attached)
		return r
	}
	reputable := func(what string, r *protocol.Record, want int64) {
		t.Helper()
		if err := c.read(t.Context(), func(conn *conn) error {
			idx, err := conn.index(r.ID())
			if err != nil {
				return err
			}
			have, err := conn.number("SELECT reputable FROM tips WHERE idx = ?", idx)
			if err == nil && have != want {
				t.Errorf("%s: reputable %d, want %d", what, have, want)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	reputable("a squatter", tip(1, oneDay, "a"), 1)
	reputable("the certified owner", tip(0, oneDay+1, "a"), 1)
	reputable("another one", tip(2, oneDay+2, "a"), 0)
	c.put(c.revocation(oneDay+3, ownerCA, c.revoke(t, c.ca, chain, 0, 0)))
	reputable("a squatter again", tip(1, oneDay+4, "b"), 1)
	reputable("the owner, revoked", tip(0, oneDay+5, "b"), 0)
}

// TestCertificatePages pages through an owner's certificates, of which some are good for two
// authorities: a CA whose certificate was renewed.
func TestCertificatePages(t *testing.T) {
	t.Parallel()
	c := newCertified(t, func(p *protocol.Params) {
		renewed, err := protocol.NewAuthority(worldOf(nil).owner(ownerCA), "ca", day(-1000), day(5), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		p.Authorities = append(p.Authorities, renewed)
	})
	want := map[protocol.ID]bool{}
	for i := range 12 {
		by := []*authority{c.ca, c.other, c.middle}[i%3]
		want[c.carry(c.certify(t, by, 0, day(-9), day(1+i/2), false)).ID()] = true
	}
	c.carry(c.always(t, c.ca, 1))
	for _, limit := range []int{1, 2, 5, 11, 12, 100} {
		seen := map[protocol.ID]bool{}
		var after *CertificatePosition
		for more, last := true, uint64(math.MaxUint64); more; {
			var page []CertificateInfo
			var err error
			if page, more, err = c.CertificatesAfter(t.Context(), c.ownerID(0), after, limit); err != nil || len(page) > limit || more && len(page) == 0 {
				t.Fatalf("%d certificates of %d, %v", len(page), limit, err)
			}
			for _, info := range page {
				if seen[info.Record] || !want[info.Record] || info.NotAfter > last {
					t.Errorf("limit %d: %+v", limit, info)
				}
				seen[info.Record], last = true, info.NotAfter
			}
			if more {
				after = &page[len(page)-1].Position
			}
		}
		if len(seen) != len(want) {
			t.Errorf("%d certificates in pages of %d, want %d", len(seen), limit, len(want))
		}
	}
	for _, limit := range []int{0, -1, 1001} {
		if _, _, err := c.CertificatesAfter(t.Context(), c.ownerID(0), nil, limit); !errors.Is(err, ErrBadQuery) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}
