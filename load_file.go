package lf

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

// maxLine bounds one line of a bulk file: the longest value, with every byte of it escaped, and its
// names.
const maxLine = 1 << 20

// BulkFile is a file of records to make: one JSON object a line, or the one document that lf get
// --json writes. It is read twice: once to check all of it, before anything is written, and once to
// write.
type BulkFile struct {
	name string
	file *os.File
	temp bool // a copy of standard input
	hash [sha256.Size]byte
	// lines counts the lines with something on them.
	lines    int
	document bool // the lines are the answers of a document
}

// OpenBulk opens a file, or takes a copy of what cannot be read twice; "-" is stdin. The caller
// must Close it.
func OpenBulk(name string, stdin io.Reader) (*BulkFile, error) {
	if name == "-" {
		return spool("standard input", stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	switch info, err := f.Stat(); {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("load: %w", err), f.Close())
	case info.IsDir():
		return nil, errors.Join(fmt.Errorf("load: %s is a directory", name), f.Close())
	case !info.Mode().IsRegular():
		defer f.Close()
		return spool(name, f)
	}
	return &BulkFile{name: name, file: f}, nil
}

func spool(name string, from io.Reader) (*BulkFile, error) {
	f, err := os.CreateTemp("", "lf-load-*")
	if err != nil {
		return nil, fmt.Errorf("load: a place for %s: %w", name, err)
	}
	b := &BulkFile{name: name, file: f, temp: true}
	if _, err := io.Copy(f, from); err != nil {
		return nil, errors.Join(fmt.Errorf("load: copy %s: %w", name, err), b.Close())
	}
	return b, nil
}

// Close closes the file, and removes a copy.
func (b *BulkFile) Close() error {
	err := b.file.Close()
	if b.temp {
		err = errors.Join(err, os.Remove(b.file.Name()))
	}
	return err
}

// Name is how the file is called in messages.
func (b *BulkFile) Name() string { return b.name }

// Lines counts the lines with something on them, once the file was checked. In a document it counts
// the answers with a value.
func (b *BulkFile) Lines() int { return b.lines }

// place names a line, or an answer, in errors.
func (b *BulkFile) place(number int) string {
	if b.document {
		return fmt.Sprintf("%s, answer %d", b.name, number)
	}
	return fmt.Sprintf("%s, line %d", b.name, number)
}

// each reads the file from its beginning and calls do for every record to make. What is wrong with
// one is for do to say. It returns the hash of the whole file.
func (b *BulkFile) each(do func(number int, e Entry, wrong error) error) (hash [sha256.Size]byte, err error) {
	if err := b.rewind(); err != nil {
		return hash, err
	}
	if b.document = isDocument(b.file); b.document {
		return b.eachAnswer(do)
	}
	return b.eachLine(do)
}

func (b *BulkFile) rewind() error {
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", b.name, err)
	}
	return nil
}

func (b *BulkFile) eachLine(do func(number int, e Entry, wrong error) error) (hash [sha256.Size]byte, err error) {
	if err := b.rewind(); err != nil {
		return hash, err
	}
	h := sha256.New()
	lines := bufio.NewScanner(io.TeeReader(b.file, h))
	lines.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		text := bytes.Trim(lines.Bytes(), " \t\r")
		if len(text) == 0 {
			continue
		}
		e, wrong := ParseEntry(text)
		e.Line = n
		if err := do(n, e, wrong); err != nil {
			return hash, err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return hash, fmt.Errorf("%s: longer than %d bytes", b.place(n+1), maxLine)
	case err != nil:
		return hash, fmt.Errorf("read %s: %w", b.name, err)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

func (b *BulkFile) eachAnswer(do func(number int, e Entry, wrong error) error) (hash [sha256.Size]byte, err error) {
	if err := b.rewind(); err != nil {
		return hash, err
	}
	h := sha256.New()
	n := 0
	var failed error
	err = strictjson.Elements(io.TeeReader(b.file, h), answersMember, func(text []byte) error {
		n++
		e, sets, wrong := parseAnswer(n, text)
		if sets || wrong != nil {
			failed = do(n, e, wrong)
		}
		return failed
	})
	switch {
	case failed != nil:
		return hash, failed
	case err != nil:
		return hash, fmt.Errorf("%s is not what lf get --json writes: %w", b.name, err)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// check reads the whole file and says which line is wrong; the size of a value depends on the
// network.
func (b *BulkFile) check(n *protocol.Network) (err error) {
	seen := map[[sha256.Size]byte]int{}
	b.hash, err = b.each(func(number int, e Entry, err error) error {
		if err == nil && !e.Deleted {
			err = fits(n, e.Value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w (nothing was written)", b.place(number), err)
		}
		key := e.compositeKey()
		if before := seen[key]; before > 0 {
			where := "on line"
			if b.document {
				where = "in answer"
			}
			return fmt.Errorf("%s: the same selectors as %s %d (nothing was written)", b.place(number), where, before)
		}
		seen[key] = number
		b.lines++
		return nil
	})
	return err
}

// fits tells whether a value, sealed, is within the network's limit.
func fits(n *protocol.Network, value []byte) error {
	sealed, err := n.Seal(protocol.Mask{}, protocol.Sealing{}, value)
	if err != nil {
		return err
	}
	if limit := n.Params().MaxValue; len(sealed) > int(limit) {
		return fmt.Errorf("the value is too large: %d bytes when sealed, and this network allows %d", len(sealed), limit)
	}
	return nil
}

// compositeKey is the same for the same selectors in any order.
func (e *Entry) compositeKey() [sha256.Size]byte {
	texts := e.Key.Expressions()
	slices.Sort(texts)
	return sha256.Sum256([]byte(strings.Join(texts, "\x00")))
}
