package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// stage is a world in which "horse#1" has an old and a new version, another owner's claim, and a
// claim that was withdrawn. The lies of the table are about it.
type stage struct {
	*world
	best, second                     owner
	old, answer, rival               *protocol.Record
	withdrawn, invalid, alien, twice *protocol.Record
}

func newStage(t *testing.T, nodes int) *stage {
	w := newWorld(t, nodes)
	s := &stage{world: w, best: newOwner(t), second: newOwner(t)}
	third := newOwner(t)
	genesis := w.network.Genesis()
	s.old = w.record(s.best, 1000, protocol.Draft{Value: []byte("old")}, "horse#1")
	s.answer = w.record(s.best, 2000, protocol.Draft{Value: []byte("answer")}, "horse#1")
	s.rival = w.record(s.second, 3000, protocol.Draft{Value: []byte("rival")}, "horse#1")
	s.withdrawn = w.record(third, 4000, protocol.Draft{Value: []byte("withdrawn")}, "horse#1")
	release := w.record(third, 5000, protocol.Draft{Type: protocol.TypeRelease}, "horse#1")
	// others build on the answer: it is the heaviest
	build := w.record(third, 6000, protocol.Draft{Value: []byte("x"), Links: []protocol.ID{s.answer.ID(), genesis[1].ID()}}, "elsewhere")
	w.spread([]*protocol.Record{s.old, s.answer, s.rival, s.withdrawn, release, build})
	s.alien = w.record(newOwner(t), 7000, protocol.Draft{Value: []byte("alien")}, "horse#1")
	// it is older than a record that it links, which only a node that has that one can tell
	s.invalid = w.record(newOwner(t), 2500, protocol.Draft{Value: []byte("invalid"), Links: []protocol.ID{build.ID(), genesis[1].ID()}}, "horse#1")
	s.twice = w.record(s.best, 9000, protocol.Draft{Value: []byte("newest, of nobody but the liar")}, "horse#1")
	return s
}

// shown is a record in an answer as a node shows it that was asked for frames.
func shown(r *protocol.Record) api.Version {
	return api.Version{Record: r.ID(), Owner: r.Owner, Time: r.Timestamp, Deleted: r.Tombstone(), Index: 1, Weight: 99, Frame: r.EncodeFrame()}
}

// claimOf is what a liar says of how a claim stands.
func claimOf(r *protocol.Record, weight uint64) api.ClaimInfo {
	return api.ClaimInfo{Owner: r.Owner, Record: r.ID(), Deleted: r.Tombstone(), Seen: 1, Standing: protocol.Standing{
		Timestamp: r.Timestamp, Weight: weight,
	}}
}

// claims is an answer in which these records claim the key, the best one first, as consistent as a
// liar can make it.
func (s *stage) claims(q api.Query, records ...*protocol.Record) *api.QueryResult {
	a := api.Answer{Ordinals: api.Uint64s{1}, Version: shown(records[0]), Claims: len(records)}
	composite := records[0].CompositeID()
	a.Composite = &composite
	if q.Keys != nil {
		a.Asked = new(int)
	}
	if q.History && records[0] == s.answer {
		a.History = []api.Version{shown(s.old)}
	}
	if q.History {
		for _, r := range records[1:] {
			a.Others = append(a.Others, shown(r))
		}
	}
	if q.Explain {
		a.Explanation = &api.Explanation{Policy: q.Policy}
		for i, r := range records {
			a.Explanation.Claims = append(a.Explanation.Claims, claimOf(r, uint64(1000-i)))
		}
	}
	return &api.QueryResult{Answers: []api.Answer{a}, Policy: q.Policy, Oracles: q.Oracles}
}

type lie struct {
	name   string
	proved bool   // by a signature or a hash
	says   string // in what the answer says of the liar
	tell   func(s *stage, q api.Query, honest *api.QueryResult) *api.QueryResult
}

var lies = []lie{
	{name: "hides the key", says: "does not answer", tell: func(_ *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return &api.QueryResult{Answers: []api.Answer{}, Policy: q.Policy}
	}},
	{name: "hides the best claim", says: "in place of", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.rival)
	}},
	{name: "hides the other claim", says: "1 claims in place of 2", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.answer)
	}},
	{name: "answers with the old version", says: "in place of", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.old, s.rival)
	}},
	{name: "inflates a weight", says: "in place of", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.rival, s.answer)
	}},
	{name: "inflates the winner's weight", says: "a weight of 99", tell: func(_ *stage, _ api.Query, honest *api.QueryResult) *api.QueryResult {
		honest.Answers[0].Weight = 99
		return honest
	}},
	{name: "adds a version that is signed but invalid", says: "in place of", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.invalid, s.answer, s.rival)
	}},
	{name: "adds a claim that was never attached", says: "in place of", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.alien, s.answer, s.rival)
	}},
	{name: "adds a newer version that was never attached", says: "in place of", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.twice, s.rival)
	}},
	{name: "answers with what was withdrawn", says: "in place of", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.withdrawn, s.answer, s.rival)
	}},
	{name: "adds a claim below", says: "3 claims in place of 2", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.answer, s.rival, s.alien)
	}},
	{name: "says that there is more", says: "ends elsewhere", tell: func(s *stage, _ api.Query, honest *api.QueryResult) *api.QueryResult {
		honest.Next = "AAAA"
		return honest
	}},
	{name: "answers nothing and says that there is more", says: "makes no sense", tell: func(_ *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return &api.QueryResult{Answers: []api.Answer{}, Policy: q.Policy, Next: "AAAA"}
	}},
	{name: "ranks by another policy", says: "ranked by", tell: func(_ *stage, _ api.Query, honest *api.QueryResult) *api.QueryResult {
		honest.Policy = protocol.Policy{protocol.CriterionLocal, protocol.CriterionNewest}
		return honest
	}},
	{name: "forges the value", proved: true, says: "value", tell: func(s *stage, _ api.Query, honest *api.QueryResult) *api.QueryResult {
		frame := slices.Clone(honest.Answers[0].Frame)
		frame[len(frame)-1] ^= 1
		honest.Answers[0].Frame = frame
		return honest
	}},
	{name: "calls one record another", proved: true, says: "what came is", tell: func(s *stage, _ api.Query, honest *api.QueryResult) *api.QueryResult {
		honest.Answers[0].Record = s.rival.ID()
		return honest
	}},
	{name: "answers with a record of another key", proved: true, says: "not filed under", tell: func(s *stage, q api.Query, _ *api.QueryResult) *api.QueryResult {
		return s.claims(q, s.record(s.best, 8000, protocol.Draft{Value: []byte("x")}, "cow#1"))
	}},
	{name: "answers twice", says: "order", tell: func(_ *stage, _ api.Query, honest *api.QueryResult) *api.QueryResult {
		honest.Answers = append(honest.Answers, honest.Answers...)
		return honest
	}},
	{name: "refuses", says: "no", tell: nil},
}

// TestLies asks networks in which one node of three lies, in each way and at each place. The answer
// is the honest one, and names the liar.
func TestLies(t *testing.T) {
	t.Parallel()
	for _, l := range lies {
		for _, liar := range []int{0, 1, 2} {
			t.Run(fmt.Sprint(l.name, "/", liar), func(t *testing.T) {
				t.Parallel()
				s := newStage(t, 3)
				s.nodes[liar].lie = func(q api.Query, honest *api.QueryResult) *api.QueryResult {
					if l.tell == nil {
						return honest
					}
					return l.tell(s, q, honest)
				}
				if l.tell == nil {
					s.nodes[liar].gate = refuses
				}
				honest := s.nodes[(liar+1)%3]
				for _, q := range questions() {
					q.Frames = q.Frames || l.proved // what is proved false is in a frame
					want, err := honest.Fake.Query(t.Context(), s.asHonest(q))
					if err != nil {
						t.Fatal(err)
					}
					got, err := s.proxy.Query(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					sameAnswers(t, got, want)
					s.names(got.Comparison, liar, l)
				}
			})
		}
	}
}

// asHonest is a question as an honest node is asked it, to compare.
func (w *world) asHonest(q api.Query) api.Query {
	if q.Policy == nil {
		q.Policy = protocol.DefaultPolicy()
	}
	return q
}

// names wants the liar named, and no other node.
func (s *stage) names(c *api.Comparison, liar int, l lie) {
	s.Helper()
	if c == nil || c.Asked != 3 || len(c.Agreed) != 2 || len(c.Differs) != 1 || c.Note != "" {
		s.Fatalf("%+v", c)
	}
	d := c.Differs[0]
	if d.Node != s.proxy.nodes.list[liar].address || d.Lies != l.proved || !strings.Contains(d.What, l.says) {
		s.Errorf("%+v", d)
	}
}
