package backup

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/node/home"
)

// maxFile bounds all files but the database: the largest, the list of names, grows by a line for
// each name.
const maxFile = 256 << 20

// maxSums bounds the list of sums.
const maxSums = 4 << 20

// ErrNoBackup says that a file is no backup.
var ErrNoBackup = errors.New("this is no backup of a home (lf backup makes one)")

// errEarly says that the file was cut off.
var errEarly = errors.New("the backup ends early")

// Read writes the files of a backup into an empty folder, each readable by its user alone. keep
// says which. Nothing is of use before it returns nil: only then all sums are right. Nothing is
// durable yet.
func Read(from io.Reader, into string, keep func(name string) bool) (*Manifest, error) {
	r := &reader{tar: tar.NewReader(from), into: into, keep: keep, seen: map[string]bool{}}
	manifest, err := r.manifest()
	if err != nil {
		return nil, err
	}
	for {
		h, err := r.next()
		if err != nil {
			return nil, err
		}
		if h.Name == sumsFile {
			return manifest, r.compare(h)
		}
		if err := r.file(h); err != nil {
			return nil, err
		}
	}
}

type reader struct {
	tar  *tar.Reader
	into string
	keep func(string) bool
	seen map[string]bool
	sums strings.Builder
}

// next returns the next entry, which must be there: the sums come last.
func (r *reader) next() (*tar.Header, error) {
	h, err := r.tar.Next()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errEarly
	}
	if err != nil {
		return nil, fmt.Errorf("read the backup: %w", err)
	}
	if r.seen[h.Name] {
		return nil, fmt.Errorf("the backup has %s twice", h.Name)
	}
	r.seen[h.Name] = true
	return h, nil
}

func (r *reader) manifest() (*Manifest, error) {
	h, err := r.tar.Next()
	if err != nil || h.Name != manifestFile || h.Size > maxSums {
		return nil, ErrNoBackup
	}
	data, err := r.small(h)
	if err != nil {
		return nil, err
	}
	m := new(Manifest)
	if err := strictjson.Unmarshal(data, m, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBackup, err)
	}
	if m.Version != version {
		return nil, fmt.Errorf("the backup has version %d, and this program knows version %d: use a newer lf", m.Version, version)
	}
	return m, nil
}

// small reads an entry into memory.
func (r *reader) small(h *tar.Header) ([]byte, error) {
	sum := sha256.New()
	data, err := io.ReadAll(io.TeeReader(io.LimitReader(r.tar, maxSums), sum))
	if err != nil {
		return nil, fmt.Errorf("read the backup's %s: %w", h.Name, err)
	}
	addSum(&r.sums, h.Name, sum)
	return data, nil
}

// file writes an entry, or passes over it.
func (r *reader) file(h *tar.Header) error {
	database := h.Name == databaseFile
	switch {
	case h.Typeflag != tar.TypeReg || isSparse(h) || !database && !home.IsBackupFile(h.Name):
		return fmt.Errorf("the backup has %q, which belongs into no home", h.Name)
	case !database && h.Size > maxFile:
		return fmt.Errorf("the backup's %s is too large: %d bytes", h.Name, h.Size)
	}
	sum := sha256.New()
	if !r.keep(h.Name) {
		if _, err := io.Copy(sum, r.tar); err != nil {
			return fmt.Errorf("read the backup's %s: %w", h.Name, err)
		}
		addSum(&r.sums, h.Name, sum)
		return nil
	}
	path := filepath.Join(r.into, filepath.FromSlash(h.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, err = io.Copy(io.MultiWriter(f, sum), r.tar)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errEarly
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("restore %s: %w", h.Name, err)
	}
	addSum(&r.sums, h.Name, sum)
	return nil
}

// isSparse tells an entry that has holes: a few bytes of it could fill a disk.
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// compare compares what was read with the sums.
func (r *reader) compare(h *tar.Header) error {
	want := r.sums.String()
	got, err := r.small(h)
	if err != nil {
		return err
	}
	if string(got) != want {
		return errors.New("the backup is damaged: its checksums are not those of its files")
	}
	return nil
}
