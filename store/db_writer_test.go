package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// limitPages has the disk be full when the file has this number of pages.
func limitPages(t *testing.T, s *Store, pages string) {
	t.Helper()
	if err := s.change(t.Context(), func(t *tx) error {
		_, err := t.number("PRAGMA max_page_count = " + pages)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFull limits the file's size. Puts then fail with a clear error, reads go on, nothing
// acknowledged is lost, and with room again puts succeed.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(400)
	for _, r := range chain[:20] {
		mustPut(t, s, r, Attached)
	}
	limitPages(t, s, "40")
	var stored, failed []*protocol.Record
	for at := 20; at < len(chain); at += 10 { // ten at a time: some in one batch
		var group sync.WaitGroup
		results := make([]error, 10)
		for i := range results {
			group.Go(func() { _, results[i] = s.Put(context.Background(), chain[at+i], 0) })
		}
		group.Wait()
		for i, err := range results {
			switch {
			case err == nil:
				stored = append(stored, chain[at+i])
			case !errors.Is(err, ErrNoSpace) || strings.Contains(err.Error(), "\n"):
				t.Fatalf("not a clear error: %v", err)
			default:
				failed = append(failed, chain[at+i])
			}
		}
	}
	t.Logf("%d stored, %d failed", len(stored), len(failed))
	if len(stored) == 0 || len(failed) == 0 {
		t.Fatal("the limit was not met where it should be")
	}
	for _, r := range stored {
		if _, _, err := s.Get(t.Context(), r.ID()); err != nil {
			t.Fatal("acknowledged, and lost:", err)
		}
	}
	if _, err := s.Query(t.Context(), Query{Where: []Range{w.where("chain", 0, 1000)}}); err != nil {
		t.Fatal("reads do not go on:", err)
	}
	if err := s.Datastore().Put(t.Context(), keyOf("/big"), make([]byte, 1<<20)); !errors.Is(err, ErrNoSpace) {
		t.Fatal("datastore:", err)
	}
	mustBeSound(t, s)
	limitPages(t, s, "1000000")
	for _, r := range failed {
		if result, err := s.Put(t.Context(), r, 0); err != nil || result.Outcome == Refused {
			t.Fatal(result, err)
		}
	}
	if stats, err := s.Stats(t.Context()); err != nil || stats.Attached != 402 {
		t.Fatalf("%+v, %v", stats, err)
	}
}

// busy keeps the writer in a batch until the function it returns is called.
func busy(t *testing.T, s *Store) (free func()) {
	t.Helper()
	started, proceed := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	var once sync.Once
	go func() {
		done <- s.change(context.Background(), func(*tx) error {
			once.Do(func() { close(started) })
			<-proceed
			return nil
		})
	}()
	<-started
	return func() {
		t.Helper()
		close(proceed)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestFailedRequestInBatch puts records in one batch with a change that fails: they are stored, and
// it alone gets the error.
func TestFailedRequestInBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// The clock stands still, so that the batch stays open for all of them.
	s := openTest(t, w, Options{Clock: func() time.Time { return time.Time{} }})
	chain := w.chain(20)
	free := busy(t, s)
	var group sync.WaitGroup
	sick := errors.New("sick")
	for i, r := range chain {
		group.Go(func() {
			if i == 10 {
				if err := s.change(context.Background(), func(*tx) error { return sick }); !errors.Is(err, sick) {
					t.Errorf("the failed request got %v", err)
				}
			}
			if _, err := s.Put(context.Background(), r, 0); err != nil {
				t.Errorf("record %d: %v", i, err)
			}
		})
	}
	for len(s.queue) < 15 {
		time.Sleep(time.Millisecond)
	}
	free()
	group.Wait()
	if stats, err := s.Stats(t.Context()); err != nil || stats.Attached != 22 {
		t.Fatalf("%+v, %v", stats, err)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	r := w.chain(1)[0]
	ctx, cancel := context.WithCancel(context.Background())
	free := busy(t, s)
	failed := make(chan error)
	go func() {
		_, err := s.Put(ctx, r, 0)
		failed <- err
	}()
	for len(s.queue) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	free()
	if _, err := s.Put(ctx, r, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("put with a dead context: %v", err)
	}
	if result, err := s.Put(t.Context(), r, 0); err != nil || result.Outcome != Known && result.Outcome != Attached {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestCloseWhilePutting closes the store under writers: each gets an answer, and whatever was
// acknowledged is there.
func TestCloseWhilePutting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{})
	if err != nil {
		t.Fatal(err)
	}
	chain := w.chain(500)
	acknowledged := make([]bool, len(chain))
	var group sync.WaitGroup
	for g := range 16 {
		group.Go(func() {
			for i := g; i < len(chain); i += 16 {
				_, err := s.Put(context.Background(), chain[i], 0)
				if acknowledged[i] = err == nil; err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	s = openAt(t, w, path, Options{})
	for i, r := range chain {
		if _, _, err := s.Get(t.Context(), r.ID()); acknowledged[i] && err != nil {
			t.Errorf("record %d was acknowledged and is lost: %v", i, err)
		}
	}
}

// TestConcurrent lets writers and all kinds of readers loose on one store.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{Readers: 2})
	chain := w.chain(600)
	ctx, stop := context.WithCancel(context.Background())
	var writers, readers sync.WaitGroup
	for g := range 6 {
		writers.Go(func() {
			for i := g; i < len(chain); i += 6 {
				if _, err := s.Put(ctx, chain[i], 0); err != nil {
					t.Error(err)
				}
				if i%20 == 0 {
					if err := s.Datastore().Put(ctx, keyOf(fmt.Sprint("/k/", i)), chain[i].HeaderBytes()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for _, read := range []func() error{
		func() error {
			_, err := s.Query(ctx, Query{Where: []Range{w.where("chain", 0, 600)}, History: true})
			return err
		},
		func() error { _, err := s.Stats(ctx); return err },
		func() error { _, err := s.Links(ctx, LinksQuery{Count: 2, Now: testTime + 1000}); return err },
		func() error { _, err := s.Missing(ctx, 10); return err },
		func() error { _, err := s.Tips(ctx, 10); return err },
		func() error {
			_, err := s.Check(ctx, func(p string) { t.Error("check:", p) })
			return err
		},
	} {
		readers.Go(func() {
			for ctx.Err() == nil {
				if err := read(); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	stop()
	readers.Wait()
	if stats, err := s.Stats(t.Context()); err != nil || stats.Attached != 602 || stats.Pending != 0 {
		t.Fatalf("%+v, %v", stats, err)
	}
}

// TestOwnWritesFirst has bulks of peers' records wait when this node's own user writes. Its write
// comes after yieldSteps of theirs at most. And while own writes keep coming, each turn does as
// much for peers.
func TestOwnWritesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{Clock: func() time.Time { return time.Time{} }})
	var log []bool // of each step: whether it was an own one
	step := func(own bool) func(*tx) error {
		return func(*tx) error { log = append(log, own); return nil }
	}
	var all sync.WaitGroup
	queue := func(own bool, steps int) {
		r := &request{own: own}
		for range steps {
			r.steps = append(r.steps, step(own))
		}
		all.Go(func() {
			if errs, err := s.submit(context.Background(), r); err != nil || len(errs) != steps || errors.Join(errs...) != nil {
				t.Errorf("%d results, %v", len(errs), err)
			}
		})
	}
	const bulk, bulks, owns = 10 * yieldSteps, 3, 5
	free := busy(t, s)
	for range bulks {
		queue(false, bulk)
	}
	// One more, which has the own ones come while it is at work.
	came := 0
	coming := &request{steps: []func(*tx) error{func(*tx) error {
		if log = append(log, false); came == 0 {
			came = len(log)
			for range owns {
				queue(true, 1)
			}
			for len(s.own) < owns {
				runtime.Gosched()
			}
		}
		return nil
	}}}
	for range bulk {
		coming.steps = append(coming.steps, step(false))
	}
	for len(s.queue) < bulks {
		runtime.Gosched()
	}
	all.Go(func() {
		if errs, err := s.submit(context.Background(), coming); err != nil || len(errs) != bulk+1 {
			t.Errorf("%d results, %v", len(errs), err)
		}
	})
	for len(s.queue) < bulks+1 {
		runtime.Gosched()
	}
	free()
	all.Wait()
	first := slices.Index(log, true)
	if first < came || first > came+yieldSteps {
		t.Errorf("the first own write is step %d, they came at step %d", first, came)
	}
	if foreign := slices.Index(log[first:], false); len(log) != bulks*bulk+bulk+1+owns || foreign > owns {
		t.Errorf("%d steps; after the first own write %d before the next for peers", len(log), foreign)
	}
}

// TestOwnWritesLeaveRoom keeps own writes waiting all the time: in each turn the peers' get their
// steps.
func TestOwnWritesLeaveRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	done := make(chan struct{})
	var all sync.WaitGroup
	var owns atomic.Int64
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := s.changeFirst(context.Background(), func(*tx) error { owns.Add(1); return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	bulk := &request{}
	for range 4 * yieldSteps {
		bulk.steps = append(bulk.steps, func(*tx) error { return nil })
	}
	_, err := s.submit(t.Context(), bulk)
	close(done)
	all.Wait()
	if err != nil || owns.Load() == 0 {
		t.Errorf("%v, %d own writes", err, owns.Load())
	}
}

// TestInterruptedBulk has a bulk interrupted by own writes, and some of its steps fail. Each step
// has its own answer, and nothing is run in a transaction that is lost.
func TestInterruptedBulk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	sick := errors.New("sick")
	bulk := &request{}
	const steps = 8 * yieldSteps
	for i := range steps {
		bulk.steps = append(bulk.steps, func(x *tx) error {
			if i%yieldSteps == 3 { // an own one comes again and again
				go func() { _ = s.changeFirst(context.Background(), func(*tx) error { return nil }) }()
				for len(s.own) == 0 {
					runtime.Gosched()
				}
			}
			if i%(3*yieldSteps) == 5 {
				return sick
			}
			_, err := x.exec("INSERT INTO datastore VALUES (?, x'00')", fmt.Sprint(i))
			return err
		})
	}
	errs, err := s.submit(t.Context(), bulk)
	if err != nil || len(errs) != steps {
		t.Fatalf("%d results, %v", len(errs), err)
	}
	failed := 0
	for i, err := range errs {
		if errors.Is(err, sick) != (i%(3*yieldSteps) == 5) {
			t.Errorf("step %d: %v", i, err)
		}
		failed += btoi(err != nil)
	}
	if n, err := readNumber(s, "SELECT count(*) FROM datastore"); err != nil || int(n) != steps-failed {
		t.Errorf("%d rows, %v, want %d", n, err, steps-failed)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
