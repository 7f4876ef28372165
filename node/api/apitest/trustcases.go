package apitest

import (
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// dispute is a name with two claims: an elder one, and a younger one that adds its weight to the
// elder.
type dispute struct {
	*fixture
	name           string
	elder, younger *protocol.Record
	youngerKey     ed25519.PrivateKey
}

func (f *fixture) dispute(name string) dispute {
	f.Helper()
	d := dispute{fixture: f, name: name, youngerKey: f.newKey()}
	d.elder = f.compose(name, "elder", nil)
	f.submitted(d.elder)
	d.younger = f.composeBy(d.youngerKey, name, "younger", func(draft *protocol.Draft) {
		draft.Links[0], draft.Timestamp = d.elder.ID(), max(draft.Timestamp, d.elder.Timestamp+1)
	})
	f.submitted(d.younger)
	return d
}

func (f *fixture) newKey() ed25519.PrivateKey {
	f.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	return key
}

func (f *fixture) submitted(r *protocol.Record) {
	f.Helper()
	if s, err := f.service.Submit(f.ctx, r.EncodeFrame()); err != nil || s.State != api.StateAttached {
		f.Fatalf("submit: %+v, %v", s, err)
	}
}

// says submits a record without a name, such as a certificate or a commentary.
func (f *fixture) says(key ed25519.PrivateKey, kind protocol.Type, value []byte) {
	f.Helper()
	f.submitted(f.composeBy(key, "unnamed", "", func(d *protocol.Draft) {
		d.Type, d.Names, d.Value = kind, nil, value
	}))
}

// ask asks for the disputed name and wants one answer.
func (d dispute) ask(change func(*api.Query)) (*api.QueryResult, *api.Answer) {
	d.Helper()
	result := d.query(change, d.name)
	if len(result.Answers) != 1 || result.Answers[0].Claims != 2 {
		d.Fatalf("%d answers to a name with two claims", len(result.Answers))
	}
	return result, &result.Answers[0]
}

func (f *fixture) policies() {
	d := f.dispute("p")
	for _, test := range []struct {
		policy string
		want   string
	}{
		{"", "elder"}, // weight, by default
		{"weight", "elder"},
		{"newest", "younger"},
		{"local", "elder"},
		{"newest,weight", "younger"},
		{"certified,oracles,newest", "younger"},
		{"certified,oracles,local,weight", "elder"},
	} {
		policy := protocol.DefaultPolicy()
		result, a := d.ask(func(q *api.Query) {
			if test.policy == "" {
				return
			}
			var err error
			if policy, err = protocol.ParsePolicy(test.policy); err != nil {
				d.Fatal(err)
			}
			q.Policy = policy
		})
		if got := textOf(&a.Version); got != test.want || !slices.Equal(result.Policy, policy.Total()) || a.Explanation != nil {
			f.Errorf("policy %q: %q by %s, want %q", test.policy, got, result.Policy, test.want)
		}
	}
}

func (f *fixture) weights() {
	d := f.dispute("w")
	_, a := d.ask(func(q *api.Query) { q.History = true })
	if len(a.Others) != 1 || a.Weight <= a.Others[0].Weight || a.Others[0].Weight == 0 {
		f.Fatalf("the elder weighs %d, and one of %d others that adds to it as much", a.Weight, len(a.Others))
	}
	for _, want := range []*api.Version{&a.Version, &a.Others[0]} {
		info, err := f.service.Record(f.ctx, want.Record)
		if err != nil || info.Weight != want.Weight {
			f.Fatalf("record %s weighs %d in an answer and %d alone, %v", want.Record, want.Weight, info.Weight, err)
		}
	}
}

func (f *fixture) explanations() {
	d := f.dispute("e")
	result, a := d.ask(func(q *api.Query) { q.Explain = true })
	e := a.Explanation
	switch {
	case e == nil || len(e.Claims) != 2 || len(a.Others) > 0:
		f.Fatalf("explanation %+v, %d others; want an explanation of two claims, and no others", e, len(a.Others))
	case !slices.Equal(e.Policy, result.Policy) || e.Decided != protocol.CriterionWeight:
		f.Fatalf("decided by %q of %s", e.Decided, e.Policy)
	}
	won, lost := e.Claims[0], e.Claims[1]
	if won.Record != d.elder.ID() || won.Owner != d.elder.Owner || won.LostBy != "" || !won.First || won.Weight <= lost.Weight {
		f.Errorf("the winner: %+v", won)
	}
	if lost.Record != d.younger.ID() || lost.Owner != d.younger.Owner || lost.LostBy != protocol.CriterionWeight || lost.First || lost.Weight == 0 {
		f.Errorf("the loser: %+v", lost)
	}
	for _, c := range e.Claims {
		if c.Certified || c.Elected != 0 || c.Objections != 0 || c.Deleted || c.Seen == 0 || c.Timestamp == 0 {
			f.Errorf("claim %+v", c)
		}
	}
	if won.Seen > lost.Seen {
		f.Errorf("the first was seen at %d, the second at %d", won.Seen, lost.Seen)
	}
}

func (f *fixture) oneClaimExplained() {
	f.set("alone", "alone")
	alone := f.query(func(q *api.Query) { q.Explain = true }, "alone").Answers[0]
	if e := alone.Explanation; e == nil || len(e.Claims) != 1 || e.Decided != "" || e.Claims[0].LostBy != "" || alone.Claims != 1 {
		f.Errorf("one claim: %+v", e)
	}
}

// object publishes an oracle's word on the elder claim.
func (d dispute) object(oracle ed25519.PrivateKey, objects bool) {
	d.Helper()
	value, err := protocol.EncodeCommentary([]protocol.Word{{Composite: d.elder.CompositeID(), Owner: d.elder.Owner, Objects: objects}})
	if err != nil {
		d.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // a later word has a later time
	d.says(oracle, protocol.TypeCommentary, value)
}

func (f *fixture) oracles() {
	d := f.dispute("oracles")
	one, two := f.newKey(), f.newKey()
	want := func(text string, objections int, elected ...ed25519.PrivateKey) {
		f.Helper()
		oracles := []protocol.Owner{}
		for _, key := range elected {
			oracles = append(oracles, protocol.OwnerOf(key))
		}
		result, a := d.ask(func(q *api.Query) { q.Oracles, q.Explain = oracles, true })
		i := slices.IndexFunc(a.Explanation.Claims, func(c api.ClaimInfo) bool { return c.Owner == d.elder.Owner })
		if elder := a.Explanation.Claims[i]; textOf(&a.Version) != text || elder.Objections != objections || elder.Elected != len(result.Oracles) {
			f.Errorf("%d oracles: %q, of %d elected %d object", len(elected), textOf(&a.Version), elder.Elected, elder.Objections)
		} else {
			f.checkWords(&elder)
		}
	}
	want("elder", 0)
	want("elder", 0, one)
	d.object(one, true)
	want("elder", 0)
	want("elder", 0, two)
	want("younger", 1, one)
	want("younger", 1, one, two)
	d.object(two, true)
	want("younger", 2, one, two)
	d.object(one, false)
	want("elder", 0, one)
	want("younger", 1, one, two)
	twice, a := d.ask(func(q *api.Query) {
		q.Oracles, q.Explain = []protocol.Owner{protocol.OwnerOf(two), protocol.OwnerOf(two)}, true
	})
	if len(twice.Oracles) != 1 || a.Explanation.Claims[0].Elected != 1 {
		f.Errorf("an oracle named twice: %v, %+v", twice.Oracles, a.Explanation.Claims)
	}
	if first, a := d.ask(func(q *api.Query) {
		q.Oracles, q.Policy = []protocol.Owner{protocol.OwnerOf(two)}, protocol.Policy{protocol.CriterionWeight}
	}); textOf(&a.Version) != "elder" || len(first.Oracles) != 1 {
		f.Errorf("a policy without oracles heeded one: %q", textOf(&a.Version))
	}
}

// checkWords holds what oracles are said to say of a claim against their commentaries.
func (f *fixture) checkWords(claim *api.ClaimInfo) {
	f.Helper()
	composite := f.checkRecord(claim.Record, protocol.TypeDatum).CompositeID()
	objections := 0
	for _, w := range claim.Words {
		r := f.checkRecord(w.Record, protocol.TypeCommentary)
		if r.Owner != w.Oracle || !slices.Contains(r.Words(), protocol.Word{Composite: composite, Owner: claim.Owner, Objects: w.Objects}) {
			f.Errorf("record %s does not say what %+v says", r.ID(), w)
		}
		if w.Objects {
			objections++
		}
	}
	if objections != claim.Objections {
		f.Errorf("%d objections, and records of %d", claim.Objections, objections)
	}
}

// checkRecord wants an attached record of a type.
func (f *fixture) checkRecord(id protocol.ID, kind protocol.Type) *protocol.Record {
	f.Helper()
	info, err := f.service.Record(f.ctx, id)
	if err != nil || info.State != api.StateAttached {
		f.Fatalf("record %s: %+v, %v", id, info, err)
	}
	r := f.checkInfo(info)
	if r.Type != kind {
		f.Fatalf("record %s is a %s and no %s", id, r.Type, kind)
	}
	return r
}

func (f *fixture) authorities() {
	d := f.dispute("authorities")
	trusted, stranger := NewAuthority(f, "Trusted CA"), NewAuthority(f, "Stranger")
	certificate := trusted.Certify(f, d.youngerKey, -time.Hour, time.Hour)
	f.says(f.newKey(), protocol.TypeCertificate, certificate)
	want := func(text, authority string, authorities ...[]byte) {
		f.Helper()
		_, a := d.ask(func(q *api.Query) { q.Authorities, q.Explain = authorities, true })
		best := a.Explanation.Claims[0]
		if textOf(&a.Version) != text || best.Authority != authority || best.Certified != (authority != "") {
			f.Errorf("%d authorities: %q, certified %t by %q", len(authorities), textOf(&a.Version), best.Certified, best.Authority)
		}
		if best.Certified {
			f.checkRecord(best.Certificate, protocol.TypeCertificate)
		} else if best.Certificate != (protocol.ID{}) {
			f.Errorf("not certified, by %s", best.Certificate)
		}
	}
	want("elder", "")
	want("elder", "", stranger.DER)
	want("younger", "Trusted CA", trusted.DER)
	want("younger", "Trusted CA", stranger.DER, trusted.DER)
	for name, der := range map[string][]byte{"garbage": []byte("Bad Horse"), "empty": {}, "a byte more": append(slices.Clone(trusted.DER), 0)} {
		_, err := f.service.Query(f.ctx, api.Query{Selectors: []api.SelectorRange{{Name: "x"}}, Authorities: [][]byte{der}})
		if err == nil {
			f.Fatalf("%s for an authority: no error", name)
		}
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
	f.says(f.newKey(), protocol.TypeRevocation, trusted.Revoke(f, certificate, 0))
	want("elder", "", trusted.DER)
	_, a := d.ask(func(q *api.Query) { q.Authorities, q.Explain = [][]byte{trusted.DER}, true })
	if lost := a.Explanation.Claims[1]; len(lost.Revoked) != 1 {
		f.Errorf("a revoked certificate: %+v", lost)
	} else {
		f.checkRecord(lost.Revoked[0].Certificate, protocol.TypeCertificate)
		f.checkRecord(lost.Revoked[0].Revocation, protocol.TypeRevocation)
	}
}

// owner asks for somebody whom no authority of the network knows: it has none.
func (f *fixture) owner() {
	owner := protocol.OwnerOf(f.newKey())
	info, err := f.service.Owner(f.ctx, api.OwnerQuery{Owner: owner})
	if err != nil || info.Owner != owner || info.Certificates == nil || len(info.Certificates) != 0 {
		f.Fatalf("%+v, %v", info, err)
	}
	l, err := f.service.Links(f.ctx, api.LinksQuery{Owner: &owner})
	if err != nil || l.Certified || len(l.Links) < int(f.network.Params().MinLinks) {
		f.Fatalf("links for a stranger: %+v, %v", l, err)
	}
}
