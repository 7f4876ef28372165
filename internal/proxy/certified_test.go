package proxy

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// court is a network with an authority and an oracle. Three owners claim "horse#1". The first one
// has a certificate, the second one a certificate that was revoked, and the oracle objects to the
// third. It objected to the first one, too, and took that back.
type court struct {
	*world
	authority                         *apitest.Authority
	oracle, certified, revoked, third owner
	answer, second, last              *protocol.Record
	certificate, fallen, revocation   *protocol.Record
	early, late                       *protocol.Record // the oracle's commentaries
	spare                             *protocol.Record // a certificate that the liar alone may know
	now                               uint64
}

func newCourt(t *testing.T, nodes int, params ...func(*protocol.Params)) *court {
	authority := apitest.NewAuthority(t, "CA")
	network := newNetwork(t, append(params, func(p *protocol.Params) { p.Authorities = [][]byte{authority.DER} })...)
	c := &court{
		world: newWorldOn(t, network, nodes), authority: authority, now: uint64(time.Now().UnixMilli()) - testEpoch - 10_000,
		oracle: newOwner(t), certified: newOwner(t), revoked: newOwner(t), third: newOwner(t),
	}
	certificate, fallen := c.certify(c.certified), c.certify(c.revoked)
	c.certificate = c.say(c.third, protocol.TypeCertificate, certificate)
	c.fallen = c.say(c.third, protocol.TypeCertificate, fallen)
	c.revocation = c.say(c.third, protocol.TypeRevocation, authority.Revoke(t, fallen, 0))
	c.answer, c.second, c.last = c.claim(c.certified, "first"), c.claim(c.revoked, "second"), c.claim(c.third, "third")
	c.early = c.comment(c.oracle, true, c.answer)
	c.late = c.comment(c.oracle, false, c.answer, c.last)
	c.spare = c.say(c.oracle, protocol.TypeCertificate, c.certify(c.third))
	c.spread([]*protocol.Record{c.certificate, c.fallen, c.revocation, c.answer, c.second, c.last, c.early, c.late})
	return c
}

func (c *court) certify(o owner) []byte {
	return c.authority.Certify(c, o.PrivateKey, -time.Hour, time.Hour)
}

// say makes a record without a name, later than all before.
func (c *court) say(o owner, kind protocol.Type, value []byte) *protocol.Record {
	c.now++
	return c.record(o, c.now, protocol.Draft{Type: kind, Value: value})
}

func (c *court) claim(o owner, value string) *protocol.Record {
	c.now++
	return c.record(o, c.now, protocol.Draft{Value: []byte(value)}, "horse#1")
}

// comment makes a commentary. The oracle objects to all but the first claim, and to that one where
// it says so.
func (c *court) comment(o owner, objects bool, about ...*protocol.Record) *protocol.Record {
	words := make([]protocol.Word, len(about))
	for i, r := range about {
		words[i] = protocol.Word{Composite: r.CompositeID(), Owner: r.Owner, Objects: objects || i > 0}
	}
	value, err := protocol.EncodeCommentary(words)
	if err != nil {
		c.Fatal(err)
	}
	return c.say(o, protocol.TypeCommentary, value)
}

// question asks about the disputed key.
func (c *court) question(explain bool) api.Query {
	q := about("horse#1")
	q.Explain, q.History, q.Frames, q.Oracles = explain, explain, explain, []protocol.Owner{c.oracle.id()}
	return q
}

// honest holds an answer against what the records say.
func (c *court) honest(got *api.QueryResult, explained bool) {
	c.Helper()
	if got.Answers[0].Record != c.answer.ID() {
		c.Fatalf("%s answers", got.Answers[0].Owner)
	}
	if !explained {
		return
	}
	for _, claim := range got.Answers[0].Explanation.Claims {
		said := func(r *protocol.Record, objects bool) bool {
			return slices.Equal(claim.Words, []api.SaidWord{{Oracle: c.oracle.id(), Record: r.ID(), Objects: objects}})
		}
		switch claim.Owner {
		case c.certified.id():
			if !claim.Certified || claim.Certificate != c.certificate.ID() || claim.Authority != "CA" || claim.Objections != 0 || !said(c.late, false) {
				c.Errorf("the first: %+v", claim)
			}
		case c.revoked.id():
			if claim.Certified || !slices.Equal(claim.Revoked, []api.RevokedCertificate{{Certificate: c.fallen.ID(), Revocation: c.revocation.ID()}}) || len(claim.Words) != 0 {
				c.Errorf("the second: %+v", claim)
			}
		default:
			if claim.Certified || claim.Certificate != (protocol.ID{}) || claim.Authority != "" || claim.Objections != 1 || !said(c.late, true) {
				c.Errorf("the third: %+v", claim)
			}
		}
	}
}

// TestProved reads what oracles and certificates say from their records, however many nodes are
// asked, and asks for each record once.
func TestProved(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2, 3} {
		c := newCourt(t, nodes)
		for i := range 3 {
			for _, explain := range []bool{true, false} {
				got, err := c.proxy.Query(t.Context(), c.question(explain))
				if err != nil {
					t.Fatal(err)
				}
				c.honest(got, explain)
				if len(got.Comparison.Differs) != 0 || len(got.Comparison.Agreed) != nodes {
					t.Errorf("%d nodes: %+v", nodes, got.Comparison)
				}
			}
			if asked := c.nodes[0].recordsAsked(); i > 0 && asked != 0 {
				t.Errorf("%d nodes: %d records are asked for again", nodes, asked)
			}
		}
		for _, o := range []owner{c.certified, c.revoked} {
			info, err := c.proxy.Owner(t.Context(), api.OwnerQuery{Owner: o.id()})
			if err != nil || len(info.Certificates) != 1 || len(info.Comparison.Agreed) != nodes || info.Certificates[0].Usable != (o.id() == c.certified.id()) {
				t.Errorf("%+v, %v", info, err)
			}
		}
	}
}

// perjury is a lie about what oracles and certificates say.
type perjury struct {
	name   string
	proved bool // a record says something else
	says   string
	// alone: the lie is found out also where one node is asked.
	alone bool
	tell  func(c *court, q api.Query, honest *api.QueryResult) *api.QueryResult
}

// change changes what a liar says of an owner's claim, and orders the claims by it.
func change(of func(c *court) owner, f func(c *court, claim *api.ClaimInfo)) func(*court, api.Query, *api.QueryResult) *api.QueryResult {
	return func(c *court, q api.Query, honest *api.QueryResult) *api.QueryResult {
		a := &honest.Answers[0]
		if a.Explanation == nil {
			return honest
		}
		versions := append([]api.Version{a.Version}, a.Others...)
		claims := a.Explanation.Claims
		for i := range claims {
			if claims[i].Owner == of(c).id() {
				f(c, &claims[i])
			}
			claims[i].SignedHash = c.byID(claims[i].Record).SignedHash()
		}
		order := []int{0, 1, 2}
		slices.SortFunc(order, func(i, j int) int {
			better, _ := honest.Policy.Compare(&claims[i].Standing, &claims[j].Standing)
			return -better
		})
		a.Others = nil
		a.Explanation.Claims = nil
		for i, at := range order {
			if i == 0 {
				a.Version = versions[at]
			} else if q.History {
				a.Others = append(a.Others, versions[at])
			}
			a.Explanation.Claims = append(a.Explanation.Claims, claims[at])
		}
		return honest
	}
}

func (c *court) byID(id protocol.ID) *protocol.Record {
	for _, r := range []*protocol.Record{c.answer, c.second, c.last} {
		if r.ID() == id {
			return r
		}
	}
	c.Fatal("an unknown record")
	return nil
}

func first(c *court) owner  { return c.certified }
func second(c *court) owner { return c.revoked }
func last(c *court) owner   { return c.third }

func objects(r func(c *court) *protocol.Record) func(*court, *api.ClaimInfo) {
	return func(c *court, claim *api.ClaimInfo) {
		claim.Objections, claim.Words = 1, []api.SaidWord{{Oracle: c.oracle.id(), Record: r(c).ID(), Objects: true}}
	}
}

func silent(_ *court, claim *api.ClaimInfo) { claim.Objections, claim.Words = 0, nil }

func certifies(r func(c *court) *protocol.Record) func(*court, *api.ClaimInfo) {
	return func(c *court, claim *api.ClaimInfo) {
		claim.Certified, claim.Authority, claim.Certificate, claim.Revoked = true, "CA", r(c).ID(), nil
	}
}

func uncertified(revoked func(c *court) []api.RevokedCertificate) func(*court, *api.ClaimInfo) {
	return func(c *court, claim *api.ClaimInfo) {
		claim.Certified, claim.Authority, claim.Certificate = false, "", protocol.ID{}
		claim.Revoked = revoked(c)
	}
}

func none(*court) []api.RevokedCertificate { return nil }

// unknown is a record that no node has.
func (c *court) unknown() *protocol.Record { return c.comment(c.oracle, true, c.answer) }

// stray is a record that the liar alone has.
func (c *court) stray(r *protocol.Record) *protocol.Record {
	for _, n := range c.nodes {
		if n.lie != nil {
			if _, err := n.Submit(c.Context(), r.EncodeFrame()); err != nil {
				c.Fatal(err)
			}
		}
	}
	return r
}

var perjuries = []perjury{
	{name: "invents an objection", says: "does not show it", alone: true, tell: change(first, objects((*court).unknown))},
	{name: "invents an objection in a record about something else", proved: true, says: "no word of oracle", alone: true,
		tell: change(first, objects(func(c *court) *protocol.Record { return c.certificate }))},
	{name: "turns a word around", proved: true, says: "no longer objects", alone: true, tell: change(first, objects(func(c *court) *protocol.Record { return c.late }))},
	{name: "shows an objection that was taken back", says: "withholds record", tell: change(first, objects(func(c *court) *protocol.Record { return c.early }))},
	{name: "withholds an objection", says: "withholds record", tell: change(last, silent)},
	{name: "shows an objection that was never attached", says: "most others do not have",
		tell: change(first, objects(func(c *court) *protocol.Record { return c.stray(c.comment(c.oracle, true, c.answer)) }))},
	{name: "counts an objection without a record", says: "names the records of 0", alone: true, tell: change(first, func(_ *court, claim *api.ClaimInfo) { claim.Objections, claim.Words = 1, nil })},
	{name: "counts the word of an oracle that was not elected", says: "not asked about", tell: change(first, func(c *court, claim *api.ClaimInfo) {
		claim.Objections, claim.Words = 1, []api.SaidWord{{Oracle: c.third.id(), Record: c.early.ID(), Objects: true}}
	})},
	{name: "withholds a certificate", says: "disproves", tell: change(first, uncertified(none))},
	{name: "withholds a revocation", says: "withholds record", tell: change(second, certifies(func(c *court) *protocol.Record { return c.fallen }))},
	{name: "invents a certificate", says: "does not show it", alone: true, tell: change(last, certifies((*court).unknown))},
	{name: "shows the certificate of somebody else", proved: true, says: "does not certify", alone: true, tell: change(last, certifies(func(c *court) *protocol.Record { return c.certificate }))},
	{name: "calls a claim a certificate", proved: true, says: "no certificate", alone: true, tell: change(last, certifies(func(c *court) *protocol.Record { return c.last }))},
	{name: "shows a certificate that was never attached", says: "most others do not have", tell: change(last, certifies(func(c *court) *protocol.Record { return c.stray(c.spare) }))},
	{name: "invents a revocation", says: "does not show it", alone: true, tell: change(first, uncertified(func(c *court) []api.RevokedCertificate {
		return []api.RevokedCertificate{{Certificate: c.certificate.ID(), Revocation: c.unknown().ID()}}
	}))},
	{name: "shows the revocation of another certificate", proved: true, says: "does not revoke", alone: true, tell: change(first, uncertified(func(c *court) []api.RevokedCertificate {
		return []api.RevokedCertificate{{Certificate: c.certificate.ID(), Revocation: c.revocation.ID()}}
	}))},
	{name: "names no certificate", says: "say otherwise", alone: true, tell: change(last, func(_ *court, claim *api.ClaimInfo) { claim.Certified = true })},
}

// TestPerjury has one node of three lie about what oracles and certificates say, in each way and at
// each place. The answer is the honest one, and names the liar.
func TestPerjury(t *testing.T) {
	t.Parallel()
	for _, p := range perjuries {
		for _, liar := range []int{0, 1, 2} {
			t.Run(fmt.Sprint(p.name, "/", liar), func(t *testing.T) {
				t.Parallel()
				c := newCourt(t, 3)
				c.nodes[liar].lie = func(q api.Query, honest *api.QueryResult) *api.QueryResult { return p.tell(c, q, honest) }
				for range 2 {
					got, err := c.proxy.Query(t.Context(), c.question(true))
					if err != nil {
						t.Fatal(err)
					}
					c.honest(got, true)
					d := got.Comparison.Differs
					if len(d) != 1 || d[0].Node != c.address(liar) || !strings.Contains(d[0].What, p.says) || d[0].Lies != p.proved || len(got.Comparison.Agreed) != 2 {
						t.Errorf("%+v", got.Comparison)
					}
				}
			})
		}
	}
}

// TestMostWithhold has two nodes of three withhold the same record. They cannot deny that it is
// attached, as one who asks them for it sees. So what the third one shows counts.
func TestMostWithhold(t *testing.T) {
	t.Parallel()
	for _, p := range perjuries {
		if p.says != "withholds record" && p.says != "disproves" {
			continue
		}
		c := newCourt(t, 3)
		for _, n := range c.nodes[:2] {
			n.lie = func(q api.Query, honest *api.QueryResult) *api.QueryResult { return p.tell(c, q, honest) }
		}
		got, err := c.proxy.Query(t.Context(), c.question(true))
		if err != nil {
			t.Fatal(err)
		}
		c.honest(got, true)
		if d := got.Comparison.Differs; len(d) != 2 || !slices.Equal(got.Comparison.Agreed, []string{c.address(2)}) {
			t.Errorf("%s: %+v", p.name, got.Comparison)
		}
	}
}

// TestPerjuryOfOneNode asks one node alone. Where it invents something it is not believed; what it
// withholds nobody can tell.
func TestPerjuryOfOneNode(t *testing.T) {
	t.Parallel()
	for _, p := range perjuries {
		if !p.alone {
			continue
		}
		c := newCourt(t, 1)
		c.nodes[0].lie = func(q api.Query, honest *api.QueryResult) *api.QueryResult { return p.tell(c, q, honest) }
		for _, explain := range []bool{true, false} {
			got, err := c.proxy.Query(t.Context(), c.question(explain))
			var e *api.Error
			if !errors.As(err, &e) || e.Status != http.StatusBadGateway || !strings.Contains(e.Detail, p.says) {
				t.Errorf("%s: %+v, %v", p.name, got, err)
			}
		}
	}
}

// TestCertificates asks for an owner's certificates, where one node of three lies.
func TestCertificates(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]struct {
		proved bool
		tell   func(c *court, info *api.OwnerInfo)
	}{
		"hides it": {false, func(_ *court, info *api.OwnerInfo) { info.Certificates = nil }},
		"hides a revocation": {false, func(_ *court, info *api.OwnerInfo) {
			info.Certificates[0].Usable, info.Certificates[0].Revoked = true, nil
		}},
		"shows another record": {true, func(c *court, info *api.OwnerInfo) { info.Certificates[0].Record = c.answer.ID() }},
		"shows another's":      {true, func(c *court, info *api.OwnerInfo) { info.Certificates[0].Record = c.certificate.ID() }},
		"another number":       {true, func(_ *court, info *api.OwnerInfo) { info.Certificates[0].Serial = "00" }},
		"adds one that was never attached": {false, func(c *court, info *api.OwnerInfo) {
			added := info.Certificates[0]
			added.Record = c.stray(c.say(c.oracle, protocol.TypeCertificate, c.certify(c.revoked))).ID()
			added.Serial = c.serialOf(added.Record)
			info.Certificates = append(info.Certificates, added)
		}},
		"invents a revocation": {true, func(c *court, info *api.OwnerInfo) {
			info.Certificates[0].Revoked = &api.Revocation{Record: c.certificate.ID()}
		}},
	} {
		c := newCourt(t, 3)
		c.nodes[1].lie = func(_ api.Query, honest *api.QueryResult) *api.QueryResult { return honest }
		c.nodes[1].lieOfOwner = func(info *api.OwnerInfo) { l.tell(c, info) }
		info, err := c.proxy.Owner(t.Context(), api.OwnerQuery{Owner: c.revoked.id()})
		if err != nil || len(info.Certificates) != 1 || info.Certificates[0].Record != c.fallen.ID() || info.Certificates[0].Usable || *info.Certificates[0].Revoked != (api.Revocation{Record: c.revocation.ID()}) {
			t.Fatalf("%s: %+v, %v", name, info, err)
		}
		if d := info.Comparison.Differs; len(d) != 1 || d[0].Node != c.address(1) || d[0].Lies != l.proved {
			t.Errorf("%s: %+v", name, d)
		}
	}
	c := newCourt(t, 1)
	c.nodes[0].lieOfOwner = func(info *api.OwnerInfo) { info.Certificates[0].Serial = "00" }
	var e *api.Error
	if _, err := c.proxy.Owner(t.Context(), api.OwnerQuery{Owner: c.revoked.id()}); !errors.As(err, &e) || e.Status != http.StatusBadGateway {
		t.Error(err)
	}
}

// serialOf returns the number of a certificate that the liar has.
func (c *court) serialOf(id protocol.ID) string {
	info, err := c.nodes[1].Fake.Record(c.Context(), id)
	if err != nil {
		c.Fatal(err)
	}
	r, err := protocol.DecodeFrame(info.Frame)
	if err != nil {
		c.Fatal(err)
	}
	chain, err := protocol.ParseChain(r.ValueBytes())
	if err != nil {
		c.Fatal(err)
	}
	return hex.EncodeToString(chain.Serial())
}

// TestCertificatePages unites pages that nodes cut at different places, and that one of two nodes
// has more on.
func TestCertificatePages(t *testing.T) {
	t.Parallel()
	c := newCourt(t, 2)
	for i := range 5 {
		r := c.say(c.oracle, protocol.TypeCertificate, c.certify(c.third))
		if i == 2 {
			c.spread([]*protocol.Record{r}, c.nodes[0])
		} else {
			c.spread([]*protocol.Record{r})
		}
	}
	info, err := c.proxy.Owner(t.Context(), api.OwnerQuery{Owner: c.third.id()})
	if err != nil || len(info.Certificates) != 5 || info.Next != "" || info.Comparison.Note != api.NoMajority {
		t.Fatalf("%+v, %v", info, err)
	}
}

// TestDatedRevocation gives a revocation a date. What was made after it is not certified any more,
// what was made before it is.
func TestDatedRevocation(t *testing.T) {
	t.Parallel()
	c := newCourt(t, 3)
	value := c.certify(c.third)
	chain := c.say(c.oracle, protocol.TypeCertificate, value)
	before := c.record(c.third, c.now+1, protocol.Draft{Value: []byte("before")}, "dated#1")
	after := c.record(c.third, c.now+5000, protocol.Draft{Value: []byte("after")}, "dated#2")
	c.now += 6000
	since := testEpoch + c.now - 2000 // dates are whole seconds
	list := c.say(c.oracle, protocol.TypeRevocation, c.authority.Revoke(t, value, since))
	c.spread([]*protocol.Record{chain, before, after, list})
	for text, want := range map[string]bool{"dated#1": true, "dated#2": false} {
		q := about(text)
		q.Explain, q.History = true, true
		got, err := c.proxy.Query(t.Context(), q)
		if err != nil || len(got.Comparison.Agreed) != 3 || got.Answers[0].Explanation.Claims[0].Certified != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	info, err := c.proxy.Owner(t.Context(), api.OwnerQuery{Owner: c.third.id()})
	if err != nil || len(info.Certificates) != 1 || info.Certificates[0].Usable || info.Certificates[0].Revoked.Record != list.ID() || info.Certificates[0].Revoked.Since == 0 {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestSlowProof has one node of three invent an objection, and take half a minute to show the
// record that it names. One client waits a little, and the others do not.
func TestSlowProof(t *testing.T) {
	t.Parallel()
	for liar := range 3 {
		synctest.Test(t, func(t *testing.T) {
			c := newCourt(t, 3)
			c.proxy.secondLook = secondLook
			c.nodes[liar].lie = func(q api.Query, honest *api.QueryResult) *api.QueryResult {
				return change(first, objects((*court).unknown))(c, q, honest)
			}
			c.nodes[liar].gateOf = sleeps(30 * time.Second)
			for i := range 5 {
				begin := time.Now()
				got, err := c.proxy.Query(t.Context(), c.question(i%2 == 0))
				if err != nil {
					t.Fatal(err)
				}
				c.honest(got, i%2 == 0)
				if took := time.Since(begin); i == 0 && took > 5*time.Second || i > 0 && took > 100*time.Millisecond {
					t.Errorf("answer %d took %s", i, took)
				}
			}
			if state := c.proxy.nodes.list[liar].known(); state.state != api.NodeSlow {
				t.Errorf("the liar is %s", state.state)
			}
		})
	}
}

// TestOneNodeFails has the only node that is asked fail before it shows a record that it names.
// There is no answer then: the node's word alone is none.
func TestOneNodeFails(t *testing.T) {
	t.Parallel()
	c := newCourt(t, 1)
	c.nodes[0].gateOf = func(context.Context) error { return errDown }
	var e *api.Error
	if got, err := c.proxy.Query(t.Context(), c.question(true)); !errors.As(err, &e) || e.Status != http.StatusServiceUnavailable {
		t.Errorf("%+v, %v", got, err)
	}
	c.nodes[0].change(func() { c.nodes[0].gateOf = nil })
	got, err := c.proxy.Query(t.Context(), c.question(true))
	if err != nil {
		t.Fatal(err)
	}
	c.honest(got, true)
}

// TestJustSaid has an oracle's second word reach the nodes one after the other. Both words object,
// so the answer stays the same, and no node is accused of withholding the second one.
func TestJustSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCourt(t, 3)
		c.proxy.secondLook = secondLook
		again := c.comment(c.oracle, true, c.last)
		c.spread([]*protocol.Record{again}, c.nodes[0])
		time.AfterFunc(secondLook/2, func() { c.spread([]*protocol.Record{again}, c.nodes[1:]...) })
		got, err := c.proxy.Query(t.Context(), c.question(true))
		if err != nil || len(got.Comparison.Agreed) != 3 || len(got.Comparison.Differs) != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, claim := range got.Answers[0].Explanation.Claims {
			if claim.Owner == c.third.id() && (len(claim.Words) != 1 || claim.Words[0].Record != again.ID()) {
				t.Errorf("%+v", claim)
			}
		}
	})
}
