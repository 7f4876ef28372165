//go:build !linux

package bench

import (
	"errors"
	"testing"
)

const putVariable = "LF_BENCH_PUT"

func putFrames(string) error { return errors.ErrUnsupported }

func (g *largeHome) limited(b *testing.B) { b.Skip("a hard limit of memory takes Linux") }
