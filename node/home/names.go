package home

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

const (
	// maxNamesLine bounds a line that is read: a key of 15 names of a KiB each, all escaped.
	maxNamesLine = 256 << 10
	// A longer list is thinned out: names that were written again have one line each then.
	minThinned = 1024
)

// Names is the list of the names that were written from a home. Records have them blinded, so
// nobody else can list them; the list has them in clear. It is for the user alone (mode 0600). A
// name that is missing in it is no lost value. Its methods are safe for concurrent use, by several
// processes too.
type Names struct{ path, off string }

// Names returns the list of the names that were written from the home.
func (h *Home) Names() *Names { return &Names{h.path(namesFile), h.path(namesOffFile)} }

// Path returns where the list is.
func (n *Names) Path() string { return n.path }

// WrittenName is a key that an owner of the home has written under.
type WrittenName struct {
	Network protocol.ID    `json:"network"`
	Owner   protocol.Owner `json:"owner"`
	// Key has an expression (NAME or NAME#ORDINAL) for each name.
	Key []string `json:"key"`
	// At is when it was written last, in ms since the Unix epoch.
	At uint64 `json:"at"`
}

// identity is what two lines for one key of one owner have in common.
func (w *WrittenName) identity() string {
	return w.Network.String() + " " + w.Owner.String() + " " + strings.Join(w.Key, "\x00")
}

// Add notes a key, unless the list is switched off.
func (n *Names) Add(w WrittenName) error {
	line, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("note a name: %w", err)
	}
	return n.locked(func() error {
		if off, err := n.Off(); off || err != nil {
			return err
		}
		f, err := os.OpenFile(n.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(appendLine(f, line), f.Close())
	})
}

// appendLine appends a line, after a torn one too.
func appendLine(f *os.File, line []byte) error {
	if err := f.Chmod(0o600); err != nil {
		return err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	last := []byte{'\n'}
	if end > 0 {
		if _, err := f.ReadAt(last, end-1); err != nil {
			return err
		}
	}
	if last[0] != '\n' {
		line = append([]byte{'\n'}, line...)
	}
	_, err = f.Write(append(line, '\n'))
	return err
}

// List returns each key that is noted, for each network and owner once, those written last first.
// Lines that cannot be read are left out.
func (n *Names) List() (names []WrittenName, err error) {
	if !n.isThere() {
		return nil, nil
	}
	err = n.locked(func() error {
		var lines int
		if names, lines, err = n.read(); err != nil {
			return err
		}
		if lines >= minThinned && lines > 4*len(names) {
			return n.write(names)
		}
		return nil
	})
	return names, err
}

// Forget removes the keys for which it is asked, and returns how many those were.
func (n *Names) Forget(asked func(WrittenName) bool) (forgotten int, err error) {
	if !n.isThere() {
		return 0, nil
	}
	err = n.locked(func() error {
		names, _, err := n.read()
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(names), asked)
		forgotten = len(names) - len(left)
		if forgotten == 0 {
			return nil
		}
		return n.write(left)
	})
	return forgotten, err
}

// Off reports whether the list is switched off.
func (n *Names) Off() (bool, error) {
	_, err := os.Lstat(n.off)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (n *Names) isThere() bool {
	_, err := os.Lstat(n.path)
	return !errors.Is(err, fs.ErrNotExist)
}

// Switch switches the list on, or off: then it is deleted, and nothing is noted any more.
func (n *Names) Switch(on bool) error {
	return n.locked(func() error {
		if on {
			return removeIfThere(n.off)
		}
		return errors.Join(replaceFile(n.off, nil), removeIfThere(n.path))
	})
}

// locked does something while no other process changes the list. On a disk that cannot be written
// there is none that could.
func (n *Names) locked(do func() error) error {
	if err := makeDir(filepath.Dir(n.path)); err != nil {
		return fmt.Errorf("the list of names: %w", err)
	}
	l := flock.New(n.path+".lock", flock.SetPermissions(0o600))
	if err := l.Lock(); err == nil {
		defer func() { _ = l.Unlock() }()
	} else if !errors.Is(err, syscall.EROFS) && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("lock the list of names: %w", cause(err))
	}
	if err := do(); err != nil {
		return fmt.Errorf("the list of names %s: %w", n.path, cause(err))
	}
	return nil
}

// read returns the list, and how many lines it has.
func (n *Names) read() (names []WrittenName, lines int, err error) {
	data, err := readFile(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	last := map[string]WrittenName{}
	scanner := bufio.NewScanner(bytes.NewReader(data))
	scanner.Buffer(nil, maxNamesLine)
	for scanner.Scan() {
		lines++
		var w WrittenName
		if strictjson.Unmarshal(scanner.Bytes(), &w, strictjson.IgnoreUnknown) != nil || len(w.Key) == 0 {
			continue // torn
		}
		if known, ok := last[w.identity()]; !ok || known.At <= w.At {
			last[w.identity()] = w
		}
	}
	for _, w := range last {
		names = append(names, w)
	}
	slices.SortFunc(names, func(a, b WrittenName) int {
		if a.At != b.At {
			return cmp.Compare(b.At, a.At)
		}
		return strings.Compare(a.identity(), b.identity())
	})
	return names, lines, scanner.Err()
}

// write puts a list in place of the one there is.
func (n *Names) write(names []WrittenName) error {
	var text bytes.Buffer
	for _, w := range slices.Backward(names) { // the newest last, as they came
		line, err := json.Marshal(w)
		if err != nil {
			return err
		}
		text.Write(append(line, '\n'))
	}
	return replaceFile(n.path, text.Bytes())
}
