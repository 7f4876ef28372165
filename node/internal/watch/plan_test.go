package watch

import (
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// planTest is a plan with one key that somebody watches.
type planTest struct {
	*testing.T
	*Plan
	stream *Stream
	entry  *entry
	key    Key
	record *protocol.Record // a version of the key
}

func newPlanTest(t *testing.T, ranged bool) *planTest {
	t.Helper()
	w := newWorld(t, func(p *protocol.Params) { p.Authorities, p.WorkPerKiB = nil, 0 })
	d := protocol.Draft{
		Type: protocol.TypeDatum, Owner: w.owner(0), Timestamp: start, Value: []byte("v"),
		Names: []protocol.NamePoint{{Name: w.name("a"), Ordinal: 5}}, Links: []protocol.ID{w.Genesis()[0].ID(), w.Genesis()[1].ID()},
	}
	p := &planTest{T: t, Plan: NewPlan(), record: w.make(t, d, 0, paid), stream: newStream(nil, nil), key: Key{Where: []store.Range{w.where("a", 5, 5)}}}
	if ranged {
		p.key.Where[0].To = 9
	}
	p.Changed(&store.Changes{Index: 1, Work: 100})
	p.subscribe(p.stream, Options{}, []Key{p.key}, &api.WatchRequest{})
	if ranged {
		p.found(p.stream.group.ranges[p.key.id()], p.record.CompositeID(), pointsOf(p.record))
	}
	p.entry = p.keys[p.record.CompositeID()]
	return p
}

// commit has a version of the key come.
func (p *planTest) commit(work uint64) {
	p.Changed(&store.Changes{Versions: []*protocol.Record{p.record}, Indexes: []uint64{7}, Index: 7, Work: work})
}

// wantAsked wants the key to be asked about next, or nothing.
func (p *planTest) wantAsked(want bool) *Ask {
	p.Helper()
	a := p.Next(true)
	if (a != nil) != want {
		p.Fatalf("the key is asked about: %v, want %v", a != nil, want)
	}
	return a
}

// contested is an answer whose first claim leads by some weight.
func contested(lead uint64) *Answers {
	claim := func(owner byte, weight uint64) store.Claim {
		return store.Claim{
			Owner: protocol.Owner{owner}, Version: store.Version{Record: &protocol.Record{}},
			Standing: protocol.Standing{Weight: weight}, LostBy: protocol.CriterionWeight,
		}
	}
	return &Answers{
		ByKey:  map[int]*store.Answer{0: {Total: 2, Claims: []store.Claim{claim(1, 50+lead), claim(2, 50)}}},
		Policy: protocol.Policy{protocol.CriterionWeight, protocol.CriterionNewest},
	}
}

// TestCommitWhileAsked: a commit comes while the store is asked. The answer may be from before it,
// so the key is asked about again, with the version that came.
func TestCommitWhileAsked(t *testing.T) {
	t.Parallel()
	p := newPlanTest(t, false)
	p.commit(101)
	a := p.wantAsked(true)
	if a.Slow || a.Known[7] != p.record {
		t.Errorf("slow: %v; of what came it knows %v", a.Slow, a.Known)
	}
	p.commit(102)
	p.wantAsked(false) // the answer comes first
	p.Answered(a, &Answers{})
	if again := p.wantAsked(true); again.Slow || again.Known[7] != p.record {
		t.Errorf("slow: %v; of what came it knows %v", again.Slow, again.Known)
	}
}

// TestCommitWhileRead: a commit comes while a stream reads an answer itself. It may not have seen
// the commit, whatever that was of.
func TestCommitWhileRead(t *testing.T) {
	t.Parallel()
	for _, during := range []bool{false, true} {
		p := newPlanTest(t, false)
		seq, work := p.seq, p.work
		if during {
			p.Changed(&store.Changes{Index: 2, Work: 101})
		}
		p.Read(p.entry, nil, nil, seq, work)
		p.wantAsked(during)
	}
}

// TestWorkWhileRanked: enough work is added while the claims are ranked that the second may have
// overtaken the first. They are ranked again without another commit.
func TestWorkWhileRanked(t *testing.T) {
	t.Parallel()
	for work, want := range map[uint64]bool{109: false, 110: true} { // it is 100, and the lead 10
		p := newPlanTest(t, false)
		p.mark(p.entry, urgent)
		a := p.wantAsked(true)
		p.Changed(&store.Changes{Index: 2, Work: work})
		p.Answered(a, contested(10))
		p.wantAsked(want)
		if !want {
			p.Changed(&store.Changes{Index: 3, Work: 110})
			p.wantAsked(true)
		}
	}
	// the same where a stream reads
	p := newPlanTest(t, false)
	seq, began := p.seq, p.work
	p.Changed(&store.Changes{Index: 2, Work: 110})
	answers := contested(10)
	p.seq = seq // as if the change had not been noticed
	p.Read(p.entry, answers.ByKey[0], answers.Policy, seq, began)
	p.wantAsked(true)
}

// TestCommitWhileListed: a key of a range is not in a list that was read while a commit came. It
// may have been away for a moment, so it is asked about.
func TestCommitWhileListed(t *testing.T) {
	t.Parallel()
	for _, during := range []bool{false, true} {
		p := newPlanTest(t, true)
		seq := p.seq
		if during {
			p.Changed(&store.Changes{Index: 2, Work: 101})
		}
		p.Missed(p.stream.group.ranges[p.key.id()], map[protocol.CompositeID]bool{}, seq)
		p.wantAsked(during)
	}
}

// TestVersionsKept: versions wait for their keys to be asked about only where there is room, and go
// with the key.
func TestVersionsKept(t *testing.T) {
	t.Parallel()
	p := newPlanTest(t, false)
	for i := range uint64(2 * maxCameEach) {
		p.Changed(&store.Changes{Versions: []*protocol.Record{p.record}, Indexes: []uint64{10 + i}, Index: 10 + i, Work: 100})
	}
	if p.came != maxCameEach || len(p.entry.came) != maxCameEach {
		t.Errorf("%d of a key are kept, %d in all", len(p.entry.came), p.came)
	}
	p.unsubscribe(p.stream)
	if p.came != 0 {
		t.Errorf("%d are kept of no key", p.came)
	}
	p.came = maxCame
	p.subscribe(p.stream, Options{}, []Key{p.key}, &api.WatchRequest{})
	p.commit(101)
	if a := p.wantAsked(true); len(a.Known) > 0 {
		t.Error("one is kept beyond the bound")
	}
}

// TestCertificateWhileAsked: an owner gets a certificate while the store is asked. Only the answer
// tells that the owner claims the key, and it may be from before: the key is asked about again.
func TestCertificateWhileAsked(t *testing.T) {
	t.Parallel()
	for _, during := range []bool{false, true} {
		p := newPlanTest(t, false)
		certified := func() {
			p.Changed(&store.Changes{Certified: []protocol.Owner{{2}}, Index: 2, Work: 100})
		}
		if !during {
			certified()
		}
		p.mark(p.entry, urgent)
		a := p.wantAsked(true)
		if during {
			certified()
		}
		p.Answered(a, contested(10))
		p.wantAsked(during)
	}
}
