package negentropy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// transcript is a session with another implementation, as interop wrote it down.
type transcript struct {
	initiator, responder slice
	ours                 string // which of the two
	limit                int
	asked, answered      [][]byte
}

// readTranscript reads lines of a word and what belongs to it. Items are given by number: spans
// from (included) to to (excluded). The ID is the SHA-256 of the number in decimal. As many
// neighbours as "alike" says share a timestamp.
func readTranscript(t *testing.T, path string) transcript {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out transcript
	alike := 1
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "ours":
			out.ours = rest
		case "alike":
			fmt.Sscan(rest, &alike)
		case "limit":
			fmt.Sscan(rest, &out.limit)
		case "initiator":
			out.initiator = numbered(rest, alike)
		case "responder":
			out.responder = numbered(rest, alike)
		case ">":
			out.asked = append(out.asked, unhex(t, rest))
		case "<":
			out.answered = append(out.answered, unhex(t, rest))
		case "#":
		default:
			t.Fatalf("%s: what is %q?", path, word)
		}
	}
	return out
}

func numbered(spans string, alike int) (items slice) {
	for _, span := range strings.Fields(spans) {
		var from, to int
		fmt.Sscanf(span, "%d-%d", &from, &to)
		for n := from; n < to; n++ {
			items.insert(Item{uint64(1_700_000_000 + n/alike), sha256.Sum256(fmt.Append(nil, n))})
		}
	}
	return items
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "_", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTranscripts replays sessions with other implementations: ours says the same as it did then,
// byte for byte, and finds what differs.
func TestTranscripts(t *testing.T) {
	paths, _ := filepath.Glob("testdata/transcripts/*.txt")
	if len(paths) < 30 {
		t.Fatalf("%d transcripts", len(paths))
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			script := readTranscript(t, path)
			if len(script.asked) == 0 || len(script.asked) != len(script.answered) {
				t.Fatalf("%d messages, %d replies", len(script.asked), len(script.answered))
			}
			if script.ours == "initiator" {
				script.replayInitiator(t, newTree(t, script.initiator...))
			} else {
				script.replayResponder(t, newTree(t, script.responder...))
			}
		})
	}
}

func (s transcript) replayResponder(t *testing.T, set Set) {
	for n, message := range s.asked {
		reply, err := Respond(set, message, s.limit)
		if err != nil || !bytes.Equal(reply.Message, s.answered[n]) {
			t.Fatalf("round %d: %v, %x", n, err, reply.Message)
		}
	}
}

func (s transcript) replayInitiator(t *testing.T, set Set) {
	i := NewInitiator(Config{FrameLimit: s.limit})
	var need, have []ID
	message := i.Start(set)
	for n, reply := range s.answered {
		if !bytes.Equal(message, s.asked[n]) {
			t.Fatalf("round %d: asks %x", n, message)
		}
		step, err := i.Next(set, reply, func(id ID) { have = append(have, id) })
		if err != nil {
			t.Fatalf("round %d: %v", n, err)
		}
		need, message = append(need, step.Need...), step.Message
	}
	if message != nil {
		t.Errorf("goes on with %x", message)
	}
	if !slices.Equal(sorted(need), sorted(minus(s.responder, s.initiator, Bound{}))) {
		t.Errorf("needs %d IDs", len(need))
	}
	if !slices.Equal(sorted(have), sorted(minus(s.initiator, s.responder, Bound{}))) {
		t.Errorf("has %d IDs", len(have))
	}
}

// TestFaults: messages that no correct peer sends are refused in both roles, with a reason.
func TestFaults(t *testing.T) {
	text, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	set, count := newTree(t, randomItems(1, 100, 1000)...), 0
	for line := range strings.Lines(string(text)) {
		message, reason, ok := strings.Cut(strings.TrimSpace(line), "|")
		if !ok {
			continue
		}
		count++
		reason = strings.TrimSpace(reason)
		refused := func(role string, err error) {
			var fault *MessageError
			if !errors.As(err, &fault) || !strings.Contains(fault.Reason, reason) || fault.Offset > len(unhex(t, message)) {
				t.Errorf("%s, %s: %v, want %s", role, message, err, reason)
			}
		}
		_, err := Respond(set, unhex(t, message), 0)
		refused("Respond", err)
		i := NewInitiator(Config{})
		i.Start(set)
		_, err = i.Next(set, unhex(t, message), nil)
		refused("Next", err)
	}
	if count < 25 {
		t.Fatalf("%d faults", count)
	}
}
