package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// trouble is what can be wrong with a node that does not lie.
type trouble struct {
	name  string
	state string // as the proxy sees it in the end
	begin func(t *testing.T, n *testNode)
}

var troubles = []trouble{
	{"down", api.NodeDown, func(_ *testing.T, n *testNode) { n.change(func() { n.down = errDown }) }},
	{"slow", api.NodeSlow, func(_ *testing.T, n *testNode) {
		n.change(func() { n.gate = sleeps(30 * time.Second) })
	}},
	{"failing", api.NodeDown, func(_ *testing.T, n *testNode) {
		n.change(func() { n.down = api.NewError(http.StatusInternalServerError, "its disk is broken") })
	}},
	{"asks for a token", api.NodeRefuses, func(_ *testing.T, n *testNode) {
		n.change(func() { n.down = api.Unauthorized("a token, please") })
	}},
	{"out of sync", api.NodeUnsynced, func(t *testing.T, n *testNode) {
		empty(t, n)
		n.change(func() { n.state = api.SyncFetching })
	}},
	{"on another network", api.NodeForeign, func(t *testing.T, n *testNode) {
		empty(t, n)
		n.change(func() { n.other = &protocol.ID{1} })
	}},
	{"with a new home", api.NodeUnsynced, func(t *testing.T, n *testNode) {
		empty(t, n)
		n.change(func() { n.state, n.database = api.SyncComparing, "new" })
	}},
}

// empty takes all records from a node.
func empty(t *testing.T, n *testNode) {
	t.Helper()
	fake, err := apitest.NewFakeOn(n.network)
	if err != nil {
		t.Fatal(err)
	}
	n.change(func() { n.Fake = fake })
}

func sleeps(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
}

// TestTroubles has one node of three get into each kind of trouble, at each place, while clients
// ask. They get right answers, and at most one waits.
func TestTroubles(t *testing.T) {
	t.Parallel()
	for _, trouble := range troubles {
		for _, place := range []int{0, 1, 2} {
			t.Run(fmt.Sprint(trouble.name, "/", place), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { tryTrouble(t, trouble, place) })
			})
		}
	}
}

func tryTrouble(t *testing.T, trouble trouble, place int) {
	s := newStage(t, 3)
	s.proxy.secondLook = secondLook
	ctx, end := context.WithCancel(t.Context())
	watched := make(chan error)
	go func() { watched <- s.proxy.nodes.watch(ctx) }()
	defer func() { end(); <-watched }()
	want, err := s.nodes[(place+1)%3].Fake.Query(t.Context(), s.asHonest(about("horse#1")))
	if err != nil {
		t.Fatal(err)
	}
	waited := 0
	for i := range 100 {
		if i == 3 {
			trouble.begin(t, s.nodes[place])
		}
		begin := time.Now()
		got, err := s.proxy.Query(t.Context(), about("horse#1"))
		if err != nil {
			t.Fatal(err)
		}
		sameAnswers(t, got, want)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("request %d took %s", i, took)
		} else if took > 100*time.Millisecond {
			waited++
		}
		time.Sleep(time.Second)
	}
	if waited > 1 {
		t.Errorf("%d clients waited", waited)
	}
	if got := s.proxy.nodes.list[place].known(); got.state != trouble.state || got.problem == nil {
		t.Errorf("the node is %s: %v", got.state, got.problem)
	}
}

// TestRecovers lets a node that was down or slow be asked again when it is well.
func TestRecovers(t *testing.T) {
	t.Parallel()
	for _, trouble := range troubles[:2] {
		t.Run(trouble.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, 2)
				ctx, end := context.WithCancel(t.Context())
				watched := make(chan error)
				go func() { watched <- s.proxy.nodes.watch(ctx) }()
				defer func() { end(); <-watched }()
				trouble.begin(t, s.nodes[0])
				if _, err := s.proxy.Query(t.Context(), about("horse#1")); err != nil {
					t.Fatal(err)
				}
				s.nodes[0].change(func() { s.nodes[0].down, s.nodes[0].gate = nil, nil })
				time.Sleep(time.Minute)
				got, err := s.proxy.Query(t.Context(), about("horse#1"))
				if err != nil || len(got.Comparison.Agreed) != 2 {
					t.Fatalf("%+v, %v", got, err)
				}
			})
		})
	}
}

// TestSpareNode asks a further node in place of one that is down or slow.
func TestSpareNode(t *testing.T) {
	t.Parallel()
	for _, trouble := range troubles[:3] {
		t.Run(trouble.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, 4)
				if err := s.proxy.nodes.meet(t.Context()); err != nil {
					t.Fatal(err)
				}
				trouble.begin(t, s.nodes[1])
				got, err := s.proxy.Query(t.Context(), about("horse#1"))
				if err != nil || len(got.Comparison.Agreed) != 3 || got.Comparison.Agreed[2] != s.proxy.nodes.list[3].address {
					t.Fatalf("%+v, %v", got.Comparison, err)
				}
			})
		})
	}
}

// TestNoNode says why no node answers, and that the proxy is not ready.
func TestNoNode(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	for _, n := range s.nodes {
		n.change(func() { n.down = errDown })
	}
	var e *api.Error
	if _, err := s.proxy.Query(t.Context(), about("horse#1")); !errors.As(err, &e) || e.Status != http.StatusServiceUnavailable {
		t.Fatal(err)
	}
	if s.proxy.nodes.ready() == nil {
		t.Error("ready without a node")
	}
	for _, n := range s.nodes {
		n.change(func() { n.down = nil })
	}
	if _, err := s.proxy.Query(t.Context(), about("horse#1")); err != nil {
		t.Errorf("they are back: %v", err)
	}
	if err := s.proxy.nodes.ready(); err != nil {
		t.Error(err)
	}
}

// TestSyncedThroughProxy: that a node is not in sync is its answer, and no failure.
func TestSyncedThroughProxy(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	var e *api.Error
	if _, err := s.proxy.Synced(t.Context(), time.Second); !errors.As(err, &e) || e.Sync == nil {
		t.Fatal(err)
	}
	if got := s.proxy.nodes.list[0].known(); got.state != api.NodeSynced {
		t.Errorf("the node is %s: %v", got.state, got.problem)
	}
	if _, err := s.proxy.Synced(t.Context(), -1); err == nil {
		t.Error("a negative time")
	}
}

// TestFirstRead has nodes answer one after the other about a record that the proxy has not seen
// yet. Only the first one is asked for its frame and weight, and none differs because of that.
func TestFirstRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, 3)
		s.proxy.secondLook = secondLook
		for i := range 10 { // a heavy one
			s.spread([]*protocol.Record{s.record(s.second, 10_000+uint64(i), protocol.Draft{Links: []protocol.ID{s.answer.ID()}}, "weight")})
		}
		for i, n := range s.nodes {
			n.gate = sleeps(time.Duration(i) * 10 * time.Millisecond)
		}
		begin := time.Now()
		got, err := s.proxy.Query(t.Context(), about("horse#1"))
		if err != nil || len(got.Comparison.Agreed) != 3 || time.Since(begin) >= secondLook {
			t.Errorf("%+v, %v after %s", got, err, time.Since(begin))
		}
	})
}
