package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Supervisor runs parts that stand on each other, and ends them in the reverse of the order in
// which they were started. Its methods must not be called at the same time.
type Supervisor struct {
	log      *slog.Logger
	patience time.Duration
	parts    []part
}

// part is what Close takes down in one step.
type part struct {
	name  string
	close func() error
}

// New returns a supervisor without parts. Close waits for each part at most as long as patience.
func New(log *slog.Logger, patience time.Duration) *Supervisor {
	return &Supervisor{log: log, patience: patience}
}

// Start runs a part in a goroutine. Close ends its context and waits for it. A part that fails
// before is logged at once, because nobody may look at the error of Close for weeks.
func (s *Supervisor) Start(name string, run func(ctx context.Context) error) {
	group := new(Group)
	group.Go(func(ctx context.Context) error {
		err := run(ctx)
		if failed := outcome(ctx, err); failed != nil {
			s.log.Error("a part of the node has failed: restart the node", "part", name, "error", failed)
		}
		return err
	})
	s.OnClose(name, group.Close)
}

// OnClose has Close call a function that takes down a part which was started elsewhere.
func (s *Supervisor) OnClose(name string, close func() error) {
	s.parts = append(s.parts, part{name, close})
}

// Close takes all parts down. A part that fails does not keep the next one up. A part that hangs
// does: nothing is taken away from under it. The rest is then left to the end of the process. That
// loses no data, because everything that was acknowledged is on disk. A second call does nothing.
func (s *Supervisor) Close() error {
	var failed []error
	for len(s.parts) > 0 {
		p := s.parts[len(s.parts)-1]
		s.parts = s.parts[:len(s.parts)-1]
		hangs, err := s.closePart(p)
		if err != nil {
			failed = append(failed, fmt.Errorf("close %s: %w", p.name, err))
		}
		if hangs {
			break
		}
	}
	return errors.Join(failed...)
}

// closePart takes one part down, and reports whether it hangs.
func (s *Supervisor) closePart(p part) (hangs bool, err error) {
	begun := time.Now()
	done := make(chan error, 1)
	go func() { done <- p.close() }()
	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	select {
	case err := <-done:
		s.log.Debug("closed", "part", p.name, "took", time.Since(begun))
		return false, err
	case <-timer.C:
		return true, fmt.Errorf("still not done after %s, giving up", s.patience)
	}
}
