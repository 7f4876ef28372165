package proxy

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// hiddenCourt is a court on a network where only certified owners write. The first owner has a
// newer version, and the second one has one, that rest on revoked certificates: they are hidden.
type hiddenCourt struct {
	*court
	newest, fallenClaim *protocol.Record
}

func newHiddenCourt(t *testing.T) *hiddenCourt {
	c := newCourt(t, 3, func(p *protocol.Params) { p.AuthRequired = true })
	value := c.certify(c.certified)
	again := c.say(c.third, protocol.TypeCertificate, value)
	list := c.say(c.third, protocol.TypeRevocation, c.authority.Revoke(t, value, 0))
	h := &hiddenCourt{court: c, newest: c.resting(c.certified, again), fallenClaim: c.resting(c.revoked, c.fallen)}
	c.spread([]*protocol.Record{again, h.newest, h.fallenClaim, list})
	return h
}

// resting makes a claim that rests on a certificate.
func (c *court) resting(o owner, certificate *protocol.Record) *protocol.Record {
	c.now++
	return c.record(o, c.now, protocol.Draft{Value: []byte("hidden"), Links: []protocol.ID{certificate.ID()}}, "horse#1")
}

// puts has a liar put a record in the place of its owner's claim, and that claim first.
func puts(r func(h *hiddenCourt) *protocol.Record) func(*hiddenCourt, api.Query, *api.QueryResult) *api.QueryResult {
	return func(h *hiddenCourt, q api.Query, honest *api.QueryResult) *api.QueryResult {
		first := r(h)
		a := &honest.Answers[0]
		before := append([]api.Version{a.Version}, a.Others...)
		at := slices.IndexFunc(before, func(v api.Version) bool { return v.Owner == first.Owner })
		if at > 0 {
			a.History = nil
		} else if q.History && a.Record != first.ID() {
			a.History = append([]api.Version{a.Version}, a.History...)
		}
		a.Version = shown(first)
		if q.History {
			a.Others = slices.Delete(before, at, at+1)
		}
		if a.Explanation == nil {
			return honest
		}
		claims := a.Explanation.Claims
		at = slices.IndexFunc(claims, func(c api.ClaimInfo) bool { return c.Owner == first.Owner })
		claim := claims[at]
		claim.Record, claim.Timestamp, claim.Weight = first.ID(), first.Timestamp, 1_000_000
		claim.Words, claim.Objections = nil, 0
		claim.Certified, claim.Certificate, claim.Authority, claim.Revoked = true, h.certificateOf(first), "CA", nil
		a.Explanation.Claims = append([]api.ClaimInfo{claim}, slices.Delete(claims, at, at+1)...)
		return honest
	}
}

// certificateOf is what a liar says that certifies an owner.
func (h *hiddenCourt) certificateOf(r *protocol.Record) protocol.ID {
	switch r.Owner {
	case h.certified.id():
		return h.certificate.ID()
	case h.revoked.id():
		return h.fallen.ID()
	}
	return h.spare.ID()
}

var hidings = []struct {
	name string
	tell func(h *hiddenCourt, q api.Query, honest *api.QueryResult) *api.QueryResult
}{
	{"answers with a newer version that is hidden", puts(func(h *hiddenCourt) *protocol.Record { return h.newest })},
	{"answers with the hidden claim of another owner", puts(func(h *hiddenCourt) *protocol.Record { return h.fallenClaim })},
	{"answers with a claim to which an oracle objects", puts(func(h *hiddenCourt) *protocol.Record { return h.last })},
	{"lists a hidden version as an older one", func(h *hiddenCourt, q api.Query, honest *api.QueryResult) *api.QueryResult {
		a := &honest.Answers[0]
		if q.History {
			a.History = append(a.History, shown(h.resting(h.certified, h.certificate)))
			a.History[0].Time = h.answer.Timestamp - 1
		} else {
			a.Version = shown(h.newest)
		}
		return honest
	}},
	{"goes by oracles of its own", func(h *hiddenCourt, q api.Query, _ *api.QueryResult) *api.QueryResult {
		q.Oracles = []protocol.Owner{h.third.id()}
		return h.mine(q)
	}},
	{"goes by no oracle, and says otherwise", func(h *hiddenCourt, q api.Query, _ *api.QueryResult) *api.QueryResult {
		oracles := q.Oracles
		q.Oracles, q.Policy = []protocol.Owner{}, protocol.Policy{protocol.CriterionNewest}
		result := h.mine(q)
		result.Oracles, result.Policy = oracles, protocol.DefaultPolicy()
		return result
	}},
}

// mine is what a liar answers that goes by something else than it was asked to.
func (h *hiddenCourt) mine(q api.Query) *api.QueryResult {
	result, err := h.nodes[0].Fake.Query(h.Context(), q)
	if err != nil {
		h.Fatal(err)
	}
	return result
}

// TestHidden has one node of three answer with what honest nodes hide, or put below others because
// of oracles and certificates. The answer is the honest one, and names the liar.
func TestHidden(t *testing.T) {
	t.Parallel()
	for _, l := range hidings {
		for _, liar := range []int{0, 1, 2} {
			t.Run(fmt.Sprint(l.name, "/", liar), func(t *testing.T) {
				t.Parallel()
				h := newHiddenCourt(t)
				h.nodes[liar].lie = func(q api.Query, honest *api.QueryResult) *api.QueryResult { return l.tell(h, q, honest) }
				h.nodes[liar].lieOf = func(info *api.RecordInfo) *api.RecordInfo {
					info.Hidden = false
					return info
				}
				for _, q := range questions() {
					q.Oracles = []protocol.Owner{h.oracle.id()}
					want, err := h.nodes[(liar+1)%3].Fake.Query(t.Context(), h.asHonest(q))
					if err != nil {
						t.Fatal(err)
					}
					got, err := h.proxy.Query(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					sameAnswers(t, got, want)
					if d := got.Comparison.Differs; len(d) != 1 || d[0].Node != h.address(liar) || len(got.Comparison.Agreed) != 2 {
						t.Fatalf("%+v: %+v", q, got.Comparison)
					}
				}
				for _, r := range []*protocol.Record{h.newest, h.fallenClaim} {
					if info, err := h.proxy.Record(t.Context(), r.ID()); err != nil || !info.Hidden || len(info.Comparison.Differs) != 1 {
						t.Errorf("%+v, %v", info, err)
					}
				}
			})
		}
	}
}
