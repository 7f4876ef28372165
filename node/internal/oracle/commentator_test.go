package oracle

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/protocol"
)

// sleep lets time pass and then everything come to rest.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestCommentator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(t, nil)
		n.attach("k", "a,-b")
		c := n.start()
		sleep(time.Second)
		if s := c.Status(); s != (Status{Waiting: 1}) {
			t.Fatalf("%+v", s)
		}
		n.attach("l", "a,-b,-c")
		c.Notify()
		sleep(10 * time.Second)
		n.expect("k/b objects, l/b objects, l/c objects")

		r := n.records[0]
		if want := 4 * n.network.RequiredEffort(r); r.Effort() != want || want == 0 {
			t.Fatalf("effort %d, want %d", r.Effort(), want)
		}
		links := slices.SortedFunc(slices.Values(n.links.IDs), protocol.ID.Compare)
		if r.Owner != protocol.OwnerOf(n.key) || r.Type != protocol.TypeCommentary || !slices.Equal(r.Links, links) {
			t.Fatalf("%+v", r.Header)
		}
		s := c.Status()
		if s.Last != r.Time().UTC() || time.Since(s.Last) > 10*time.Second {
			t.Fatalf("last %s", s.Last)
		}
		if s.Last = (time.Time{}); s != (Status{Commentaries: 1, Words: 3}) {
			t.Fatalf("%+v", s)
		}

		n.attach("l", "b,-c")
		c.Notify()
		sleep(time.Minute)
		n.expect("k/b objects, l/b objects, l/c objects", "l/b withdraws")
	})
}

// TestWithoutNotice: a notice that gets lost delays, and nothing else.
func TestWithoutNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(t, nil)
		n.start()
		sleep(time.Second)
		n.attach("k", "a,-b")
		sleep(2 * time.Minute)
		n.expect("k/b objects")
	})
}

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(t, nil)
		config := n.config()
		config.PerHour = 3
		c := n.startWith(config)
		for i := range 5 * protocol.MaxWords(n.network.Params().MaxValue) {
			n.attach(strings.Repeat("k", i/10+1), strings.Repeat("x", i%10+1)+",-b")
			n.attach(string(rune('a'+i)), "a,-b")
		}
		sleep(30 * time.Minute)
		s := c.Status()
		if len(n.published()) != 3 || s.Waiting == 0 || !strings.Contains(s.Silent, "3 commentaries within an hour") {
			t.Fatalf("%d records, %+v", len(n.published()), s)
		}
		if strings.Contains(n.log.String(), "level=WARN") {
			t.Fatalf("the limit is nothing to complain about: %s", &n.log)
		}
		if err := c.Close(); err != nil { // another process must not begin its hour again
			t.Fatal(err)
		}
		c = n.startWith(config)
		sleep(25 * time.Minute)
		if got := len(n.published()); got != 3 {
			t.Fatalf("%d records", got)
		}
		sleep(10 * time.Minute)
		if got := len(n.published()); got != 6 {
			t.Fatalf("%d records", got)
		}
		sleep(time.Hour)
		if s := c.Status(); s.Waiting != 0 || s.Silent != "" {
			t.Fatalf("%+v", s)
		}
	})
}

func TestCloseStopsSolving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(t, nil)
		n.solve = func(ctx context.Context, _ uint32) error { <-ctx.Done(); return ctx.Err() }
		n.attach("k", "a,-b")
		c := n.start()
		sleep(time.Hour)
		before := time.Now()
		if err := errors.Join(c.Close(), c.Close()); err != nil || time.Since(before) > 0 {
			t.Fatal(err, time.Since(before))
		}
		c.Notify()
		if s := c.Status(); s.Waiting != 1 || s.Silent != "" || n.log.Len() > 0 {
			t.Fatalf("%+v, %s", s, &n.log)
		}
		n.expect()

		n.solve = nil // the next one says it
		c = n.start()
		sleep(time.Minute)
		c.Close()
		n.expect("k/b objects")
	})
}

func TestSubmitFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(t, nil)
		var solved atomic.Int64
		n.solve = func(context.Context, uint32) error { solved.Add(1); return nil }
		n.submitErr = errors.New("too many records wait")
		n.attach("k", "a,-b")
		c := n.start()
		sleep(10 * time.Second)
		if s := c.Status(); s.Silent != "too many records wait" || s.Waiting != 1 || solved.Load() != 1 {
			t.Fatalf("%+v, solved %d times", s, solved.Load())
		}
		sleep(time.Hour)
		if got := strings.Count(n.log.String(), "too many records wait"); got != 1 {
			t.Fatalf("complained %d times", got)
		}
		if solved.Load() > 20 {
			t.Fatalf("solved %d times", solved.Load())
		}
		n.set(func() { n.submitErr = nil })
		sleep(10 * time.Minute)
		n.expect("k/b objects")
		if s := c.Status(); s.Silent != "" || s.Waiting != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(t, nil)
		n.storeErr = errors.New("the store is busy")
		n.attach("k", "a,-b")
		c := n.start()
		sleep(time.Hour)
		if s := c.Status(); s.Silent != "cannot look for collisions: the store is busy" || len(n.scans) > 30 {
			t.Fatalf("%+v, %d scans", s, len(n.scans))
		}
		n.set(func() { n.storeErr = nil })
		sleep(10 * time.Minute)
		n.expect("k/b objects")
	})
}

// TestClock: a node whose clock is behind says nothing from the future, and says it when the time
// has come.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(t, nil)
		n.attach("k", "a,-b")
		n.set(func() { n.links.Newest = uint64(time.Now().Add(10 * time.Minute).UnixMilli()) })
		c := n.start()
		sleep(time.Minute)
		if s := c.Status(); !strings.Contains(s.Silent, "check the clock") {
			t.Fatalf("%+v", s)
		}
		n.expect()
		sleep(15 * time.Minute)
		n.expect("k/b objects")

		// The clock is set back to before the last record: what comes later must have the later
		// timestamp nevertheless.
		c.Close()
		n.clockBack = time.Since(n.records[0].Time()) + 30*time.Second
		n.set(func() { n.links.Newest = 0 })
		n.attach("k", "b")
		n.start()
		sleep(30 * time.Second)
		n.expect("k/b objects", "k/b withdraws")
		if n.records[1].Timestamp <= n.records[0].Timestamp {
			t.Fatalf("%d is not later than %d", n.records[1].Timestamp, n.records[0].Timestamp)
		}
	})
}

func TestRestartGoesOnFromTheCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(t, nil)
		n.attach("k", "a,-b")
		c := n.start()
		sleep(10 * time.Second)
		before := c.Status()
		c.Close()
		n.scans = nil
		c = n.start()
		sleep(10 * time.Second)
		if slices.Min(n.scans) != 1 || c.Status() != before {
			t.Fatalf("scans after %d, %+v, before %+v", n.scans, c.Status(), before)
		}
		c.Close()

		// What cannot be read, or is another oracle's, is no way to skip anything.
		if err := n.memory.Put(t.Context(), stateKey, []byte(`{"owner":17}`)); err != nil {
			t.Fatal(err)
		}
		n.scans = nil
		c = n.start()
		sleep(10 * time.Second)
		c.Close()
		if n.scans[0] != 0 || !strings.Contains(n.log.String(), "begins again") {
			t.Fatalf("scans after %d: %s", n.scans, &n.log)
		}
		n.expect("k/b objects") // the store knows what was said

		_, n.key, _ = ed25519.GenerateKey(rand.Reader)
		n.said = map[protocol.CompositeID]map[protocol.Owner]bool{}
		c = n.start()
		sleep(10 * time.Second)
		c.Close()
		n.expect("k/b objects", "k/b objects")
	})
}

func TestCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ca, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := protocol.NewAuthority(ca, "CA", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		n := newFakeNode(t, func(p *protocol.Params) { p.Authorities, p.AuthRequired = [][]byte{der}, true })
		n.attach("k", "a,-b")
		c := n.start()
		sleep(time.Hour)
		if s := c.Status(); s.Silent != errNoCertificate.Error() || s.Waiting != 1 {
			t.Fatalf("%+v", s)
		}
		if got := strings.Count(n.log.String(), "certificate"); got != 1 {
			t.Fatalf("complained %d times", got)
		}
		n.expect()
		n.set(func() { n.links.Certified = true })
		sleep(10 * time.Minute)
		n.expect("k/b objects")
		if r := n.records[0]; r.Effort() != 4*n.network.CertifiedEffort(r) || r.Effort() >= n.network.RequiredEffort(r) {
			t.Fatalf("effort %d", r.Effort())
		}
	})
}

func TestNetworkWithoutWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(t, func(p *protocol.Params) { p.WorkPerKiB, p.WorkPerKiBCertified = 0, 0 })
		n.solve = func(context.Context, uint32) error { return errors.New("no work is asked for") }
		n.attach("k", "a,-b")
		n.start()
		sleep(10 * time.Second)
		n.expect("k/b objects")
	})
}

func TestConfig(t *testing.T) {
	n := newFakeNode(t, nil)
	small := newFakeNode(t, func(p *protocol.Params) { p.MaxValue = 64 })
	for name, change := range map[string]func(*Config){
		"network":      func(c *Config) { c.Network = nil },
		"key":          func(c *Config) { c.Key = c.Key[:32] },
		"store":        func(c *Config) { c.Store = nil },
		"memory":       func(c *Config) { c.Memory = nil },
		"solver":       func(c *Config) { c.Solver = nil },
		"submit":       func(c *Config) { c.Submit = nil },
		"per hour":     func(c *Config) { c.PerHour = MaxPerHour + 1 },
		"negative":     func(c *Config) { c.PerHour = -1 },
		"overload":     func(c *Config) { c.Overload = MaxOverload + 1 },
		"small values": func(c *Config) { c.Network = small.network },
		"memory fails": func(c *Config) { c.Memory = &fakeMemory{err: errors.New("the disk is gone")} },
	} {
		t.Run(name, func(t *testing.T) {
			config := n.config()
			change(&config)
			if _, err := New(config); err == nil {
				t.Fatal("no error")
			}
		})
	}
	if got := multiple(1<<31, 4); got != math.MaxUint32 {
		t.Fatalf("four times 2^31 is %d", got)
	}
}

func TestState(t *testing.T) {
	wall := time.UnixMilli(1_800_000_000_000)
	me := testOwner("me")
	raw := must(encodeState(me, state{
		cursor: 7, timestamp: 9, published: 8, commentaries: 3, words: 5,
		records: []time.Duration{-30 * time.Minute, 10 * time.Minute, 20 * time.Minute},
	}, 20*time.Minute, wall))
	for _, c := range []struct {
		name  string
		after time.Duration // until it is read
		owner string
		want  []time.Duration // records
	}{
		{"at once", 0, "me", []time.Duration{-50 * time.Minute, -10 * time.Minute, 0}},
		{"later", 15 * time.Minute, "me", []time.Duration{-25 * time.Minute, -15 * time.Minute}},
		{"much later", 24 * time.Hour, "me", nil},
		{"the clock was set back", -24 * time.Hour, "me", []time.Duration{0, 0, 0}},
		{"much later, a record being on its way", 24 * time.Hour, "open", []time.Duration{0}},
		{"by another oracle", 0, "you", []time.Duration{-50 * time.Minute, -10 * time.Minute, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, owner := raw, c.owner
			if owner == "open" {
				raw, owner = bytes.Replace(raw, []byte(`"open":false`), []byte(`"open":true`), 1), "me"
			}
			s, err := decodeState(raw, testOwner(owner), wall.Add(c.after))
			if err != nil || !slices.Equal(s.records, c.want) {
				t.Fatal(s.records, err)
			}
			if mine := s.cursor == 7 && s.timestamp == 9 && s.published == 8 && s.commentaries == 3 && s.words == 5; mine != (owner == "me") {
				t.Fatalf("%+v", s)
			}
		})
	}
}
