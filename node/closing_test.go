package node

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestClosingOrder(t *testing.T) {
	c := closing{log: slog.New(slog.DiscardHandler)}
	var order []string
	for _, what := range []string{"first", "second", "third"} {
		c.add(what, func() error {
			order = append(order, what)
			if what == "second" {
				return errors.New("failed")
			}
			return nil
		})
	}
	err := c.run()
	if err == nil || !strings.Contains(err.Error(), "close second: failed") {
		t.Errorf("error %v", err)
	}
	if !slices.Equal(order, []string{"third", "second", "first"}) {
		t.Errorf("order %v", order)
	}
	if err := c.run(); err != nil {
		t.Errorf("again: %v", err)
	}
}
