package negentropy

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// go test ./sync/internal/negentropy -run Vectors -update writes the vectors again.
var update = flag.Bool("update", false, "write protocol/testdata/negentropy.json again")

const vectorsPath = "../../../protocol/testdata/negentropy.json"

// vectors are for any implementation; protocol/testdata/README.md says what they mean. A simple
// encoder in this file makes them, not the code that they test.
type vectors struct {
	Numbers      []numberVector      `json:"numbers"`
	Fingerprints []fingerprintVector `json:"fingerprints"`
	Messages     []messageVector     `json:"messages"`
	Answers      []answerVector      `json:"answers"`
	Bounded      []boundedVector     `json:"bounded"`
	Violations   []violationVector   `json:"violations"`
}

type numberVector struct {
	Number uint64 `json:"number,string"`
	Bytes  string `json:"bytes"`
}

type fingerprintVector struct {
	IDs         []string `json:"ids"`
	Fingerprint string   `json:"fingerprint"`
}

type messageVector struct {
	Name    string        `json:"name"`
	Message string        `json:"message"`
	Ranges  []rangeVector `json:"ranges"`
}

// rangeVector is a range of a message, without its lower bound. Time is "infinity" or a decimal
// number.
type rangeVector struct {
	Time        string   `json:"time"`
	ID          string   `json:"id"`
	Mode        string   `json:"mode"`
	Fingerprint string   `json:"fingerprint,omitempty"`
	IDs         []string `json:"ids,omitempty"`
}

type answerVector struct {
	Name    string       `json:"name"`
	Items   []itemVector `json:"items"`
	Message string       `json:"message"`
	Answer  string       `json:"answer"`
}

// boundedVector is an answer of a responder that has a horizon.
type boundedVector struct {
	answerVector
	End uint64 `json:"end,string"`
	Far uint64 `json:"far,string"`
}

type itemVector struct {
	Timestamp uint64 `json:"timestamp,string"`
	ID        string `json:"id"`
}

type violationVector struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func readFaults(t *testing.T) (all []violationVector) {
	text, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if message, reason, ok := strings.Cut(line, "|"); ok {
			all = append(all, violationVector{strings.TrimSpace(reason), hex.EncodeToString(unhex(t, strings.TrimSpace(message)))})
		}
	}
	return all
}

// TestVectors holds the package to the vectors, and the vectors to their generator.
func TestVectors(t *testing.T) {
	made := makeVectors()
	made.Violations = readFaults(t)
	raw, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if raw = append(raw, '\n'); *update {
		if err := os.WriteFile(vectorsPath, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if file, err := os.ReadFile(vectorsPath); err != nil || !bytes.Equal(file, raw) {
		t.Errorf("negentropy.json is not what the generator makes: %v; go test ./sync/internal/negentropy -run Vectors -update", err)
	}
	for _, v := range made.Numbers {
		in := &reader{message: unhex(t, v.Bytes)}
		if n, err := in.varint(); err != nil || n != v.Number || in.more() || !bytes.Equal(appendVarint(nil, v.Number), in.message) {
			t.Errorf("%d: %d, %v", v.Number, n, err)
		}
	}
	for _, v := range made.Fingerprints {
		var items slice
		for i, id := range v.IDs {
			items = append(items, Item{uint64(i), ID(unhex(t, id))})
		}
		if f := sumOfItems(items).fingerprint(len(items)); hex.EncodeToString(f[:]) != v.Fingerprint {
			t.Errorf("fingerprint of %d IDs: %x, want %s", len(v.IDs), f, v.Fingerprint)
		}
	}
	for _, v := range made.Messages {
		v.check(t)
	}
	for _, v := range made.Answers {
		v.check(t, NoHorizon)
	}
	for _, v := range made.Bounded {
		v.check(t, Horizon{End: Bound{Timestamp: v.End}, Far: Bound{Timestamp: v.Far}})
	}
	for _, v := range made.Violations { // TestFaults looks at the reasons
		var fault *MessageError
		if _, err := Respond(newTree(t), unhex(t, v.Message), 0); !errors.As(err, &fault) {
			t.Errorf("%s: %s: %v", v.Reason, v.Message, err)
		}
	}
}

// check answers the message as the package does.
func (v answerVector) check(t *testing.T, h Horizon) {
	var items slice
	for _, item := range v.Items {
		items = append(items, Item{item.Timestamp, ID(unhex(t, item.ID))})
	}
	reply, err := RespondUpTo(newTree(t, items...), unhex(t, v.Message), 0, h)
	if err != nil || hex.EncodeToString(reply.Message) != v.Answer {
		t.Errorf("%s: %v\n%x, want\n%s", v.Name, err, reply.Message, v.Answer)
	}
}

// sumOfItems is the sum of the items' IDs, which may occur more than once here and not in a Tree.
func sumOfItems(items []Item) *sum {
	var total sum
	for i := range items {
		one := sumOf(&items[i].ID)
		total.add(&one)
	}
	return &total
}

// check reads a message as the package does, and writes it again.
func (v messageVector) check(t *testing.T) {
	message := unhex(t, v.Message)
	got, err := ranges(message)
	if err != nil || len(got) != len(v.Ranges) {
		t.Errorf("%s: %d ranges, %v", v.Name, len(got), err)
		return
	}
	w, names := newWriter(), map[string]int{"skip": modeSkip, "fingerprint": modeFingerprint, "list": modeIDList}
	for i, want := range v.Ranges {
		r := got[i]
		time := fmt.Sprint(r.upper.Timestamp)
		if r.upper == Infinity {
			time = "infinity"
		}
		id := hex.EncodeToString(r.upper.ID[:])
		fingerprint := ""
		if r.mode == modeFingerprint {
			fingerprint = hex.EncodeToString(r.fingerprint[:])
		}
		if time != want.Time || id != want.ID+strings.Repeat("0", 64-len(want.ID)) || r.mode != names[want.Mode] ||
			fingerprint != want.Fingerprint || hex.EncodeToString(r.ids) != strings.Join(want.IDs, "") {
			t.Errorf("%s, range %d: %+v, want %+v", v.Name, i, r, want)
		}
		switch w.bound(r.upper); r.mode {
		case modeSkip:
			w.message = append(w.message, modeSkip)
		case modeFingerprint:
			w.message = append(append(w.message, modeFingerprint), r.fingerprint[:]...)
		case modeIDList:
			w.message = append(appendVarint(append(w.message, modeIDList), uint64(len(r.ids)/32)), r.ids...)
		}
	}
	if !bytes.Equal(w.message, message) {
		t.Errorf("%s: written as %x", v.Name, w.message)
	}
}
