package lfsync

import (
	"bytes"
	"io"
	"testing"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/push"
)

// Whatever a requester sends, reading it ends in a request within the limits or in an error. A
// request that was read is written as it came.
func FuzzRequest(f *testing.F) {
	f.Add([]byte{0, 0, fetch.NameSize})
	f.Add([]byte{1, 1, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	for _, width := range []int{fetch.NameSize, fetch.IDSize} {
		f.Add(fetch.AppendRequest(nil, fetch.Request{IDs: []protocol.ID{testID("a"), testID("b")}, Width: width, Ancestors: 255}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		req, err := fetch.ReadRequest(bytes.NewReader(data))
		if err != nil {
			return
		}
		if n := len(req.IDs); n == 0 || n > fetch.MaxAsked || req.Ancestors > fetch.MaxAncestors || req.Width != fetch.NameSize && req.Width != fetch.IDSize {
			t.Fatalf("%d names of %d bytes, %d ancestors", n, req.Width, req.Ancestors)
		}
		if again := fetch.AppendRequest(nil, req); !bytes.HasPrefix(data, again) {
			t.Fatalf("read % x, wrote % x", data, again)
		}
	})
}

// Whatever a responder sends, reading it ends, in items or in an error; and items that were read
// are written as they came.
func FuzzAnswer(f *testing.F) {
	w := newWorld(f, nil)
	r := w.record(f)
	var answer bytes.Buffer
	for _, r := range []*protocol.Record{r, nil, w.record(f, r)} {
		if _, err := fetch.WriteItem(&answer, r); err != nil {
			f.Fatal(err)
		}
	}
	_, _ = fetch.WriteAmbiguous(&answer)
	_, _ = fetch.WriteDamaged(&answer)
	f.Add(answer.Bytes())
	f.Add(answer.Bytes()[:answer.Len()-1])
	f.Add([]byte{byte(statusComplete), 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{byte(statusPruned), 0, 0, 0, 3, 0x82, 0x41, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		in := fetch.NewAnswerReader(bytes.NewReader(data))
		var again bytes.Buffer
		for {
			it, err := fetch.ReadItem(in)
			if err != nil {
				break
			}
			if it.Ambiguous {
				_, _ = fetch.WriteAmbiguous(&again)
				continue
			}
			if it.Damaged {
				_, _ = fetch.WriteDamaged(&again)
				continue
			}
			if it.Unknown {
				return // of a version not known here; what it was is lost
			}
			if it.Record != nil && it.Pruned == it.Record.HasValue() {
				t.Fatal("the status belies the frame")
			}
			if _, err := fetch.WriteItem(&again, it.Record); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(data, again.Bytes()) {
			t.Fatalf("read % x, wrote % x", data, again.Bytes())
		}
	})
}

// Whatever a peer announces, reading it ends in an announcement within the limits or in an error.
// One that was read is written as it came.
func FuzzAnnouncement(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{push.MaxPushed + 1})
	f.Add(push.AppendAnnouncement(nil, []protocol.ID{testID("a"), testID("b")}))
	f.Add(push.AppendAnnouncement(nil, []protocol.ID{testID("a"), testID("a")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		ids, err := push.ReadAnnouncement(bytes.NewReader(data))
		if err != nil {
			return
		}
		if n := len(ids); n == 0 || n > push.MaxPushed {
			t.Fatalf("%d records", n)
		}
		if again := push.AppendAnnouncement(nil, ids); !bytes.HasPrefix(data, again) {
			t.Fatalf("read % x, wrote % x", data, again)
		}
	})
}

// The same of the answer to an announcement, whatever was announced.
func FuzzWanted(f *testing.F) {
	f.Add(1, []byte{1})
	f.Add(9, []byte{0xff, 1})
	f.Add(9, []byte{0xff, 2})
	f.Add(push.MaxPushed, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, count int, data []byte) {
		if count < 1 || count > push.MaxPushed {
			return
		}
		wanted, err := push.ReadWanted(bytes.NewReader(data), count)
		if err != nil {
			return
		}
		if again := push.AppendWanted(nil, wanted); len(wanted) != count || !bytes.HasPrefix(data, again) {
			t.Fatalf("read % x, %d bits, wrote % x", data, len(wanted), again)
		}
	})
}

// What is written is read as it was, and no more of it than there is.
func TestWire(t *testing.T) {
	w := newWorld(t, nil)
	r := w.record(t)
	pruned, err := protocol.DecodeFrame(forge(t, r, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	var answer bytes.Buffer
	for _, r := range []*protocol.Record{r, nil, pruned} {
		if _, err := fetch.WriteItem(&answer, r); err != nil {
			t.Fatal(err)
		}
	}
	size := answer.Len()
	in := fetch.NewAnswerReader(&answer)
	for i, want := range []struct{ here, pruned bool }{{true, false}, {false, false}, {true, true}} {
		it, err := fetch.ReadItem(in)
		if err != nil || (it.Record != nil) != want.here || it.Pruned != want.pruned {
			t.Errorf("item %d: %+v, %v", i, it, err)
		}
	}
	if _, err := fetch.ReadItem(in); err != io.EOF {
		t.Errorf("behind the last of %d bytes: %v", size, err)
	}
}
