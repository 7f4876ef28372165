package proxy

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// TestTwoNodes asks two nodes that differ: what both call attached is answered, and what one alone
// says comes with its name.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	newest := s.twice
	s.spread([]*protocol.Record{newest}, s.nodes[1])
	for _, q := range questions() {
		got, err := s.proxy.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		a, c := got.Answers[0], got.Comparison
		if a.Record != s.answer.ID() || c.Note != api.NoMajority || c.Asked != 2 || len(c.Alone) != 1 {
			t.Fatalf("%+v, %+v", a, c)
		}
		alone := c.Alone[0]
		if alone.Record != newest.ID() || !slices.Equal(alone.Nodes, []string{s.address(1)}) || !slices.Equal(alone.Ordinals, []uint64{1}) || alone.Text == nil {
			t.Errorf("%+v", alone)
		}
	}
}

func (w *world) address(i int) string { return w.proxy.nodes.list[i].address }

// TestNothingInCommon asks two nodes that have nothing in common about a key. That is not the same
// as that there is nothing.
func TestNothingInCommon(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	lonely := s.record(s.best, 10_000, protocol.Draft{Value: []byte("x")}, "lonely")
	s.spread([]*protocol.Record{lonely}, s.nodes[0])
	var e *api.Error
	_, err := s.proxy.Query(t.Context(), about("lonely"))
	if !errors.As(err, &e) || e.Status != http.StatusConflict || e.Comparison == nil || len(e.Comparison.Alone) != 1 || !strings.Contains(e.Detail, s.address(0)) {
		t.Fatalf("%+v", err)
	}
	q := about("lonely#")
	got, err := s.proxy.Query(t.Context(), q)
	if err != nil || len(got.Answers) != 0 || len(got.Comparison.Alone) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	got, err = s.proxy.Query(t.Context(), about("nothing"))
	if err != nil || len(got.Answers) != 0 || len(got.Comparison.Agreed) != 2 || got.Comparison.Note != "" {
		t.Fatalf("%+v, %v", got, err)
	}
}

// TestOneNode says that nothing was compared. What a signature proves false is never answered.
func TestOneNode(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	for _, q := range questions() {
		got, err := s.proxy.Query(t.Context(), q)
		if err != nil || got.Comparison.Note != api.NotCompared || len(got.Comparison.Agreed) != 1 || got.Answers[0].Record != s.answer.ID() {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	for _, l := range lies {
		if !l.proved {
			continue
		}
		s.nodes[0].lie = func(q api.Query, honest *api.QueryResult) *api.QueryResult { return l.tell(s, q, honest) }
		var e *api.Error
		q := about("horse#1")
		q.Frames = true
		if got, err := s.proxy.Query(t.Context(), q); !errors.As(err, &e) || e.Status != http.StatusBadGateway {
			t.Errorf("%s: %+v, %v", l.name, got, err)
		}
	}
}

// TestJustWritten has a record reach the nodes one after the other. The second look finds it at
// all, and no node is accused.
func TestJustWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 3)
		s.proxy.secondLook = secondLook
		s.spread([]*protocol.Record{s.twice}, s.nodes[0])
		time.AfterFunc(secondLook/2, func() { s.spread([]*protocol.Record{s.twice}, s.nodes[1:]...) })
		got, err := s.proxy.Query(t.Context(), about("horse#1"))
		if err != nil || got.Answers[0].Record != s.twice.ID() || len(got.Comparison.Agreed) != 3 || len(got.Comparison.Differs) != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

// TestRecords asks for single records and for an owner's, where one node of three lies.
func TestRecords(t *testing.T) {
	t.Parallel()
	for liar := range 3 {
		s := newStage(t, 3)
		s.spread([]*protocol.Record{s.alien}, s.nodes[liar])
		s.nodes[liar].lieOf = func(info *api.RecordInfo) *api.RecordInfo {
			if info.ID == s.answer.ID() {
				return nil
			}
			info.Hidden, info.Weight = true, 1000
			return info
		}
		for _, r := range []*protocol.Record{s.answer, s.rival} {
			info, err := s.proxy.Record(t.Context(), r.ID())
			if err != nil || info.ID != r.ID() || info.State != api.StateAttached || info.Hidden || info.Weight > 10 {
				t.Fatalf("%+v, %v", info, err)
			}
			if c := info.Comparison; len(c.Agreed) != 2 || len(c.Differs) != 1 || c.Differs[0].Node != s.address(liar) {
				t.Errorf("%+v", c)
			}
		}
		var e *api.Error
		if _, err := s.proxy.Record(t.Context(), s.alien.ID()); !errors.As(err, &e) || e.Status != http.StatusNotFound || len(e.Comparison.Differs) != 1 {
			t.Errorf("%+v", err)
		}
		s.nodes[liar].lieOf = func(info *api.RecordInfo) *api.RecordInfo {
			info.Frame = s.rival.EncodeFrame()
			return info
		}
		info, err := s.proxy.Record(t.Context(), s.answer.ID())
		if err != nil || !info.Comparison.Differs[0].Lies {
			t.Errorf("%+v, %v", info, err)
		}
	}
}

// TestRecordList lists an owner's records page by page, where one node lacks some of them.
func TestRecordList(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2, 3} {
		s := newStage(t, nodes)
		var all []*protocol.Record
		for i := range 7 {
			all = append(all, s.record(s.second, 20_000+uint64(i), protocol.Draft{Value: []byte("x")}, "list"))
		}
		s.spread(all)
		if nodes > 1 {
			s.spread([]*protocol.Record{s.record(s.second, 30_000, protocol.Draft{Value: []byte("x")}, "list")}, s.nodes[0])
		}
		want := append([]*protocol.Record{s.rival}, all...)
		slices.Reverse(want)
		q := api.RecordsQuery{Owner: s.second.id(), Page: api.Page{Limit: 3}}
		var got []protocol.ID
		for range 10 {
			list, err := s.proxy.Records(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list.Records {
				if got = append(got, r.ID); r.Frame != nil {
					t.Error("a frame that nobody asked for")
				}
			}
			if q.After = list.Next; q.After == "" {
				break
			}
		}
		if !slices.EqualFunc(got, want, func(id protocol.ID, r *protocol.Record) bool { return id == r.ID() }) {
			t.Errorf("%d nodes: %d records, want %d", nodes, len(got), len(want))
		}
	}
}

// TestNoneInSync asks nodes of which none is in sync. They are better than none, and the answer
// says so.
func TestNoneInSync(t *testing.T) {
	t.Parallel()
	s := newStage(t, 3)
	for _, n := range s.nodes {
		n.state = api.SyncAlone
	}
	got, err := s.proxy.Query(t.Context(), about("horse#1"))
	if err != nil || got.Answers[0].Record != s.answer.ID() || got.Comparison.Note != api.NoneInSync || s.proxy.nodes.ready() == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	s.nodes[1].change(func() { s.nodes[1].state = api.SyncSynced })
	if err := s.proxy.nodes.meet(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err = s.proxy.Query(t.Context(), about("horse#1"))
	if err != nil || got.Comparison.Asked != 1 || got.Comparison.Agreed[0] != s.address(1) || got.Comparison.Note != api.NotCompared {
		t.Fatalf("%+v, %v", got.Comparison, err)
	}
}
