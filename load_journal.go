package lf

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// A journal remembers which lines of a file a node has acknowledged. It is a text file. Each of its
// lines has a line number and the index of the record in the node's database, in the order of the
// acknowledgments. The word "all" stands at the end when nothing is left to do. Entries are written
// after the acknowledgment: one that is lost costs writing that line again, never a record. A torn
// tail is cut off.
//
// Its methods are safe for concurrent use.
type journal struct {
	file *os.File
	lock *flock.Flock

	mu       sync.Mutex
	done     map[int]uint64 // the index of each line's record, 0 where the node told none
	complete bool
	synced   time.Time
}

const (
	journalFolder = "load"
	journalEnd    = "all"
	// journalSync is how often the journal is made durable while it is written.
	journalSync = time.Second
)

// openJournal opens the journal of a key in a home directory, and makes it on first use.
func openJournal(home string, key []byte) (*journal, error) {
	dir := filepath.Join(home, journalFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("load: the journal: %w", err)
	}
	path := filepath.Join(dir, hex.EncodeToString(key))
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("load: the journal: %w", err)
	case !locked:
		return nil, errors.New("another load is writing the same file: wait for it, or stop it")
	}
	j := &journal{lock: lock, done: map[int]uint64{}}
	if err := j.read(path); err != nil {
		return nil, errors.Join(fmt.Errorf("load: the journal %s: %w", path, err), lock.Unlock())
	}
	return j, nil
}

// read reads the entries as far as they make sense and cuts the file off after them.
func (j *journal) read(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	var sound int64
	lines := bufio.NewReader(f)
	for !j.complete {
		text, err := lines.ReadSlice('\n')
		if err != nil || !j.take(text[:len(text)-1]) {
			break // the end, or a tail that a crash has torn
		}
		sound += int64(len(text))
	}
	_, seek := f.Seek(sound, io.SeekStart)
	if err := errors.Join(f.Truncate(sound), seek); err != nil {
		return errors.Join(err, f.Close())
	}
	j.file = f
	return nil
}

func (j *journal) take(text []byte) bool {
	if bytes.Equal(text, []byte(journalEnd)) {
		j.complete = true
		return true
	}
	number, at, _ := strings.Cut(string(text), " ")
	line, err := strconv.Atoi(number)
	index, wrong := strconv.ParseUint(at, 10, 64)
	if err != nil || wrong != nil || line < 1 {
		return false
	}
	j.done[line] = index
	return true
}

// has reports whether a line was acknowledged.
func (j *journal) has(line int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, done := j.done[line]
	return j.complete || done
}

// count is how many lines were acknowledged.
func (j *journal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.done)
}

// add notes that a line was acknowledged, and which index its record has.
func (j *journal) add(line int, index uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done[line] = index
	if err := j.append(entryText(line, index)); err != nil {
		return err
	}
	if time.Since(j.synced) < journalSync {
		return nil
	}
	j.synced = time.Now()
	return j.sync()
}

// finish notes that every line was acknowledged.
func (j *journal) finish() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.complete = true
	if err := j.append(journalEnd); err != nil {
		return err
	}
	return j.sync()
}

func entryText(line int, index uint64) string { return fmt.Sprintf("%d %d", line, index) }

// setBack forgets the lines whose records the database has lost, since it holds only this many: a
// backup took its place. It returns how many those are.
func (j *journal) setBack(attached uint64) (lost int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	kept := map[int]uint64{}
	for line, index := range j.done {
		if index <= attached {
			kept[line] = index
		}
	}
	if lost = len(j.done) - len(kept); lost == 0 {
		return 0, nil
	}
	if err := j.empty(); err != nil {
		return lost, err
	}
	for _, line := range slices.Sorted(maps.Keys(kept)) {
		if err := j.append(entryText(line, kept[line])); err != nil {
			return lost, err
		}
	}
	j.done = kept
	return lost, j.sync()
}

// forget begins again.
func (j *journal) forget() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.empty()
}

func (j *journal) empty() error {
	j.complete, j.done = false, map[int]uint64{}
	_, err := j.file.Seek(0, io.SeekStart)
	if err := errors.Join(err, j.file.Truncate(0)); err != nil {
		return fmt.Errorf("load: the journal: %w", err)
	}
	return nil
}

func (j *journal) append(text string) error {
	if _, err := j.file.WriteString(text + "\n"); err != nil {
		return fmt.Errorf("load: the journal: %w", err)
	}
	return nil
}

func (j *journal) sync() error {
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("load: the journal: %w", err)
	}
	return nil
}

func (j *journal) close() error {
	// The lock's file stays: were it removed, two could each lock a file of that name.
	return errors.Join(j.file.Sync(), j.file.Close(), j.lock.Unlock())
}
