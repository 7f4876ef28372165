package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

const (
	manifestFile = "lf-backup.json"
	sumsFile     = "SHA256SUMS"
	databaseFile = "lf.db"
	// version is that of the format.
	version = 1
)

// Manifest is the first entry of a backup.
type Manifest struct {
	Version int         `json:"version"`
	Network protocol.ID `json:"network"`
	Made    time.Time   `json:"made"`
	Secrets bool        `json:"secrets"`
}

// Write writes the files of a home, and a copy of its database; "": it has none. With secrets the
// keys are among them. With an error the file is cut off.
func Write(w io.Writer, h *home.Home, network protocol.ID, database string, secrets bool) error {
	names, err := h.BackupFiles(secrets)
	if err != nil {
		return err
	}
	b := &writer{tar: tar.NewWriter(w), made: time.Now().UTC().Truncate(time.Second)}
	manifest, err := json.Marshal(Manifest{version, network, b.made, secrets})
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if err := b.bytes(manifestFile, manifest); err != nil {
		return err
	}
	for _, name := range names {
		if err := b.file(name, filepath.Join(h.Dir(), filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	if database != "" {
		if err := b.file(databaseFile, database); err != nil {
			return err
		}
	}
	if err := b.bytes(sumsFile, []byte(b.sums.String())); err != nil {
		return err
	}
	if err := b.tar.Close(); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

type writer struct {
	tar  *tar.Writer
	made time.Time
	sums strings.Builder
}

func (b *writer) bytes(name string, data []byte) error {
	return b.entry(name, int64(len(data)), strings.NewReader(string(data)))
}

// file appends a file, as many bytes as it has now.
func (b *writer) file(name, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return b.entry(name, info.Size(), f)
}

func (b *writer) entry(name string, size int64, from io.Reader) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: b.made, Format: tar.FormatPAX}
	if err := b.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("back up %s: %w", name, err)
	}
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(b.tar, sum), from, size); err != nil {
		return fmt.Errorf("back up %s: %w", name, err)
	}
	addSum(&b.sums, name, sum)
	return nil
}

// addSum adds a line as sha256sum writes it.
func addSum(b *strings.Builder, name string, sum hash.Hash) {
	fmt.Fprintf(b, "%x  %s\n", sum.Sum(nil), name)
}
