package pulse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
)

func isViolation(err error) bool { return penalty.ViolationIn(err) != nil }

// TestWire: what is written is read again, and what no correct peer sends is a violation.
func TestWire(t *testing.T) {
	t.Parallel()
	sums := make([]uint64, buckets)
	sums[7], sums[255] = 1<<63+5, 9
	for _, q := range []question{{until: 1_800_000_000}, {until: 5, first: 255, fingerprints: sums}} {
		raw := appendQuestion(nil, q)
		again, err := readQuestion(bytes.NewReader(raw[1:]))
		if err != nil || again.until != q.until || again.first != q.first || !slices.Equal(again.fingerprints, q.fingerprints) {
			t.Errorf("%+v, %v", again, err)
		}
		for _, wrong := range [][]byte{nil, raw[1:5], raw[1 : len(raw)-1], append(slices.Clone(raw[1:]), 0), append(slices.Clone(raw[1:]), make([]byte, 8*buckets)...)} {
			if q.fingerprints == nil && len(wrong) == 9+8*buckets {
				continue
			}
			if _, err := readQuestion(bytes.NewReader(wrong)); !isViolation(err) {
				t.Errorf("a question of %d bytes: %v", len(wrong), err)
			}
		}
	}
	p := protocol.Pulse{Record: protocol.ID{1}, Second: 1_800_000_000}
	raw := appendItem(appendItem(nil, &p), &p)
	in := bufio.NewReader(bytes.NewReader(raw))
	for range 2 {
		if again, err := readItem(in); err != nil || again != p {
			t.Errorf("%+v, %v", again, err)
		}
	}
	if _, err := readItem(in); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	for _, wrong := range [][]byte{{0}, {118}, {255}, {113, 1}, append([]byte{113}, make([]byte, 113)...), raw[:50]} {
		if _, err := readItem(bufio.NewReader(bytes.NewReader(wrong))); !isViolation(err) {
			t.Errorf("%x: %v", wrong, err)
		}
	}
}

// FuzzRequest: whatever bytes come, a request is read within its bounds, or refused.
func FuzzRequest(f *testing.F) {
	p := protocol.Pulse{Record: protocol.ID{1}, Second: 1_800_000_000}
	f.Add(appendPush(nil, []protocol.Pulse{p, p}))
	f.Add(appendQuestion(nil, question{until: 5, fingerprints: make([]uint64, buckets)}))
	f.Add(appendQuestion(nil, question{until: 5, first: 3}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if q, err := readQuestion(bytes.NewReader(raw)); err == nil {
			if q.first < 0 || q.first >= buckets || len(q.fingerprints) != 0 && len(q.fingerprints) != buckets || q.until > protocol.MaxPulseSecond {
				t.Fatalf("%+v", q)
			}
		}
		in := bufio.NewReader(bytes.NewReader(raw))
		var again []byte
		for {
			p, err := readItem(in)
			if err != nil {
				break
			}
			again = appendItem(again, &p)
		}
		if !bytes.HasPrefix(raw, again) {
			t.Fatalf("%x is read as %x", raw, again)
		}
	})
}
