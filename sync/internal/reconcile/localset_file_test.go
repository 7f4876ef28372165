package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/storedset"
)

// markedStore has items, and remembers the last two tokens.
type markedStore struct {
	items      []intake.Item
	file, next [16]byte
	marks      int
	scanned    int // items

	mu    sync.Mutex
	asked int   // how often for IDs
	sick  error // what is answered instead
}

func (s *markedStore) Scan(ctx context.Context, yield func([]intake.Item) error) error {
	return s.ScanAfter(ctx, 0, yield)
}

func (s *markedStore) ScanAfter(_ context.Context, index uint64, yield func([]intake.Item) error) error {
	for chunk := range slices.Chunk(s.items[index:], 1000) {
		s.scanned += len(chunk)
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (s *markedStore) ItemsAfter(_ context.Context, index uint64, into []intake.Item) ([]intake.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sick != nil {
		return nil, s.sick
	}
	s.asked++
	n := min(cap(into)-len(into), len(s.items)-int(index))
	return append(into, s.items[index:int(index)+n]...), nil
}

func (s *markedStore) Marked(context.Context, string) (func(mapped.Stamp) bool, uint64, error) {
	has := func(m mapped.Stamp) bool {
		return m.Index <= uint64(len(s.items)) && (m.Token == s.file || m.Token == s.next)
	}
	return has, uint64(len(s.items)), nil
}

func (s *markedStore) Mark(_ context.Context, _ string, have [16]byte) (mapped.Stamp, error) {
	s.marks++
	s.file, s.next = have, [16]byte{byte(s.marks)}
	return mapped.Stamp{Token: s.next, Index: uint64(len(s.items))}, nil
}

func (s *markedStore) Follow(func([]intake.Item)) func() { return func() {} }
func (s *markedStore) Unknown(context.Context, []protocol.ID) ([]protocol.ID, error) {
	return nil, nil
}

func (s *markedStore) grow(n int) []intake.Item {
	for range n {
		at := uint64(len(s.items))
		s.items = append(s.items, intake.Item{ID: sha256.Sum256(binary.BigEndian.AppendUint64(nil, at)), Timestamp: 1000 + at/3, Index: at + 1})
	}
	return s.items[len(s.items)-n:]
}

// openedSet is a reconciler whose set has all of the store.
func openedSet(t *testing.T, s *markedStore, path string) *Reconciler {
	t.Helper()
	c := &Reconciler{c: Config{Store: s, Keep: Keep{Path: path, Marks: s}, Log: slog.New(slog.DiscardHandler)}, own: newLocalSet()}
	if from := c.openSet(t.Context()); !c.scan(t.Context(), from) {
		t.Fatal("the store could not be scanned")
	}
	c.own.complete()
	return c
}

func (s *markedStore) fingerprint() negentropy.Fingerprint {
	tree := new(negentropy.Tree)
	for _, item := range s.items {
		tree.Insert(negentropy.Item{Timestamp: item.Timestamp, ID: item.ID})
	}
	return tree.Fingerprint(0, tree.Len())
}

func (s *markedStore) mustBeIn(t *testing.T, c *Reconciler) {
	t.Helper()
	f, n, ready := c.own.fingerprint()
	if f != s.fingerprint() || n != uint64(len(s.items)) || !ready {
		t.Fatalf("the set is another one: %d of %d records, ready %v", n, len(s.items), ready)
	}
}

// TestSetFile ends and kills a node with a set in a file: the next start scans only what came after
// the last checkpoint.
func TestSetFile(t *testing.T) {
	t.Parallel()
	s, path := new(markedStore), filepath.Join(t.TempDir(), "set")
	s.grow(keepLeast - 1)
	c := openedSet(t, s, path)
	c.closeSet()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("a small set has a file", err)
	}
	c.own.add(s.grow(5000)) // it grows in use, and moves into a file
	c.checkpoint(t.Context())
	s.mustBeIn(t, c)
	c.own.add(s.grow(100)) // killed here

	s.scanned = 0
	c = openedSet(t, s, path)
	s.mustBeIn(t, c)
	if s.scanned != 100 {
		t.Errorf("after kill -9 %d records were scanned, want 100", s.scanned)
	}
	c.own.add(s.grow(100))
	c.closeSet()
	s.scanned = 0
	c = openedSet(t, s, path)
	s.mustBeIn(t, c)
	if s.scanned != 0 {
		t.Errorf("after a clean end %d records were scanned", s.scanned)
	}
	c.closeSet()

	s.file, s.next = [16]byte{9}, [16]byte{9} // the database is of another moment
	c = openedSet(t, s, path)
	s.mustBeIn(t, c)
	if s.scanned != len(s.items) {
		t.Errorf("of another database's set all but %d records were believed", s.scanned)
	}
	c.closeSet()
}

// TestSetFileBreaks flips a bit in each part of the file: a session that meets it ends without a
// violation, and the set is made again.
func TestSetFileBreaks(t *testing.T) {
	t.Parallel()
	s, path := new(markedStore), filepath.Join(t.TempDir(), "set")
	s.grow(keepLeast + 1000)
	c := openedSet(t, s, path)
	c.closeSet()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 100; at < len(whole); at += len(whole) / 7 {
		b := slices.Clone(whole)
		b[at] ^= 1
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c = openedSet(t, s, path)
		read := 0
		err := c.own.view(func(set negentropy.Set) {
			for range set.Items(0, set.Len()) {
				read++
			}
			for i := range 100 {
				set.Fingerprint(i*set.Len()/100, set.Len())
			}
		})
		if err == nil || c.own.isReady() {
			t.Fatalf("byte %d: %d records were read, and nobody noticed the damage", at, read)
		}
		c.own.add(s.grow(3)) // the store goes on meanwhile
		if !c.keepSet(t.Context()) {
			t.Fatal("nobody makes the set again")
		}
		c.own.begin(c.c.Keep, c.c.Log)
		if c.own.isReady() || !c.scan(t.Context(), 0) {
			t.Fatal("the set cannot be made again")
		}
		c.own.complete()
		s.mustBeIn(t, c)
		c.closeSet()
		if whole, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSetAsksTheStore: a set that is opened asks the store for the few IDs that an answer needs. A
// store that cannot tell them is no damage of the set. What is inserted meanwhile is read again.
func TestSetAsksTheStore(t *testing.T) {
	t.Parallel()
	s, path := new(markedStore), filepath.Join(t.TempDir(), "set")
	s.grow(keepLeast + 1000)
	c := openedSet(t, s, path)
	if s.asked > 0 {
		t.Errorf("while it was read the set asked %d times for what it was told", s.asked)
	}
	c.closeSet()
	c = openedSet(t, s, path)
	s.asked = 0
	var have negentropy.Fingerprint
	ask := func() error {
		return c.own.view(func(set negentropy.Set) { have = set.Fingerprint(1000, 9000) })
	}
	s.sick = errors.New("the disk is slow to answer")
	if err := ask(); !errors.Is(err, s.sick) || !c.own.isReady() {
		t.Fatalf("an answer without the store: %v; ready %v", err, c.own.isReady())
	}
	s.sick = nil
	if err := ask(); err != nil || s.asked > 4 {
		t.Fatalf("%v; asked %d times", err, s.asked)
	}
	all := new(negentropy.Tree)
	for _, item := range s.items {
		all.Insert(negentropy.Item{Timestamp: item.Timestamp, ID: item.ID})
	}
	if want := all.Fingerprint(1000, 9000); have != want {
		t.Errorf("the fingerprint is %x, want %x", have, want)
	}
	s.mustBeIn(t, c)

	s.sick = errors.New("the database is closed")
	old := s.grow(1)
	old[0].Timestamp = 1000 + 2000/3 // among old ones: that asks for their IDs
	s.items[len(s.items)-1] = old[0]
	c.own.add(old)
	if c.own.isReady() || !c.keepSet(t.Context()) {
		t.Fatal("a set that lacks an item is ready")
	}
	s.sick = nil
	c.own.begin(c.c.Keep, c.c.Log)
	if !c.scan(t.Context(), 0) {
		t.Fatal("the set cannot be made again")
	}
	c.own.complete()
	s.mustBeIn(t, c)
	c.closeSet()
}

// TestCheckFile: a check finds a file that is damaged, of another moment, or of other records.
func TestCheckFile(t *testing.T) {
	t.Parallel()
	s, path := new(markedStore), filepath.Join(t.TempDir(), "set")
	check := func(what, want string) {
		t.Helper()
		problem, err := storedset.CheckFile(t.Context(), path, s)
		if err != nil || !strings.Contains(problem, want) || (want == "") != (problem == "") {
			t.Errorf("%s: %q, %v; want %q", what, problem, err, want)
		}
	}
	check("no file", "")
	s.grow(keepLeast + 1000)
	c := openedSet(t, s, path)
	c.closeSet()
	check("a sound file", "")
	s.grow(100) // after the checkpoint
	check("a killed node's", "")

	at := len(s.items) / 2
	was := s.items[at]
	for what, other := range map[string]func(*intake.Item){
		"another ID":        func(i *intake.Item) { i.ID[3]++ },
		"another timestamp": func(i *intake.Item) { i.Timestamp++ },
	} {
		other(&s.items[at])
		check(what, "remove "+path)
		s.items[at] = was
	}
	all := s.items
	s.items = all[:keepLeast]
	check("records that the database lacks", "the next start makes it again")
	s.items = all
	s.sick = errors.New("the database cannot be read")
	if _, err := storedset.CheckFile(t.Context(), path, s); !errors.Is(err, s.sick) {
		t.Errorf("without the database: %v", err)
	}
	s.sick = nil
	token := s.next
	s.file, s.next = [16]byte{9}, [16]byte{9}
	check("another moment's", "of another moment")
	s.next = token
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	check("a flipped bit", "is damaged")
}
