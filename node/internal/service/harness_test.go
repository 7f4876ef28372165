package service

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/internal/trust"
	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/node/internal/syncstore"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newHome(t testing.TB) *home.Home {
	t.Helper()
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// newTestService makes the service of a node that is offline, on a database of its own.
func newTestService(t testing.TB, n *protocol.Network) *Service {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	log, registry, h := testlog.New(t, slog.LevelInfo), prometheus.NewRegistry(), newHome(t)
	st, err := store.Open(h.Database(), n, store.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	host, err := p2p.New(p2p.Config{Network: n, Identity: key, Profile: p2p.ProfileLocal, Offline: true, Registry: registry, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	records, err := lfsync.New(lfsync.Config{Network: n, Store: syncstore.Store{Store: st}, Verify: VerifyWork, Clock: time.Now, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(records.Close(), host.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	whom, err := trust.New(h, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), Config{
		Network: n, Home: h, Store: st, Sync: records, Host: host, Trust: whom, State: st.Datastore(), Offline: true,
		Clock: time.Now, Logger: log, Registry: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// takeTurns takes the turn of as many records as the user may compose at once: others wait for
// theirs until these places are left.
func takeTurns(t *testing.T, s *Service) (places []*workqueue.Ticket) {
	t.Helper()
	for range workqueue.ClientAhead {
		place, err := s.work.Enter(workqueue.Client{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := place.Turn(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		places = append(places, place)
	}
	return places
}
