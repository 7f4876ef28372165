package store

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// crowdRun is a store in which many owners claim two keys, and whatever changes how claims rank
// happens.
type crowdRun struct {
	*fate
	s        *restarted
	known    []*protocol.Record
	withheld []*protocol.Record
	carried  map[protocol.Owner][]*protocol.Record
	elected  []protocol.Owner
	few      []*fateChain // those that certificates of this run carry
	byRows   int
	answers  int
	leads    int // how often leads told the weight of a claim
}

const crowdOwners = 9

// TestRanksAreExact: an answer from the rows of a crowded key is what ranking all claims gives,
// under every policy and at any moment. Versions and releases come late and out of order, and
// branches heal. Certificates, revocations and commentary come, other oracles are elected, and the
// store restarts.
func TestRanksAreExact(t *testing.T) {
	t.Parallel()
	fates := networks(t)
	byRows, answers, leads := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "lf-store") //nolint:usetesting // it goes with the rapid case
		if err != nil {
			t.Fatal(err)
		}
		r := &crowdRun{fate: rapid.SampledFrom(fates).Draw(t, "network"), carried: map[protocol.Owner][]*protocol.Record{}}
		r.known = slices.Clone(r.Genesis())
		r.s = &restarted{path: filepath.Join(dir, "lf.db"), o: Options{volatile: true, Clock: driftingClock(rapid.Uint64().Draw(t, "clock")), tuning: hasty}}
		r.s.o.tuning.crowded = rapid.IntRange(1, 4).Draw(t, "crowded")
		r.s.o.tuning.rootsRead = rapid.IntRange(0, 1).Draw(t, "roots")
		r.s.o.tuning.rankPortion = rapid.IntRange(1, 5).Draw(t, "portion")
		if r.s.Store, err = Open(r.s.path, r.Network, r.s.o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			r.s.Close()
			os.RemoveAll(dir)
		})
		for range rapid.IntRange(1, 3).Draw(t, "chains") {
			r.few = append(r.few, rapid.SampledFrom(r.chains).Draw(t, "chain"))
		}
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			r.step(t)
		}
		for _, w := range r.withheld {
			r.put(t, w)
		}
		r.finish(t)
		byRows, answers, leads = byRows+r.byRows, answers+r.answers, leads+r.leads
	})
	if !t.Failed() && byRows*4 < answers {
		t.Errorf("of %d answers %d came from rows", answers, byRows)
	}
	if t.Logf("of %d answers %d came from rows, and leads of roots were used %d times", answers, byRows, leads); !t.Failed() && leads*20 < answers {
		t.Errorf("of %d answers leads of roots were used for %d", answers, leads)
	}
}

func (r *crowdRun) step(t *rapid.T) {
	switch rapid.SampledFrom([]string{"record", "record", "record", "record", "record", "dead ends", "deliver", "elect", "restart", "settle", "ask", "ask"}).Draw(t, "step") {
	case "record":
		record := r.draw(t)
		if rapid.IntRange(0, 5).Draw(t, "withheld") == 0 {
			r.withheld = append(r.withheld, record)
		} else {
			r.put(t, record)
		}
	case "dead ends":
		r.deadEnds(t)
	case "deliver":
		if len(r.withheld) > 0 {
			r.put(t, r.withheld[0])
			r.withheld = r.withheld[1:]
		}
	case "elect":
		r.elected = nil
		for range rapid.IntRange(0, 2).Draw(t, "oracles") {
			r.elected = append(r.elected, r.ownerID(rapid.IntRange(0, 2).Draw(t, "oracle")))
		}
		r.s.Elect(r.elected)
	case "restart":
		r.s.restart(t, r.Network)
	case "settle":
		settleRanks(t, r.s.Store, r.elected)
	case "ask":
		r.ask(t)
	}
}

// settleRanks does what is left to do in the table claims.
func settleRanks(t fataler, s *Store, elected []protocol.Owner) {
	if err := s.change(context.Background(), func(t *tx) error {
		if err := t.elect(sortedOwners(elected)); err != nil {
			return err
		}
		for more := true; more; {
			var err error
			if more, err = t.rankStep(); err != nil {
				return err
			}
		}
		return lowerAll(t)
	}); err != nil {
		t.Fatal(err)
	}
}

// lowerAll lowers the leads of all roots.
func lowerAll(t *tx) error {
	var epochs []rootsEpoch
	if err := t.each(func(r *rows) error {
		epochs = append(epochs, rootsEpoch{r.int(0), r.int(1), r.int(2)})
		return nil
	}, "SELECT DISTINCT composite, owner, epoch FROM roots"); err != nil {
		return err
	}
	for _, of := range epochs {
		for done := false; !done; {
			var err error
			if done, err = t.lowerRoots(of); err != nil {
				return err
			}
		}
	}
	return nil
}

// deadEnds makes unrelated versions of one owner, and records that link them. Nobody builds on
// these, but for a branch that some later records are drawn onto.
func (r *crowdRun) deadEnds(t *rapid.T) {
	owner := rapid.IntRange(0, crowdOwners-1).Draw(t, "owner")
	var versions []*protocol.Record
	for i := range rapid.IntRange(2, 6).Draw(t, "versions") {
		at := r.known[0].Timestamp - testTime + uint64(i)*rapid.SampledFrom([]uint64{0, 1, second}).Draw(t, "apart")
		versions = append(versions, worked(r.make(spec{at: at, owner: owner, links: r.known[:1], sels: keyA, value: fmt.Sprint(len(r.known), i)}), paid+uint32(i)))
		r.put(t, versions[i])
	}
	r.known = append(r.known, versions[0])
	for i, height := range rapid.SliceOfN(rapid.IntRange(0, 3), len(versions), len(versions)).Draw(t, "heights") {
		top := versions[i]
		for range height {
			top = worked(r.make(spec{at: top.Timestamp - testTime + 1, owner: owner, links: []*protocol.Record{top}, sels: []sel{{"end", uint64(i)}}, value: "v"}), paid)
			r.put(t, top)
		}
	}
}

func (r *crowdRun) put(t *rapid.T, record *protocol.Record) {
	if _, err := r.s.Put(t.Context(), record, 0); err != nil {
		t.Fatal(err)
	}
}

// draw makes a record that links recent ones, or old ones so that a branch comes of it.
func (r *crowdRun) draw(t *rapid.T) *protocol.Record {
	s := spec{owner: rapid.IntRange(0, crowdOwners-1).Draw(t, "owner")}
	if rapid.IntRange(0, 2).Draw(t, "certified") == 0 {
		s.owner = rapid.SampledFrom(r.few).Draw(t, "chain").owner
	}
	from := rapid.SampledFrom([]int{0, max(0, len(r.known)-3), max(0, len(r.known)-12)}).Draw(t, "from")
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(from, len(r.known)-1), 1, 3, rapid.ID[int]).Draw(t, "links") {
		s.links = append(s.links, r.known[i])
	}
	s.kind = rapid.SampledFrom([]protocol.Type{
		protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeRelease,
		protocol.TypeCommentary, protocol.TypeCertificate, protocol.TypeRevocation,
	}).Draw(t, "type")
	effort := rapid.SampledFrom([]uint32{0, paid, paid, paid + 3, 3 * paid}).Draw(t, "effort")
	r.fill(t, &s, &effort)
	if mine := r.carried[r.ownerID(s.owner)]; len(mine) > 0 && rapid.IntRange(0, 2).Draw(t, "rests") > 0 {
		s.links = append(s.links, rapid.SampledFrom(mine).Draw(t, "certificate"))
		if answered(s.kind) && rapid.Bool().Draw(t, "reduced") {
			effort = 0
		}
	}
	s.links = distinct(s.links)
	for _, l := range s.links {
		s.at = max(s.at, l.Timestamp-testTime)
	}
	s.at += rapid.SampledFrom([]uint64{0, 1, second, 2 * second}).Draw(t, "later")
	record := worked(r.make(s), effort)
	r.known = append(r.known, record)
	if c, err := protocol.ParseChain(record.ValueBytes()); s.kind == protocol.TypeCertificate && err == nil {
		r.carried[c.Owner()] = append(r.carried[c.Owner()], record)
	}
	return record
}

func (r *crowdRun) fill(t *rapid.T, s *spec, effort *uint32) {
	switch s.kind {
	case protocol.TypeCertificate:
		chain := rapid.SampledFrom(r.few).Draw(t, "chain")
		s.value, *effort = string(chain.value), paid
	case protocol.TypeRevocation:
		list := rapid.SampledFrom(rapid.SampledFrom(r.few).Draw(t, "of").lists).Draw(t, "list")
		s.value, *effort = string(list.value), paid
		if rapid.IntRange(0, 2).Draw(t, "own") > 0 {
			s.owner = list.by
		}
	case protocol.TypeCommentary:
		s.owner = rapid.IntRange(0, 2).Draw(t, "oracle")
		s.value = r.drawObjections(t)
	default:
		s.sels = []sel{{"a", rapid.SampledFrom([]uint64{0, 0, 0, 1}).Draw(t, "ordinal")}}
		if s.kind == protocol.TypeDatum && rapid.IntRange(0, 6).Draw(t, "tombstone") > 0 {
			s.value = "v"
		}
	}
}

func (r *crowdRun) drawObjections(t *rapid.T) string {
	var words []protocol.Word
	for _, owner := range rapid.SliceOfNDistinct(rapid.IntRange(0, crowdOwners-1), 1, 6, rapid.ID[int]).Draw(t, "on") {
		words = append(words, protocol.Word{Composite: r.compositeOf(sel{"a", rapid.Uint64Range(0, 1).Draw(t, "key")}), Owner: r.ownerID(owner),
			Objects: rapid.IntRange(0, 3).Draw(t, "objects") > 0})
	}
	value, err := protocol.EncodeCommentary(words)
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

var everyPolicy = rapid.Custom(func(t *rapid.T) protocol.Policy {
	all := rapid.Permutation([]protocol.Criterion(everyCriterion)).Draw(t, "criteria")
	return protocol.Policy(all[:rapid.IntRange(1, len(all)).Draw(t, "length")])
})

// ask compares an answer with that of ranking all claims.
func (r *crowdRun) ask(t *rapid.T) {
	q := Query{Where: []Range{r.where("a", 0, rapid.Uint64Range(0, 1).Draw(t, "to"))}}
	if rapid.IntRange(0, 3).Draw(t, "policy?") > 0 {
		q.Policy = everyPolicy.Draw(t, "policy")
	}
	switch rapid.IntRange(0, 9).Draw(t, "oracles") {
	case 0:
		q.Oracles = []protocol.Owner{r.ownerID(1), r.ownerID(2)}
	default:
		q.Oracles = r.elected
	}
	q.History, q.Explain = rapid.IntRange(0, 3).Draw(t, "history") == 0, rapid.IntRange(0, 3).Draw(t, "explain") == 0
	if rapid.IntRange(0, 9).Draw(t, "elective") == 0 {
		q.Authorities = []*protocol.Authority{r.foreign.parsed()}
	}
	if rapid.IntRange(0, 9).Draw(t, "timed") == 0 {
		q.Since, q.Until = testTime+rapid.Uint64Range(0, 4*second).Draw(t, "since"), testTime+rapid.Uint64Range(0, 20*second).Draw(t, "until")
	}
	r.compare(t, q)
}

func (r *crowdRun) compare(t fataler, q Query) {
	fast, fully := r.s.newSearch(context.Background(), q), r.s.newSearch(context.Background(), q)
	fully.byRows, fully.rootsRead = false, math.MaxInt
	if err := r.s.read(context.Background(), func(c *conn) error {
		if err := fast.run(c); err != nil {
			return fmt.Errorf("by rows: %w", err)
		}
		return fully.run(c)
	}); err != nil {
		t.Fatal(err)
	}
	have, want := idsOfAnswers(q, fast.answers), idsOfAnswers(q, fully.answers)
	if !reflect.DeepEqual(have, want) || fast.answers.More != fully.answers.More {
		t.Fatal(fmt.Sprintf("query %+v\n have %+v\n want %+v", q, have, want))
	}
	r.byRows, r.answers, r.leads = r.byRows+fast.rowsUsed, r.answers+len(have), r.leads+fast.leadsUsed
}

// finish asks when all work is done, and checks every row.
func (r *crowdRun) finish(t *rapid.T) {
	settleRanks(t, r.s.Store, r.elected)
	for range 4 {
		r.ask(t)
	}
	for _, by := range everyCriterion {
		r.compare(t, Query{Where: []Range{r.where("a", 0, 1)}, Policy: protocol.Policy{by}, Oracles: r.elected})
	}
	r.compare(t, Query{Where: []Range{r.where("a", 0, 1)}, Oracles: r.elected, Explain: true, History: true})
	if _, err := r.s.Check(t.Context(), func(p string) { t.Error("check:", p) }); err != nil {
		t.Fatal(err)
	}
}
