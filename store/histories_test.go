package store

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// The golden vectors of the format, which other implementations check themselves by too:
// protocol/testdata/README.md.
type historyVector struct {
	Name    string          `json:"name"`
	Network string          `json:"network"`
	Records []historyRecord `json:"records"`
}

type historyRecord struct {
	Name      string        `json:"name"`
	Frame     string        `json:"frame"`
	Attached  bool          `json:"attached"`
	Rule      protocol.Rule `json:"rule"`
	Hidden    bool          `json:"hidden"`
	Certified bool          `json:"certified"`

	record *protocol.Record
}

func (r *historyRecord) isVersion() bool {
	return r.record.Type == protocol.TypeDatum || r.record.Type == protocol.TypeRelease
}

func readVectors[V any](t *testing.T, name string) (v V) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "protocol", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func readHistories(t *testing.T) (networks map[string]*protocol.Network, list []historyVector) {
	t.Helper()
	networks = map[string]*protocol.Network{}
	for name, file := range readVectors[map[string]json.RawMessage](t, "networks.json") {
		n, _, err := protocol.ParseNetworkFile(file)
		if err != nil {
			t.Fatalf("network %s: %v", name, err)
		}
		networks[name] = n
	}
	if list = readVectors[[]historyVector](t, "histories.json"); len(list) == 0 {
		t.Fatal("no histories")
	}
	for _, v := range list {
		for i := range v.Records {
			v.Records[i].decode(t, networks[v.Network])
		}
	}
	return networks, list
}

// decode reads a frame as a node does before it puts the record into its store.
func (r *historyRecord) decode(t *testing.T, n *protocol.Network) {
	t.Helper()
	frame, err := hex.DecodeString(r.Frame)
	if err != nil {
		t.Fatal(err)
	}
	if r.record, err = protocol.DecodeFrame(frame); err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	if err := n.Check(r.record, func(challenge []byte, w protocol.Work) error {
		return pow.Verify(challenge, w.Effort, pow.Proof{Nonce: w.Nonce, Solution: w.Solution})
	}); err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
}

// arrival is a history on its way into a store.
type arrival struct {
	historyVector
	store *Store
	came  map[protocol.ID]bool // records that were put
	have  map[protocol.ID]bool // attached, as the store says
	names map[protocol.ID]string
}

func newArrival(t *testing.T, n *protocol.Network, v historyVector) *arrival {
	a := &arrival{historyVector: v, store: openTest(t, worldOf(n), Options{volatile: true}),
		came: map[protocol.ID]bool{}, have: map[protocol.ID]bool{}, names: map[protocol.ID]string{}}
	for _, g := range n.Genesis() {
		a.have[g.ID()], a.names[g.ID()] = true, "genesis"
	}
	for _, r := range v.Records {
		a.names[r.record.ID()] = r.Name
	}
	return a
}

// put puts a record: it waits for links that are not attached; with all of them here the vector
// decides. Whatever attaches by it does so at once.
func (a *arrival) put(t *testing.T, r *historyRecord) {
	t.Helper()
	id := r.record.ID()
	want := Refused
	switch {
	case a.have[id]:
		want = Known
	case a.waits(r.record):
		want = Pending
	case r.Attached:
		want = Attached
	}
	result, err := a.store.Put(t.Context(), r.record, 0)
	if err != nil {
		t.Fatal(err)
	}
	if result.Outcome != want || want == Refused && ruleOf(result.Err) != r.Rule {
		t.Errorf("%s: %v (%v), want %v %s", r.Name, result.Outcome, result.Err, want, r.Rule)
	}
	a.came[id] = true
	for _, attached := range result.Attached {
		a.have[attached] = true
	}
	a.compareAttached(t, r.Name)
}

func (a *arrival) waits(r *protocol.Record) bool {
	return slices.ContainsFunc(r.Links, func(l protocol.ID) bool { return !a.have[l] })
}

// compareAttached compares what the store attached with what it ought to have by now: a vector's
// attached records whose past came.
func (a *arrival) compareAttached(t *testing.T, after string) {
	t.Helper()
	want := map[protocol.ID]bool{}
	for _, g := range a.store.network.Genesis() {
		want[g.ID()] = true
	}
	for _, r := range a.Records {
		if r.Attached && a.came[r.record.ID()] && !slices.ContainsFunc(r.record.Links, func(l protocol.ID) bool { return !want[l] }) {
			want[r.record.ID()] = true
		}
	}
	for id, name := range a.names {
		if want[id] != a.have[id] {
			t.Fatalf("after %q: %q attached: %v, want %v", after, name, a.have[id], want[id])
		}
	}
}

func ruleOf(err error) protocol.Rule {
	var e *protocol.InvalidError
	if errors.As(err, &e) {
		return e.Rule
	}
	return ""
}

// compareHidden compares what Get says of each record.
func (a *arrival) compareHidden(t *testing.T) {
	t.Helper()
	for _, r := range a.Records {
		_, info, err := a.store.Get(t.Context(), r.record.ID())
		if !r.Attached {
			if err == nil && info.State == Attached {
				t.Errorf("%s: attached", r.Name)
			}
			continue
		}
		if err != nil || info.State != Attached || r.isVersion() && info.Hidden != r.Hidden {
			t.Errorf("%s: %v, hidden %v, %v; want hidden %v", r.Name, info.State, info.Hidden, err, r.Hidden)
		}
	}
}

// period is a query's range of time; until 0 is no end.
type period struct{ since, until uint64 }

// compareAnswers asks for each key of the history: all of it, and at, until and since every moment
// at which there is a record. It compares the versions of the claims, and whether the answering
// ones are certified.
func (a *arrival) compareAnswers(t *testing.T) {
	t.Helper()
	keys := map[protocol.CompositeID][]Range{}
	times := map[period]bool{{}: true}
	for _, r := range a.Records {
		if !r.isVersion() {
			continue
		}
		var where []Range
		for _, s := range r.record.Selectors {
			where = append(where, Range{s.Key, s.Ordinal, s.Ordinal})
		}
		keys[r.record.CompositeID()] = where
		at := r.record.Timestamp
		times[period{at, at}], times[period{0, at}], times[period{at, 0}] = true, true, true
	}
	for composite, where := range keys {
		for _, p := range slices.SortedFunc(maps.Keys(times), func(a, b period) int {
			return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.until, b.until))
		}) {
			a.compareAnswer(t, composite, where, p)
		}
	}
}

func (a *arrival) compareAnswer(t *testing.T, composite protocol.CompositeID, where []Range, p period) {
	t.Helper()
	answers, err := a.store.Query(t.Context(), Query{Where: where, Since: p.since, Until: p.until, History: true, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	want := a.claims(composite, p)
	got := map[protocol.Owner][]*historyRecord{}
	for _, k := range answers.Keys {
		for i := range k.Claims {
			c := &k.Claims[i]
			for _, v := range append([]Version{c.Version}, c.Older...) {
				got[c.Owner] = append(got[c.Owner], a.byID(v.Record.ID()))
			}
			if newest := got[c.Owner][0]; c.Standing.Certified != newest.Certified {
				t.Errorf("%v: %q is certified: %v, want %v", p, newest.Name, c.Standing.Certified, newest.Certified)
			}
		}
	}
	if !maps.EqualFunc(got, want, slices.Equal[[]*historyRecord]) {
		t.Errorf("%v: claims %q, want %q", p, namesOf(got), namesOf(want))
	}
}

// claims are the versions that count, of each owner, newest first: those that are not hidden and
// that no release withdraws which is not hidden.
func (a *arrival) claims(composite protocol.CompositeID, p period) map[protocol.Owner][]*historyRecord {
	claims := map[protocol.Owner][]*historyRecord{}
	released := map[protocol.Owner]uint64{}
	for i := range a.Records {
		r := &a.Records[i]
		h := &r.record.Header
		if !r.Attached || r.Hidden || !r.isVersion() || h.CompositeID() != composite || h.Timestamp < p.since || p.until > 0 && h.Timestamp > p.until {
			continue
		}
		if h.Type == protocol.TypeRelease {
			released[h.Owner] = max(released[h.Owner], h.Timestamp)
		} else {
			claims[h.Owner] = append(claims[h.Owner], r)
		}
	}
	for owner, list := range claims {
		list = slices.DeleteFunc(list, func(r *historyRecord) bool { return r.record.Timestamp <= released[owner] })
		slices.SortFunc(list, func(a, b *historyRecord) int {
			x, y := a.record.SignedHash(), b.record.SignedHash()
			return -cmp.Or(cmp.Compare(a.record.Timestamp, b.record.Timestamp), bytes.Compare(x[:], y[:]))
		})
		if claims[owner] = list; len(list) == 0 {
			delete(claims, owner)
		}
	}
	return claims
}

func (a *arrival) byID(id protocol.ID) *historyRecord {
	for i := range a.Records {
		if a.Records[i].record.ID() == id {
			return &a.Records[i]
		}
	}
	return nil
}

func namesOf(claims map[protocol.Owner][]*historyRecord) (names []string) {
	for _, list := range claims {
		for _, r := range list {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// What the vectors say holds in whatever order the records come, one at a time, and when those that
// were not kept come again.
func TestVectorsHistories(t *testing.T) {
	t.Parallel()
	networks, list := readHistories(t)
	for _, v := range list {
		t.Run(v.Name, func(t *testing.T) {
			for seed := range uint64(8) {
				a := newArrival(t, networks[v.Network], v)
				order := rand.New(rand.NewPCG(seed, 2)).Perm(len(v.Records))
				if seed == 0 {
					slices.Sort(order) // as the vector has it
				}
				for _, i := range order {
					a.put(t, &a.Records[i])
				}
				// an invalid one that waited for its links was dropped without a word
				for i := range a.Records {
					a.put(t, &a.Records[i])
				}
				a.compareHidden(t)
				a.compareAnswers(t)
				if t.Failed() {
					t.Fatalf("the order is number %d", seed)
				}
			}
		})
	}
}
