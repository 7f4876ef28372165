package node

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

// claim publishes a datum, which links to these records and to others.
func claim(t testing.TB, n *Node, key ed25519.PrivateKey, name, value string, links ...protocol.ID) *protocol.Record {
	t.Helper()
	return say(t, n, key, protocol.Draft{Value: []byte(value), Links: links}, name)
}

// say publishes a draft under a name.
func say(t testing.TB, n *Node, key ed25519.PrivateKey, d protocol.Draft, name string) *protocol.Record {
	t.Helper()
	network := n.config.Network
	offered, err := n.Service().Links(t.Context(), api.LinksQuery{})
	if err != nil {
		t.Fatal(err)
	}
	derived, err := network.DeriveName(name)
	if err != nil {
		t.Fatal(err)
	}
	d.Links = append(slices.Clone(d.Links), offered.Links...)
	d.Owner, d.Timestamp = protocol.OwnerOf(key), max(offered.Now, offered.Timestamp)
	d.Names = []protocol.NamePoint{{Name: derived}}
	r, err := network.Compose(d)
	if err == nil {
		r, err = network.Sign(r, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s, err := n.Service().Submit(t.Context(), r.EncodeFrame()); err != nil || s.State != api.StateAttached {
		t.Fatalf("%+v, %v", s, err)
	}
	time.Sleep(2 * time.Millisecond) // what comes next is later
	return r
}

func object(t testing.TB, n *Node, oracle ed25519.PrivateKey, to *protocol.Record, objects bool) {
	t.Helper()
	value, err := protocol.EncodeCommentary([]protocol.Word{{Composite: to.CompositeID(), Owner: to.Owner, Objects: objects}})
	if err != nil {
		t.Fatal(err)
	}
	publishBy(t, n, oracle, protocol.TypeCommentary, value)
	time.Sleep(2 * time.Millisecond)
}

// TestOraclesOfTheHome elects and dismisses oracles while the node runs: queries that do not say go
// by them.
func TestOraclesOfTheHome(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0), offline)
	n := start(t, c)
	s := client(t, n)
	oracle := newKey(t)
	elder := claim(t, n, newKey(t), "x", "elder")
	claim(t, n, newKey(t), "x", "younger", elder.ID())
	object(t, n, oracle, elder, true)
	wantRead(t, s, "elder", "x")
	nodetest.SetTrust(t, c.Home, nil, protocol.OwnerOf(oracle))
	wantRead(t, s, "younger", "x")
	nodetest.SetTrust(t, c.Home, protocol.Policy{protocol.CriterionLocal}, protocol.OwnerOf(oracle))
	wantRead(t, s, "elder", "x")
	nodetest.SetTrust(t, c.Home, nil, protocol.OwnerOf(oracle))
	wantRead(t, s, "younger", "x")
	res, err := s.Query(t.Context(), api.Query{Selectors: []api.SelectorRange{{Name: "x"}}, Oracles: []protocol.Owner{}, Decrypt: true})
	if err != nil || *res.Answers[0].Text != "elder" {
		t.Errorf("with nobody's objections the younger one was answered, %v", err)
	}
	if err := os.WriteFile(filepath.Join(c.Home.Dir(), "trust.json"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the status says what is wrong", func() bool {
		status, err := s.Status(t.Context())
		return err == nil && len(status.Trust.Warnings) == 1 && strings.Contains(status.Trust.Warnings[0], "trust.json") &&
			len(status.Trust.Oracles) == 1
	})
	if got := get(t, s, "x"); got != "younger" {
		t.Errorf("with a damaged file: %q, want what was answered before", got)
	}
}

// TestRevocation takes away what rests on a certificate, and only what it reaches.
func TestRevocation(t *testing.T) {
	t.Parallel()
	ca := apitest.NewAuthority(t, "Test CA")
	c := config(t, newNetwork(t, 16, under(ca, false)), offline)
	horse, err := c.Home.Owners().New("horse")
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, c)
	s := client(t, n)
	certificate := ca.Certify(t, horse.Secret, -time.Hour, time.Hour)
	id := publish(t, n, protocol.TypeCertificate, certificate)
	owner, err := s.Owner(t.Context(), api.OwnerQuery{Owner: horse.Owner})
	if err != nil || len(owner.Certificates) != 1 || !owner.Certificates[0].Usable || owner.Certificates[0].Record != id || owner.Certificates[0].Revoked != nil {
		t.Fatalf("%+v, %v", owner, err)
	}
	cheap := setBy(t, n, "horse", "cheap", "x")
	a := explained(t, s, "x")
	if best := a.Explanation.Claims[0]; !best.Certified || best.Authority == "" || a.Record != cheap.ID {
		t.Errorf("certified: %+v", best)
	}
	revocation := publish(t, n, protocol.TypeRevocation, ca.Revoke(t, certificate, 0))
	if got := get(t, s, "x"); got != "" {
		t.Errorf("still answered: %q", got)
	}
	if info, err := s.Record(t.Context(), cheap.ID); err != nil || !info.Hidden || info.Weight == 0 {
		t.Errorf("the hidden record: %+v, %v", info, err)
	}
	owner, err = s.Owner(t.Context(), api.OwnerQuery{Owner: horse.Owner})
	if err != nil || len(owner.Certificates) != 1 || owner.Certificates[0].Usable || owner.Certificates[0].Revoked == nil || owner.Certificates[0].Revoked.Record != revocation {
		t.Errorf("the owner of a revoked certificate: %+v, %v", owner, err)
	}
	paid := setBy(t, n, "horse", "paid", "x")
	if full, _ := price(t, n.config.Network, paid); paid.Effort != full {
		t.Errorf("effort %d, want the full price %d", paid.Effort, full)
	}
	if a := explained(t, s, "x"); a.Record != paid.ID || a.Explanation.Claims[0].Certified || a.Claims != 1 {
		t.Errorf("what was paid for: %+v", a.Explanation)
	}
}

func explained(t testing.TB, s api.Service, name string) *api.Answer {
	t.Helper()
	res, err := s.Query(t.Context(), api.Query{Selectors: []api.SelectorRange{{Name: name}}, Explain: true})
	if err != nil || len(res.Answers) != 1 {
		t.Fatalf("not one answer; error %v", err)
	}
	return &res.Answers[0]
}

// TestNodesAnswerAlike has two nodes hold the same records and compares their answers under every
// policy but those with local.
func TestNodesAnswerAlike(t *testing.T) {
	t.Parallel()
	ca := apitest.NewAuthority(t, "Test CA")
	network := newNetwork(t, 0, under(ca, false))
	a := start(t, config(t, network))
	b := start(t, config(t, network, seeds(a)))
	wantPeers(t, b, 1)
	oracles := []ed25519.PrivateKey{newKey(t), newKey(t)}
	nodes := []*Node{a, b}
	var last *protocol.Record
	for i := range 4 {
		name, first := fmt.Sprint("name ", i), newKey(t)
		elder := claim(t, nodes[i%2], first, name, "elder")
		claim(t, nodes[i%2], newKey(t), name, "heavy", elder.ID())
		certified := newKey(t)
		claim(t, nodes[i%2], certified, name, "certified")
		if i > 1 {
			publish(t, nodes[i%2], protocol.TypeCertificate, ca.Certify(t, certified, -time.Hour, time.Hour))
		}
		for j, o := range oracles[:i%3] {
			object(t, nodes[(i+j)%2], o, elder, true)
		}
		last = claim(t, nodes[i%2], newKey(t), name, "last")
	}
	everywhere := func(r *protocol.Record) {
		t.Helper()
		for _, n := range nodes {
			eventually(t, "both have a record", func() bool {
				info, err := n.Service().Record(t.Context(), r.ID())
				return err == nil && info.State == api.StateAttached
			})
		}
	}
	everywhere(last)
	for _, n := range nodes {
		everywhere(claim(t, n, newKey(t), "end", "end", last.ID()))
	}
	count := func(n *Node) uint64 {
		s, err := n.Service().Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.Storage.Attached
	}
	eventually(t, "both have everything", func() bool { return count(a) == count(b) && count(a) > 20 })
	for _, policy := range []string{"certified,oracles,weight,newest", "weight", "oracles", "oracles,newest", "certified", "newest", "certified,weight"} {
		for i := range 4 {
			x, y := answerOf(t, a, i, policy, oracles), answerOf(t, b, i, policy, oracles)
			if x != y {
				t.Errorf("policy %s, name %d:\n%s\n%s", policy, i, x, y)
			}
		}
	}
}

// answerOf is a node's answer without what is its own.
func answerOf(t testing.TB, n *Node, i int, policy string, oracles []ed25519.PrivateKey) string {
	t.Helper()
	p, err := protocol.ParsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	q := api.Query{Selectors: []api.SelectorRange{{Name: fmt.Sprint("name ", i)}}, Policy: p, Explain: true, History: true, Frames: true}
	for _, o := range oracles {
		q.Oracles = append(q.Oracles, protocol.OwnerOf(o))
	}
	res, err := client(t, n).Query(t.Context(), q)
	if err != nil || len(res.Answers) != 1 || res.Answers[0].Claims != 4 {
		t.Fatalf("not one answer out of four claims; error %v", err)
	}
	answer := &res.Answers[0]
	for i := range answer.Explanation.Claims {
		answer.Explanation.Claims[i].First, answer.Explanation.Claims[i].Seen = false, 0
	}
	answer.Index = 0
	for i := range answer.Others {
		answer.Others[i].Index = 0
	}
	text, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestOracleNode runs a node as an oracle: it objects to the claim that came second, and who elects
// it is told the first. When that one is released, the objection is withdrawn.
func TestOracleNode(t *testing.T) {
	t.Parallel()
	network := newNetwork(t, 0)
	o := start(t, config(t, network, func(c *Config) { c.Oracle = OracleConfig{Enabled: true, PerHour: 100} }))
	reader := start(t, config(t, network, seeds(o)))
	wantPeers(t, reader, 1)
	policy := protocol.Policy{protocol.CriterionOracles, protocol.CriterionNewest}
	nodetest.SetTrust(t, reader.config.Home, policy)
	first := newKey(t)
	claim(t, o, first, "x", "first")
	claim(t, o, newKey(t), "x", "second")
	wantRead(t, reader.Service(), "second", "x")
	oracle, err := protocol.ParseOwner(o.PeerID().String())
	if err != nil {
		t.Fatal(err)
	}
	nodetest.SetTrust(t, reader.config.Home, policy, oracle)
	wantRead(t, reader.Service(), "first", "x")
	s, err := client(t, o).Status(t.Context())
	if err != nil || s.Trust.Oracle == nil || s.Trust.Oracle.Commentaries != 1 || s.Trust.Oracle.Words != 1 || s.Trust.Oracle.PerHour != 100 || s.Trust.Oracle.Last == 0 {
		t.Errorf("status of the oracle: %+v, %v", s.Trust.Oracle, err)
	}
	if s, err := reader.Service().Status(t.Context()); err != nil || s.Trust.Oracle != nil {
		t.Errorf("a node that is no oracle: %+v, %v", s.Trust.Oracle, err)
	}
	say(t, o, first, protocol.Draft{Type: protocol.TypeRelease}, "x")
	claim(t, o, newKey(t), "x", "third")
	wantRead(t, reader.Service(), "second", "x")
}
