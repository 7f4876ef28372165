package clock

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Serve answers with this node's clock. It takes none of the places that all peers share: it needs
// neither the store nor a core.
func (m *Monitor) Serve(ctx context.Context, s *stream.Served) error {
	if err := s.SetDeadline(s.ItemDeadline(ctx)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	switch n, err := s.Read(make([]byte, 1)); {
	case n > 0:
		return penalty.Violates("a question for the clock that says more")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("wait for the question: %w", err)
	}
	if err := s.Pay(ctx, 1); err != nil {
		return err
	}
	if _, err := s.Write(appendClock(nil, uint64(max(0, m.wall())))); err != nil {
		return fmt.Errorf("send the clock: %w", err)
	}
	return nil
}
