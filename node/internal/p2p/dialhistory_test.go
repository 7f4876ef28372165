package p2p

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestDialProblem(t *testing.T) {
	for err, want := range map[error]string{
		errors.New("two\r\n  * lines"):                     "two * lines",
		fmt.Errorf("failed: %w", context.DeadlineExceeded): "failed: no answer in time",
		errors.New(strings.Repeat("ö", maxProblem)):        strings.Repeat("ö", maxProblem/2) + "…",
		errors.New("x" + strings.Repeat("ö", maxProblem)):  "x" + strings.Repeat("ö", maxProblem/2-1) + "…",
	} {
		if got := DialProblem(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
