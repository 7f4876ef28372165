package outbox

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// box is an outbox with a clock of its own, and records for it.
type box struct {
	*Outbox
	path    string
	clock   time.Time
	records []*protocol.Record
}

type tester interface {
	Helper()
	Fatal(args ...any)
}

func newBox(t tester, folder string) *box {
	t.Helper()
	b := &box{path: filepath.Join(folder, "outbox"), clock: time.UnixMilli(2_000_000_000_000)}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	for i := range 20 {
		h := protocol.Header{
			Version: 1, Type: protocol.TypeRelease, Timestamp: uint64(i) + 1, Owner: protocol.OwnerOf(key),
			Links: []protocol.ID{{1}, {2}}, Selectors: []protocol.Selector{{}},
		}
		r, err := protocol.NewRecord(h, nil)
		if err != nil {
			t.Fatal(err)
		}
		b.records = append(b.records, r)
	}
	b.open(t, DefaultLimits)
	return b
}

func (b *box) open(t tester, limits Limits) {
	t.Helper()
	var err error
	if b.Outbox, err = Open(b.path, limits, func() time.Time { return b.clock }); err != nil {
		t.Fatal(err)
	}
}

func (b *box) hold(t tester, client string, number int) {
	t.Helper()
	r := b.records[number]
	if err := b.Hold(client, r.ID(), r.EncodeFrame()); err != nil {
		t.Fatal(err)
	}
}

// due is the number of the record that is due, -1 for none.
func (b *box) due() int {
	r, _, _ := b.Next()
	for i := range b.records {
		if r != nil && b.records[i].ID() == r.ID && string(b.records[i].EncodeFrame()) == string(r.Frame) {
			return i
		}
	}
	return -1
}

// TestTries: a record that somebody hands in is nobody else's. Then the pauses grow, and after a
// day the record is given up.
func TestTries(t *testing.T) {
	b := newBox(t, t.TempDir())
	defer b.Close()
	b.hold(t, "phone", 0)
	if b.due() != -1 {
		t.Fatal("due while it is handed in")
	}
	begun, tries := b.clock, 0
	for {
		again, _, err := b.Later(b.records[0].ID())
		if err != nil {
			t.Fatal(err)
		}
		if !again {
			break
		}
		_, wait, _ := b.Next()
		if wait < minPause || wait > maxPause {
			t.Fatal(wait)
		}
		b.clock = b.clock.Add(wait - time.Millisecond)
		if b.due() != -1 {
			t.Fatal("too early")
		}
		b.clock = b.clock.Add(time.Millisecond)
		if b.due() != 0 {
			t.Fatal("not due")
		}
		tries++
	}
	if took := b.clock.Sub(begun); took < Kept || took > Kept+maxPause || tries < 100 || b.Len() != 0 || b.Lost() != 1 {
		t.Fatal(took, tries, b.Len(), b.Lost())
	}
	if _, wait, _ := b.Next(); wait >= 0 {
		t.Fatal(wait)
	}
}

// TestWakes: who waits for a record that is due learns of one that comes.
func TestWakes(t *testing.T) {
	b := newBox(t, t.TempDir())
	defer b.Close()
	b.hold(t, "phone", 0)
	_, _, changed := b.Next()
	if _, _, err := b.Later(b.records[0].ID()); err != nil {
		t.Fatal(err)
	}
	<-changed
}

// TestRoom: the client that has most in the box loses its oldest record.
func TestRoom(t *testing.T) {
	b := newBox(t, t.TempDir())
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.open(t, Limits{Records: 5, Bytes: 1 << 20})
	defer b.Close()
	b.hold(t, "modest", 0)
	for i := 1; i < len(b.records); i++ {
		b.clock = b.clock.Add(time.Second)
		b.hold(t, "greedy", i)
	}
	if _, kept := b.Outbox.records[b.records[0].ID()]; !kept || b.Len() != 5 || b.Lost() != 15 {
		t.Fatal(kept, b.Len(), b.Lost())
	}
	for i := 16; i < 20; i++ {
		if _, kept := b.Outbox.records[b.records[i].ID()]; !kept {
			t.Error(i)
		}
	}
	if again, _, err := b.Later(b.records[3].ID()); again || err != nil {
		t.Error("a record that had no room is tried again")
	}
}

// TestKept compares the box with a model, over random histories with restarts and lines cut off.
func TestKept(t *testing.T) {
	test := t
	rapid.Check(t, func(t *rapid.T) {
		b := newBox(t, test.TempDir())
		in := map[int]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"hold": func(t *rapid.T) {
				i := rapid.IntRange(0, len(b.records)-1).Draw(t, "record")
				b.hold(t, "phone", i)
				in[i] = true
			},
			"done": func(t *rapid.T) {
				i := rapid.IntRange(0, len(b.records)-1).Draw(t, "record")
				if was, err := b.Done(b.records[i].ID(), false); err != nil || was != in[i] {
					t.Fatal(err)
				}
				delete(in, i)
			},
			"restart": func(t *rapid.T) {
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "torn") {
					f, err := os.OpenFile(b.path, os.O_WRONLY|os.O_APPEND, 0)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := f.WriteString(`{"id":"ba`); err != nil {
						t.Fatal(err)
					}
					f.Close()
				}
				b.open(t, DefaultLimits)
				due := map[int]bool{}
				for i := b.due(); i >= 0; i = b.due() {
					due[i] = true
				}
				if len(due) != len(in) {
					t.Fatal(due, in)
				}
			},
			"": func(t *rapid.T) {
				if b.Len() != len(in) {
					t.Fatal(b.Len(), in)
				}
				for i := range in {
					if b.Outbox.records[b.records[i].ID()] == nil {
						t.Fatal(i)
					}
				}
			},
		})
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
