package service

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

// turnSpy notes for what effort its client takes a turn, and what it then has solved.
type turnSpy struct {
	writerService
	links          func(*api.Links)
	turned, solved []uint32
}

func (s *turnSpy) Hooks() embedder.Hooks {
	hooks := s.writerService.Hooks()
	turn := hooks.Turn
	hooks.Turn = func(ctx context.Context, effort uint32) (embedder.Turn, error) {
		s.turned = append(s.turned, effort)
		t, err := turn(ctx, effort)
		return &spiedTurn{t, s}, err
	}
	return hooks
}

func (s *turnSpy) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	links, err := s.writerService.Links(ctx, q)
	if err == nil && s.links != nil {
		s.links(links)
	}
	return links, err
}

type spiedTurn struct {
	embedder.Turn
	spy *turnSpy
}

func (t *spiedTurn) Solve(ctx context.Context, challenge []byte, effort uint32) (protocol.Work, error) {
	t.spy.solved = append(t.spy.solved, effort)
	return t.Turn.Solve(ctx, challenge, effort)
}

func newSpy(t *testing.T, n *protocol.Network) (*turnSpy, *lf.Client) {
	t.Helper()
	s := newTestService(t, n)
	spy := &turnSpy{writerService: writerService{s}}
	client, err := lf.New(spy, n, lf.InHome(s.config.Home), lf.ByNodesClock())
	if err != nil {
		t.Fatal(err)
	}
	return spy, client
}

// TestTurnPrice holds that a write takes one turn, for the effort that its record then has.
func TestTurnPrice(t *testing.T) {
	t.Parallel()
	spy, client := newSpy(t, nodetest.NewNetwork(t, 4))
	for i, value := range []string{"", "x", strings.Repeat("x", 4000), string(incompressible(3000))} {
		done, err := client.Set(t.Context(), lf.MustKey("a", "b#7"), []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		info, err := spy.Record(t.Context(), done.ID)
		if err != nil || len(spy.turned) != i+1 || spy.turned[i] != info.Effort || spy.solved[i] != info.Effort {
			t.Errorf("value %d: turns for %d, solved %d, %v; the record has %d", i, spy.turned, spy.solved, err, info.Effort)
		}
	}
	if n := spy.WaitingWrites(); n > 0 {
		t.Errorf("%d places are still taken", n)
	}
}

// TestTurnOfCertified holds that certified owners who pay nothing wait for nobody. Where the
// certificate ends just before the record is composed, a turn is taken after all.
func TestTurnOfCertified(t *testing.T) {
	t.Parallel()
	authority := apitest.NewAuthority(t, "club")
	n := nodetest.NewNetwork(t, 4, func(p *protocol.Params) {
		p.Authorities, p.WorkPerKiBCertified = [][]byte{authority.DER}, 0
	})
	spy, client := newSpy(t, n)
	asked := 0
	spy.links = func(l *api.Links) {
		asked++
		l.Certified = asked == 1
	}
	done, err := client.Set(t.Context(), lf.MustKey("x"), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := spy.Record(t.Context(), done.ID)
	if err != nil || info.Effort == 0 || !slices.Equal(spy.turned, []uint32{info.Effort}) || asked != 3 {
		t.Errorf("turns for %d, links %d times, the record has %d, %v", spy.turned, asked, info.Effort, err)
	}
}

// TestTurnTooLarge refuses what the network cannot carry before it waits.
func TestTurnTooLarge(t *testing.T) {
	t.Parallel()
	spy, client := newSpy(t, nodetest.NewNetwork(t, 1<<24))
	_, err := client.Set(t.Context(), lf.MustKey("x"), incompressible(5000))
	if err == nil || !strings.Contains(err.Error(), "too large") || len(spy.turned) > 0 {
		t.Errorf("%v, turns for %d", err, spy.turned)
	}
	_, err = spy.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Value: incompressible(5000)})
	wantAPIError(t, err, 422, "too large")
	_, err = spy.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Type: api.SetDelete})
	wantAPIError(t, err, 404, "has nothing under x")
}

func incompressible(size int) []byte {
	random := rand.NewChaCha8([32]byte{})
	out := make([]byte, size)
	_, _ = random.Read(out) // it never fails
	return out
}
