package lf_test

import (
	"context"
	crand "crypto/rand"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// fourMinutes is the least age that one can ask for.
const fourMinutes = 4 * time.Minute

// TestPulse says that claims are alive, and asks which are.
func TestPulse(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	ours, dead, gone, none := lf.MustKey("svc#1"), lf.MustKey("svc#2"), lf.MustKey("svc#3"), lf.MustKey("svc#4")
	if _, err := db.Pulse(t.Context(), []lf.Key{ours}); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("pulsed before there was an owner: %v", err)
	}
	done := set(t, db, ours, "here")
	set(t, db, dead, "dead")
	set(t, db, gone, "gone")
	if err := db.Delete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	set(t, db, none, "another owner's", lf.AsKey(newKey(t)))
	a, err := db.Get(t.Context(), ours, lf.Alive(fourMinutes))
	if !errors.Is(err, lf.ErrLapsed) || errors.Is(err, lf.ErrNotFound) || a == nil || a.Alive != nil || a.Text() != "here" {
		t.Errorf("before it pulsed: %+v, %v", a, err)
	}
	before := time.Now().Add(-time.Second)
	for i := range 2 {
		said := must[[]lf.Pulsed](t)(db.Pulse(t.Context(), []lf.Key{ours, gone, none}))
		if one := said[0]; one.Err != nil || one.New != (i == 0) || one.Record != done.ID || one.Owner != done.Owner || one.At.Before(before) || !one.Ends.IsZero() {
			t.Errorf("pulse %d: %+v", i, one)
		}
		if !errors.Is(said[1].Err, lf.ErrDeleted) || !errors.Is(said[2].Err, lf.ErrNotFound) {
			t.Errorf("%+v, %+v", said[1], said[2])
		}
	}
	if a, err = db.Get(t.Context(), ours, lf.Alive(fourMinutes)); err != nil || a.Alive == nil || a.Alive.At.Before(before) || a.Alive.Age > time.Minute {
		t.Errorf("%+v, %v", a, err)
	}
	set(t, db, ours, "there")
	if a, err = db.Get(t.Context(), ours, lf.Alive(fourMinutes)); err != nil || a.Text() != "there" || a.Alive == nil {
		t.Errorf("a new version: %+v, %v", a, err)
	}
	found := must[*lf.Result](t)(db.Query(t.Context(), lf.MustKey("svc#"), lf.Alive(fourMinutes)))
	if len(found.Answers) != 1 || found.Lapsed != 3 || found.Answers[0].Text() != "there" {
		t.Errorf("%d answers, %d lapsed", len(found.Answers), found.Lapsed)
	}
	var texts []string
	for a, err := range db.Range(t.Context(), lf.MustKey("svc#"), lf.Alive(fourMinutes), lf.Limit(1)) {
		texts = append(texts, must[*lf.Answer](t)(a, err).Text())
	}
	if !slices.Equal(texts, []string{"there"}) {
		t.Errorf("a range in pages: %q", texts)
	}
	var errs []error
	for l, err := range db.GetMany(t.Context(), []lf.Key{ours, dead, lf.MustKey("nothing")}, lf.Alive(fourMinutes)) {
		if err != nil {
			t.Fatal(err)
		}
		errs = append(errs, l.Err)
	}
	if len(errs) != 3 || errs[0] != nil || !errors.Is(errs[1], lf.ErrLapsed) || !errors.Is(errs[2], lf.ErrNotFound) {
		t.Errorf("%v", errs)
	}
}

// TestAliveInput refuses what nobody can answer.
func TestAliveInput(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	set(t, db, horse, "x")
	for name, options := range map[string][]lf.ReadOption{
		"too young": {lf.Alive(fourMinutes - time.Second)}, "negative": {lf.Alive(-time.Minute)}, "not whole": {lf.Alive(fourMinutes + 1)},
		"too old": {lf.Alive(24*time.Hour + time.Second)}, "in the past": {lf.Alive(fourMinutes), lf.AsOf(time.Now())},
	} {
		var input *lf.InputError
		if _, err := db.Get(t.Context(), horse, options...); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
		for _, err := range db.GetMany(t.Context(), []lf.Key{horse}, options...) {
			if !errors.As(err, &input) {
				t.Errorf("%s, of many: %v", name, err)
			}
		}
	}
	for _, every := range []time.Duration{0, time.Minute - 1, 13 * time.Hour} {
		var input *lf.InputError
		if err := db.KeepAlive(t.Context(), []lf.Key{horse}, lf.Every(every)); !errors.As(err, &input) {
			t.Errorf("every %s: %v", every, err)
		}
	}
}

// TestAliveLies has a node show pulses that say nothing about the answer.
func TestAliveLies(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	key, stranger := newKey(t), newKey(t)
	ours := set(t, db, horse, "x", lf.AsKey(key))
	other := set(t, db, lf.MustKey("cow"), "y", lf.AsKey(key))
	selectors := api.MustSelectors("horse")
	show := func(second int64, record protocol.ID, by []byte) *api.Alive {
		p := f.network.NewPulse(record, uint64(time.Now().Unix()+second), by)
		return &api.Alive{Second: p.Second, Pulse: p.Encode()}
	}
	forgedSignature := show(0, ours.ID, key)
	forgedSignature.Pulse[len(forgedSignature.Pulse)-1] ^= 1
	for name, c := range map[string]struct {
		alive  *api.Alive
		says   string // what is forged; "": nothing
		asked  string // the same where only what is alive was asked for
		counts bool
	}{
		"an honest one":          {alive: show(-10, ours.ID, key), counts: true},
		"by somebody else":       {alive: show(0, ours.ID, stranger), says: "does not verify", asked: "does not verify"},
		"a changed signature":    {alive: forgedSignature, says: "does not verify", asked: "does not verify"},
		"no pulse at all":        {alive: &api.Alive{Pulse: []byte("x")}, says: "not a pulse", asked: "not a pulse"},
		"of another claim":       {alive: show(0, other.ID, key), says: "another claim", asked: "another claim"},
		"of no record":           {alive: show(0, protocol.ID{1}, key)},
		"an hour old":            {alive: show(-3600, ours.ID, key), asked: "one of the last 4m0s was asked for", counts: true},
		"from the future":        {alive: show(3600, ours.ID, key), asked: "has no pulse"},
		"none":                   {asked: "has no pulse"},
		"by a clock that is off": {alive: show(100, ours.ID, key), counts: true},
	} {
		f.query = func(q *api.QueryResult) { // it filters nothing
			honest := must[*api.QueryResult](t)(f.Fake.Query(t.Context(), api.Query{Selectors: selectors, Frames: true}))
			honest.Answers[0].Alive = c.alive
			*q = *honest
		}
		a, err := db.Get(t.Context(), horse)
		switch {
		case c.says != "":
			wantForged(t, err, db.Address(), c.says)
		case err != nil || (a.Alive != nil) != c.counts:
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		found, err := db.Query(t.Context(), horse, lf.Alive(fourMinutes))
		switch {
		case c.asked != "":
			wantForged(t, err, db.Address(), c.asked)
		case err != nil:
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

// keeper is a program that keeps claims alive, in fake time.
type keeper struct {
	*testing.T
	fake *liar
	db   *lf.Client
	end  func() error

	mu   sync.Mutex
	told []lf.Pulsed
}

// keepAlive sets keys and begins to keep them alive.
func keepAlive(t *testing.T, keys []lf.Key, options ...lf.PulseOption) *keeper {
	t.Helper()
	file := must[*protocol.NetworkFile](t)(newFake(t).Network(t.Context()))
	network := must[*protocol.Network](t)(file.Network())
	k := &keeper{T: t, fake: &liar{Fake: must[*apitest.Fake](t)(apitest.NewFakeOn(network))}}
	k.db = must[*lf.Client](t)(lf.New(k.fake, network, lf.WithHome(t.TempDir())))
	for _, key := range keys {
		set(t, k.db, key, "here")
	}
	k.begin(keys, options...)
	return k
}

// begin begins to keep keys alive. The test must call end.
func (k *keeper) begin(keys []lf.Key, options ...lf.PulseOption) {
	ctx, cancel := context.WithCancel(k.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- k.db.KeepAlive(ctx, keys, append(options, lf.OnPulse(func(p lf.Pulsed) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.told = append(k.told, p)
		}))...)
	}()
	k.end = func() error {
		cancel()
		return <-ended
	}
	synctest.Wait()
}

// pass lets time pass, and returns what was told meanwhile.
func (k *keeper) pass(d time.Duration) []lf.Pulsed {
	k.mu.Lock()
	k.told = nil
	k.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.told
}

func (k *keeper) wantAlive(key lf.Key, want bool) {
	k.Helper()
	_, err := k.db.Get(k.Context(), key, lf.Alive(fourMinutes))
	if (err == nil) != want {
		k.Errorf("%s: %v", key, err)
	}
}

// TestKeepAlive keeps claims alive for hours: through new versions, through a deletion, and while
// the node is away.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := []lf.Key{lf.MustKey("svc#1"), lf.MustKey("svc#2")}
		k := keepAlive(t, keys)
		if told := k.pass(0); len(told) != 0 { // the first were before
			t.Fatalf("%+v", told)
		}
		k.wantAlive(keys[0], true)
		k.wantAlive(keys[1], true)
		told := k.pass(time.Hour)
		if len(told) < 2*50 || len(told) > 2*60 {
			t.Errorf("%d pulses in an hour", len(told))
		}
		together, last := 0, map[string]time.Time{}
		for _, p := range told {
			if p.Err != nil || !p.New {
				t.Fatalf("%+v", p)
			}
			if at, ok := last[p.Key.String()]; ok && p.At.Sub(at) < time.Minute {
				t.Errorf("%s pulsed after %s", p.Key, p.At.Sub(at))
			}
			if last[p.Key.String()] = p.At; last[keys[0].String()].Equal(last[keys[1].String()]) {
				together++
			}
		}
		if together > len(told)/4 {
			t.Errorf("%d of %d pulses in the same second: who watches sees that they belong together", together, len(told))
		}
		moved := set(t, k.db, keys[0], "there")
		if told := k.pass(2 * time.Minute); !slices.ContainsFunc(told, func(p lf.Pulsed) bool { return p.Record == moved.ID && p.New }) {
			t.Errorf("the new version has no pulse: %+v", told)
		}
		if err := k.db.Delete(t.Context(), keys[0]); err != nil {
			t.Fatal(err)
		}
		told = k.pass(2 * time.Minute)
		if !slices.ContainsFunc(told, func(p lf.Pulsed) bool { return errors.Is(p.Err, lf.ErrDeleted) && p.Key.String() == "svc#1" }) {
			t.Errorf("deleted: %+v", told)
		}
		k.wantAlive(keys[1], true)
		set(t, k.db, keys[0], "back")
		k.pass(2 * time.Minute)
		k.wantAlive(keys[0], true)
		k.away(keys)
		if err := k.end(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		k.pass(10 * time.Minute)
		k.wantAlive(keys[1], false)
	})
}

// away has the node be away for ten minutes. The claims lapse, and are alive soon after.
func (k *keeper) away(keys []lf.Key) {
	k.Helper()
	k.fake.down.Store(true)
	told := k.pass(10 * time.Minute)
	if len(told) < 20 || slices.ContainsFunc(told, func(p lf.Pulsed) bool { return !lf.IsAway(p.Err) }) {
		k.Errorf("while the node is away: %+v", told)
	}
	k.fake.down.Store(false)
	k.wantAlive(keys[1], false)
	k.pass(15 * time.Second)
	k.wantAlive(keys[0], true)
	k.wantAlive(keys[1], true)
}

// TestTwoKeepAlive has two programs pulse for the same claim: neither fails.
func TestTwoKeepAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := keepAlive(t, []lf.Key{horse})
		time.Sleep(time.Duration(rand.N(50)) * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		var failed, made atomic.Int64
		go func() {
			ended <- k.db.KeepAlive(ctx, []lf.Key{horse}, lf.OnPulse(func(p lf.Pulsed) {
				if p.Err != nil {
					failed.Add(1)
				}
				made.Add(1)
			}))
		}()
		told := k.pass(20 * time.Minute)
		for _, p := range told {
			if p.Err != nil && !strings.Contains(p.Err.Error(), "less than a minute") {
				t.Errorf("%+v", p)
			}
		}
		k.wantAlive(horse, true)
		cancel()
		<-ended
		if failed.Load() > 1 || made.Load() < 15 {
			t.Errorf("%d pulses, %d failed", made.Load(), failed.Load())
		}
		_ = k.end()
	})
}

// TestKeepAliveFails ends at once where there is nothing to keep alive.
func TestKeepAliveFails(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	set(t, db, horse, "x")
	if err := db.KeepAlive(t.Context(), []lf.Key{horse, lf.MustKey("nothing")}); !errors.Is(err, lf.ErrNotFound) || !strings.Contains(err.Error(), "nothing") {
		t.Error(err)
	}
}

// workedKeeper keeps one claim alive on a network that asks for a little work. A record has pulses
// for hours there.
func workedKeeper(t *testing.T, solve lf.Solver, options ...lf.PulseOption) *keeper {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "worked", 1, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	network := must[*protocol.Network](t)(protocol.NewNetwork(p, uint64(time.Now().UnixMilli())-1000, crand.Reader))
	fake := must[*apitest.Fake](t)(apitest.NewFakeThatVerifies(network, func([]byte, protocol.Work) error { return nil }))
	k := &keeper{T: t, fake: &liar{Fake: fake}}
	k.db = must[*lf.Client](t)(lf.New(k.fake, network, lf.WithHome(t.TempDir()), lf.WithSolver(solve)))
	return k
}

// solveNothing is a solver for a node that believes everything.
func solveNothing(_ context.Context, _ []byte, effort uint32, _ int, _ func(lf.Work)) (protocol.Work, error) {
	return protocol.Work{Effort: effort}, nil
}

// TestPulseOver has the work of a record pay for no further pulses. With Renew the value is set
// again before that, and not where somebody has set another one meanwhile.
func TestPulseOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := workedKeeper(t, solveNothing)
		first := set(t, k.db, horse, "here")
		one := must[[]lf.Pulsed](t)(k.db.Pulse(t.Context(), []lf.Key{horse}))[0]
		hours := time.Until(one.Ends)
		if one.Err != nil || hours < 119*time.Minute || hours > 24*time.Hour {
			t.Fatalf("%+v: %s", one, hours)
		}
		k.pass(hours + 2*time.Second)
		if one = must[[]lf.Pulsed](t)(k.db.Pulse(t.Context(), []lf.Key{horse}))[0]; !errors.Is(one.Err, lf.ErrPulseOver) || one.Record != first.ID {
			t.Errorf("%+v", one)
		}
		if err := k.db.KeepAlive(t.Context(), []lf.Key{horse}); !errors.Is(err, lf.ErrPulseOver) {
			t.Error(err)
		}
		var renewed atomic.Int64
		k.begin([]lf.Key{horse}, lf.Renew(func(_ lf.Key, done *lf.Written, err error) {
			if err != nil || done.ID == first.ID {
				t.Errorf("%+v, %v", done, err)
			}
			renewed.Add(1)
		}))
		k.pass(2 * time.Minute)
		k.wantAlive(horse, true)
		for range 10 {
			k.pass(hours)
			k.wantAlive(horse, true)
		}
		if n := renewed.Load(); n < 10 || n > 13 {
			t.Errorf("set again %d times", n)
		}
		if a, err := k.db.Get(t.Context(), horse); err != nil || a.Text() != "here" {
			t.Errorf("%+v, %v", a, err)
		}
		if err := k.end(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestRenewOvertaken sets a newer value while the old one is being set again: the newer one stays.
func TestRenewOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k *keeper
		turns := 0
		k = workedKeeper(t, func(ctx context.Context, challenge []byte, effort uint32, threads int, report func(lf.Work)) (protocol.Work, error) {
			if turns++; turns == 2 { // of the renewal
				time.Sleep(time.Second)
				set(t, k.db, horse, "newer")
				time.Sleep(time.Minute)
			}
			if ctx.Err() != nil {
				return protocol.Work{}, context.Cause(ctx)
			}
			return solveNothing(ctx, challenge, effort, threads, report)
		})
		set(t, k.db, horse, "here")
		one := must[[]lf.Pulsed](t)(k.db.Pulse(t.Context(), []lf.Key{horse}))[0]
		k.begin([]lf.Key{horse}, lf.Renew(nil))
		k.pass(time.Until(one.Ends))
		k.wantAlive(horse, true)
		if a, err := k.db.Get(t.Context(), horse); err != nil || a.Text() != "newer" {
			t.Errorf("%+v, %v", a, err)
		}
		_ = k.end()
	})
}
