package interop

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/sync/internal/negentropy"
)

// The transcripts in ../testdata/transcripts are sessions of ours with JavaScript packages. They
// are replayed by the tests of package negentropy, which need no JavaScript, and written by
//
//	cd js && npm install && cd .. && go test -run Transcripts -write .
var write = flag.Bool("write", false, "write transcripts with node and the packages in js/")

// party is a JavaScript package and what it can do: nostr-tools speaks only for initiators.
type party struct{ name, version string }

var (
	tools = party{"nostr-tools", "2.25.2"}
	ndk   = party{"ndk", "1.0.0"}
)

// sessionCase is a session to be written down: which side has which items, and how many neighbours
// share a timestamp.
type sessionCase struct {
	name                 string
	initiator, responder string // as "0-70 100-200": from (included) to to (excluded)
	alike, limit         int
}

var sessionCases = []sessionCase{
	{"both-empty", "", "", 1, 0},
	{"nothing-here", "", "0-100", 1, 0},
	{"nothing-there", "0-100", "", 1, 0},
	{"equal", "0-300", "0-300", 1, 0},
	{"disjoint", "0-50 90-120", "50-90", 1, 0},
	{"one-missing", "0-321 322-1000", "0-1000", 1, 0},
	{"one-more", "0-1000", "0-321 322-1000", 1, 0},
	{"some", "0-20 21-64 70-90 91-400", "0-67 68-380 390-400", 1, 0},
	{"same-timestamps", "0-100 103-250", "0-2 3-250", 50, 0},
	{"one-timestamp", "0-40 41-200", "0-199", 1 << 30, 0},
	{"frame-limit", "0-20 200-210", "10-300", 3, 4096},
}

func TestTranscripts(t *testing.T) {
	if !*write {
		t.Skip("transcripts are written only on demand: -write")
	}
	for _, c := range sessionCases {
		c.write(t, tools, "responder")
		c.write(t, ndk, "responder")
		c.write(t, ndk, "initiator")
	}
}

// write runs a session in which ours has the role and writes down what was said.
func (c sessionCase) write(t *testing.T, they party, ours string) {
	initiator, responder := c.items(c.initiator), c.items(c.responder)
	var b strings.Builder
	fmt.Fprintf(&b, "# With the JavaScript package %s %s. Written by sync/internal/negentropy/interop.\n", they.name, they.version)
	fmt.Fprintf(&b, "ours %s\nalike %d\nlimit %d\n", ours, c.alike, c.limit)
	fmt.Fprintf(&b, "initiator %s\nresponder %s\n", c.initiator, c.responder)
	js := start(t)
	if ours == "initiator" {
		js.make(they, responder, c.limit)
		c.weInitiate(t, js, tree(initiator), &b)
	} else {
		js.make(they, initiator, c.limit)
		c.theyInitiate(t, js, tree(responder), &b)
	}
	path := filepath.Join("..", "testdata", "transcripts", fmt.Sprintf("%s-%s-%s.txt", c.name, ours, they.name))
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (c sessionCase) weInitiate(t *testing.T, js *peer, set negentropy.Set, b *strings.Builder) {
	we := negentropy.NewInitiator(negentropy.Config{FrameLimit: c.limit})
	for message := we.Start(set); message != nil; {
		reply := js.ask(map[string]any{"reconcile": hex.EncodeToString(message)})
		fmt.Fprintf(b, "> %x\n< %s\n", message, reply.Message)
		raw, _ := hex.DecodeString(reply.Message)
		step, err := we.Next(set, raw, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		message = step.Message
	}
}

func (c sessionCase) theyInitiate(t *testing.T, js *peer, set negentropy.Set, b *strings.Builder) {
	var need, have []string
	for message := js.ask(map[string]any{"initiate": true}).Message; message != ""; {
		raw, _ := hex.DecodeString(message)
		reply, err := negentropy.Respond(set, raw, c.limit)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		fmt.Fprintf(b, "> %s\n< %x\n", message, reply.Message)
		next := js.ask(map[string]any{"reconcile": hex.EncodeToString(reply.Message)})
		need, have = append(need, next.Need...), append(have, next.Have...)
		message = next.Message
	}
	c.expect(t, need, have)
}

// expect fails unless they found what differs.
func (c sessionCase) expect(t *testing.T, need, have []string) {
	initiator, responder := c.items(c.initiator), c.items(c.responder)
	differ := func(a, b []negentropy.Item) (ids []string) {
		for _, item := range a {
			if !slices.Contains(b, item) {
				ids = append(ids, hex.EncodeToString(item.ID[:]))
			}
		}
		slices.Sort(ids)
		return ids
	}
	slices.Sort(need)
	slices.Sort(have)
	if !slices.Equal(slices.Compact(need), differ(responder, initiator)) || !slices.Equal(slices.Compact(have), differ(initiator, responder)) {
		t.Errorf("%s: they did not find what differs", c.name)
	}
}

// items makes those with the numbers in a list of spans: the ID is the SHA-256 of the number in
// decimal.
func (c sessionCase) items(spans string) (items []negentropy.Item) {
	for _, span := range strings.Fields(spans) {
		var from, to int
		if _, err := fmt.Sscanf(span, "%d-%d", &from, &to); err != nil {
			panic(err)
		}
		for n := from; n < to; n++ {
			items = append(items, negentropy.Item{Timestamp: uint64(1_700_000_000 + n/c.alike), ID: sha256.Sum256(fmt.Append(nil, n))})
		}
	}
	return items
}

// peer is a running js/peer.mjs.
type peer struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

type answer struct {
	Message, Error string
	Need, Have     []string
}

func start(t *testing.T) *peer {
	cmd := exec.CommandContext(t.Context(), "node", "peer.mjs") // ended with the test
	cmd.Dir, cmd.Stderr = "js", os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() })
	return &peer{t, in, bufio.NewReader(out)}
}

func (p *peer) make(they party, items []negentropy.Item, limit int) {
	var pairs [][2]any
	for _, item := range items {
		pairs = append(pairs, [2]any{item.Timestamp, hex.EncodeToString(item.ID[:])})
	}
	p.ask(map[string]any{"new": they.name, "items": pairs, "limit": limit})
}

func (p *peer) ask(question map[string]any) (a answer) {
	p.t.Helper()
	line, err := json.Marshal(question)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatal(err)
	}
	line, err = p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		p.t.Fatal(err)
	}
	if a.Error != "" {
		p.t.Fatal(a.Error)
	}
	return a
}
