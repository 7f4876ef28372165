package supervisor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errFailed = errors.New("failed")

// untilCanceled is a part that does nothing until its context ends.
func untilCanceled(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestCloseOrder holds that parts end one by one in the reverse of their order, and that an error
// stops nothing.
func TestCloseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(discard(), time.Second)
		var ended []string
		for _, name := range []string{"first", "second", "third"} {
			s.Start(name, func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Millisecond) // the next part ends after this one has returned
				ended = append(ended, name)
				if name == "second" {
					return errFailed
				}
				return ctx.Err()
			})
		}
		s.OnClose("fourth", func() error { ended = append(ended, "fourth"); return nil })
		err := s.Close()
		if !errors.Is(err, errFailed) || !strings.Contains(err.Error(), "close second: failed") {
			t.Errorf("error %v", err)
		}
		if want := []string{"fourth", "third", "second", "first"}; !slices.Equal(ended, want) {
			t.Errorf("ended in the order %v, want %v", ended, want)
		}
		if err := s.Close(); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

// TestHangingPart holds that Close gives up after its patience and takes nothing away from under a
// part that hangs.
func TestHangingPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(discard(), time.Minute)
		below, release := false, make(chan struct{})
		s.OnClose("below", func() error { below = true; return nil })
		s.Start("hanging", func(context.Context) error { <-release; return nil })
		begun := time.Now()
		err := s.Close()
		if err == nil || !strings.Contains(err.Error(), "close hanging: still not done after 1m0s") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("gave up after %s", took)
		}
		if below {
			t.Error("what the hanging part stands on was taken down")
		}
		close(release)
	})
}

// TestFailureIsLogged holds that a part that fails is in the log at once, and a canceled one is
// not.
func TestFailureIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := New(slog.New(slog.NewTextHandler(&out, nil)), time.Second)
		s.Start("canceled", untilCanceled)
		s.Start("finished", func(context.Context) error { return nil })
		s.Start("broken", func(context.Context) error { return errFailed })
		synctest.Wait()
		if log := out.String(); !strings.Contains(log, "part=broken") || strings.Count(log, "part=") != 1 {
			t.Errorf("log: %s", log)
		}
		if err := s.Close(); err == nil || err.Error() != "close broken: failed" {
			t.Errorf("error %v", err)
		}
	})
}

// TestGroup holds that Close ends all functions together, tells their errors, and lets no other
// begin.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		var ended atomic.Int32
		for range 3 {
			g.Go(func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second)
				ended.Add(1)
				return ctx.Err()
			})
		}
		g.Go(func(context.Context) error { return errFailed })
		begun := time.Now()
		if err := g.Close(); !errors.Is(err, errFailed) || err.Error() != "failed" {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begun); took != time.Second || ended.Load() != 3 {
			t.Errorf("%d ended after %s", ended.Load(), took)
		}
		if g.Go(func(context.Context) error { t.Error("it ran"); return nil }) {
			t.Error("a closed group runs a function")
		}
	})
}

// TestUnusedGroup holds that the zero value can be closed.
func TestUnusedGroup(t *testing.T) {
	var g Group
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// TestRun holds that Run waits for all functions, and that one failure ends the others.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := func(context.Context) error { time.Sleep(time.Second); return errFailed }
		if err := Run(t.Context(), untilCanceled, fail, untilCanceled); err == nil || err.Error() != "failed" {
			t.Errorf("one fails: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Run(ctx, untilCanceled, untilCanceled); err != nil {
			t.Errorf("the caller ends them: %v", err)
		}
		if err := Run(t.Context()); err != nil {
			t.Errorf("none: %v", err)
		}
	})
}
