package node

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// closing is what to take down, in the reverse of the order in which it was put up.
type closing struct {
	log   *slog.Logger
	steps []step
}

type step struct {
	what  string
	close func() error
}

// add must be called as soon as there is something to close.
func (c *closing) add(what string, close func() error) { c.steps = append(c.steps, step{what, close}) }

// run takes everything down. A step that takes too long, or fails, keeps nobody from the next one,
// except that nothing is taken away from under a step that hangs: then the rest is left to the end
// of the process, which loses nothing, as all that was acknowledged is on disk.
func (c *closing) run() error {
	var errs []error
	for len(c.steps) > 0 {
		s := c.steps[len(c.steps)-1]
		c.steps = c.steps[:len(c.steps)-1]
		begin := time.Now()
		done := make(chan error, 1)
		go func() { done <- s.close() }()
		select {
		case err := <-done:
			if err != nil {
				errs = append(errs, fmt.Errorf("close %s: %w", s.what, err))
			}
			c.log.Debug("closed", "part", s.what, "took", time.Since(begin))
		case <-time.After(closeStep):
			return errors.Join(append(errs, fmt.Errorf("close %s: still not done after %s, giving up", s.what, closeStep))...)
		}
	}
	return errors.Join(errs...)
}
