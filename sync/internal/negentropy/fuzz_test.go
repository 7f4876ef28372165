package negentropy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seeds are all messages in testdata.
func seeds(f *testing.F, add func(message []byte)) {
	t := new(testing.T)
	paths, _ := filepath.Glob("testdata/transcripts/*.txt")
	for _, path := range paths {
		script := readTranscript(t, path)
		for _, message := range append(script.asked, script.answered...) {
			if len(message) < 3000 {
				add(message)
			}
		}
	}
	text, err := os.ReadFile("testdata/faults.txt")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if message, _, ok := strings.Cut(line, "|"); ok {
			add(unhex(t, strings.TrimSpace(message)))
		}
	}
}

// ranges takes a message apart.
func ranges(message []byte) (all []wireRange, err error) {
	in := &reader{message: message}
	if _, err := in.version(); err != nil {
		return nil, err
	}
	for in.more() {
		rng, err := in.next()
		if err != nil {
			return nil, err
		}
		all = append(all, rng)
	}
	return all, nil
}

// FuzzDecode: what is read and written again reads the same.
func FuzzDecode(f *testing.F) {
	seeds(f, func(message []byte) { f.Add(message) })
	f.Fuzz(func(t *testing.T, message []byte) {
		before, err := ranges(message)
		if err != nil {
			return
		}
		w := newWriter()
		for _, rng := range before {
			switch rng.mode {
			case modeFingerprint:
				w.fingerprint(rng.lower, rng.upper, rng.fingerprint)
			case modeIDList:
				w.begin(rng.lower, rng.upper, modeIDList)
				w.message = append(appendVarint(w.message, uint64(len(rng.ids)/32)), rng.ids...)
			}
		}
		if len(w.message) > len(message) {
			t.Errorf("%x is written as %x", message, w.message)
		}
		after, err := ranges(w.message)
		if err != nil {
			t.Fatalf("%x is written as %x: %v", message, w.message, err)
		}
		for _, rng := range before {
			if rng.mode == modeSkip {
				continue
			}
			for len(after) > 0 && after[0].mode == modeSkip {
				after = after[1:]
			}
			if len(after) == 0 || after[0].lower != rng.lower || after[0].upper != rng.upper ||
				after[0].fingerprint != rng.fingerprint || string(after[0].ids) != string(rng.ids) {
				t.Fatalf("%x: lost %v", message, rng)
			}
			after = after[1:]
		}
	})
}

// FuzzRespond: any message is refused, or answered within the limit with what a correct initiator
// can read.
func FuzzRespond(f *testing.F) {
	seeds(f, func(message []byte) { f.Add(message, uint16(300)) })
	f.Fuzz(func(t *testing.T, message []byte, count uint16) {
		set := new(Tree)
		for _, item := range randomItems(1, int(count%2000), 1<<31) {
			set.Insert(item)
		}
		reply, err := Respond(set, message, MinFrameLimit)
		if err != nil {
			return
		}
		if len(reply.Message) > MinFrameLimit {
			t.Errorf("%d bytes", len(reply.Message))
		}
		if _, err := ranges(reply.Message); err != nil {
			t.Errorf("replies %x: %v", reply.Message, err)
		}
		for _, id := range reply.Unknown {
			if !strings.Contains(string(message), string(id[:])) {
				t.Errorf("%x was never listed", id)
			}
		}
	})
}

// FuzzNext: whatever a responder replies, an initiator refuses it, or gets on.
func FuzzNext(f *testing.F) {
	seeds(f, func(reply []byte) { f.Add(reply, reply, uint16(300)) })
	f.Fuzz(func(t *testing.T, first, second []byte, count uint16) {
		set := new(Tree)
		for _, item := range randomItems(1, int(count%2000), 1<<31) {
			set.Insert(item)
		}
		i := NewInitiator(Config{FrameLimit: MinFrameLimit})
		i.Start(set)
		var done Bound
		for _, reply := range [][]byte{first, second} {
			step, err := i.Next(set, reply, func(ID) {})
			if err != nil {
				return
			}
			if len(step.Message) > MinFrameLimit || step.Done.Compare(done) < 0 || (step.Message == nil) != (step.Done == Infinity) {
				t.Fatalf("%d bytes, done %v after %v", len(step.Message), step.Done, done)
			}
			done = step.Done
			if step.Message != nil {
				if _, err := Respond(set, step.Message, 0); err != nil {
					t.Fatalf("says %x: %v", step.Message, err)
				}
			}
			for n, p := range i.open {
				if p.from.Compare(p.to) >= 0 || n > 0 && i.open[n-1].to.Compare(p.from) > 0 {
					t.Fatalf("open ranges out of order: %v", i.open)
				}
			}
		}
	})
}
