package home

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/strictjson"
)

const (
	// tokenMark begins every token in such a file, so that people and scanners know what it is.
	tokenMark  = "lf_"
	maxHolders = 8 << 20
)

// tokenHash is SHA-256 of a token, whose 256 random bits nobody can guess from that.
type tokenHash [sha256.Size]byte

// MarshalText implements [encoding.TextMarshaler].
func (h tokenHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *tokenHash) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || copy(h[:], b) != len(h) || len(b) != len(h) {
		return errors.New("want 64 hexadecimal digits")
	}
	return nil
}

// credential is what every entry of a holder list has: a name, when it was made, and the hash of
// its token.
type credential struct {
	name *string
	made *uint64
	hash *tokenHash
}

// listedHolder is an entry of a holder list.
type listedHolder[T any] interface {
	*T
	credential() credential
	check() error
}

// holderList is a file that lists who may show a token, and what that allows. It has no token in
// clear.
type holderList[T any, P listedHolder[T]] struct {
	path, lock string
	member     string // of the file's object that has the list
	what, one  string // what the entries are called in errors
	most       int
}

func (f *holderList[T, P]) checkList(list []T) error {
	if len(list) > f.most {
		return fmt.Errorf("%d %s, at most %d are allowed", len(list), f.what, f.most)
	}
	seen := map[string]bool{}
	for i := range list {
		entry := P(&list[i])
		if err := entry.check(); err != nil {
			return err
		}
		name := *entry.credential().name
		if seen[name] {
			return fmt.Errorf("%s %q is there twice", f.one, name)
		}
		seen[name] = true
	}
	return nil
}

// list returns the entries, in the order in which they were made.
func (f *holderList[T, P]) list() ([]T, error) {
	list, _, err := f.read()
	return list, err
}

// read returns what the file has, and which file that was; nil where there is none.
func (f *holderList[T, P]) read() (list []T, as fs.FileInfo, err error) {
	wrong := func(err error) ([]T, fs.FileInfo, error) {
		return nil, nil, fmt.Errorf("%s: %s: %w (mend the file or move it away)", f.what, f.path, cause(err))
	}
	if err := checkLink(f.path); err != nil {
		return wrong(err)
	}
	open, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return wrong(err)
	}
	defer open.Close()
	text, as, err := readHolders(open)
	if err != nil {
		return wrong(err)
	}
	if list, err = f.decode(text); err != nil {
		return wrong(err)
	}
	return list, as, nil
}

// readHolders reads a file that only its user may have written.
func readHolders(f *os.File) (text []byte, as fs.FileInfo, err error) {
	switch as, err = f.Stat(); {
	case err != nil:
		return nil, nil, err
	case !as.Mode().IsRegular():
		return nil, nil, errors.New("not a regular file")
	case runtime.GOOS != "windows" && as.Mode().Perm()&0o022 != 0:
		return nil, nil, fmt.Errorf("others may write it (mode %#o): chmod 600 it, and look at what is in it", as.Mode().Perm())
	case as.Size() > maxHolders:
		return nil, nil, fmt.Errorf("too large to be what it should be (%d bytes)", as.Size())
	}
	text = make([]byte, as.Size())
	if n, err := f.ReadAt(text, 0); n < len(text) {
		return nil, nil, err
	}
	return text, as, nil
}

// decode reads strictly: a misspelled member would allow something else than was meant.
func (f *holderList[T, P]) decode(text []byte) ([]T, error) {
	var object map[string][]T
	if err := strictjson.Unmarshal(text, &object, 0); err != nil {
		return nil, err
	}
	for member := range object {
		if member != f.member {
			return nil, fmt.Errorf("member %q: not known here", member)
		}
	}
	return object[f.member], f.checkList(object[f.member])
}

// add makes an entry and returns the token that its holder shows. A name that is taken is an
// [fs.ErrExist].
func (f *holderList[T, P]) add(entry T) (secret string, err error) {
	if err := P(&entry).check(); err != nil {
		return "", err
	}
	var b [tokenSize]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	secret = tokenMark + hex.EncodeToString(b[:])
	own := P(&entry).credential()
	*own.hash, *own.made = sha256.Sum256([]byte(secret)), uint64(max(time.Now().UnixMilli(), 0))
	err = f.change(func(list []T) ([]T, error) {
		if f.find(list, *own.name) >= 0 {
			return nil, fmt.Errorf("%s %q: %w", f.one, *own.name, fs.ErrExist)
		}
		return append(list, entry), nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// remove revokes a token. A name that is not there is an [fs.ErrNotExist].
func (f *holderList[T, P]) remove(name string) error {
	return f.change(func(list []T) ([]T, error) {
		i := f.find(list, name)
		if i < 0 {
			return nil, fmt.Errorf("%s %q: %w", f.one, name, fs.ErrNotExist)
		}
		return slices.Delete(list, i, i+1), nil
	})
}

func (f *holderList[T, P]) find(list []T, name string) int {
	for i := range list {
		if *P(&list[i]).credential().name == name {
			return i
		}
	}
	return -1
}

// change replaces the file. A second process that changes it meanwhile waits, so that no revocation
// is undone.
func (f *holderList[T, P]) change(change func([]T) ([]T, error)) error {
	unlock, err := lockChanges(f.lock, f.what)
	if err != nil {
		return err
	}
	defer unlock()
	list, err := f.list()
	if err != nil {
		return err
	}
	if list, err = change(list); err != nil {
		return err
	}
	if list == nil {
		list = []T{}
	}
	if err := f.checkList(list); err != nil {
		return err
	}
	data, err := json.MarshalIndent(map[string][]T{f.member: list}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the %s: %w", f.what, err)
	}
	return replaceFile(f.path, append(data, '\n'))
}

// checker finds the entry whose token a request shows. It reads the file again as soon as that was
// changed. It is safe for concurrent use.
type checker[T any, P listedHolder[T]] struct {
	file *holderList[T, P]

	mu    sync.Mutex
	known map[tokenHash]*T
	as    fs.FileInfo // of the file that known was read from; nil: there was none
}

// find returns the entry whose token secret is, nil where it is nobody's. How long it takes depends
// on the hash of secret alone. Whoever measures that learns nothing of a token.
func (c *checker[T, P]) find(secret string) (*T, error) {
	known, err := c.current()
	if err != nil {
		return nil, err
	}
	hash := tokenHash(sha256.Sum256([]byte(secret)))
	found := known[hash]
	if found == nil || subtle.ConstantTimeCompare(hash[:], P(found).credential().hash[:]) != 1 {
		return nil, nil
	}
	return found, nil
}

// current returns the entries as the file has them now. They are never changed once they are read.
func (c *checker[T, P]) current() (map[tokenHash]*T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := os.Stat(c.file.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		now = nil
	case err != nil:
		c.known, c.as = nil, nil
		return nil, fmt.Errorf("%s: %w", c.file.what, err)
	}
	if isSameFile(now, c.as) {
		return c.known, nil
	}
	c.known, c.as = nil, nil
	list, as, err := c.file.read()
	if err != nil {
		return nil, err
	}
	known := make(map[tokenHash]*T, len(list))
	for i := range list {
		known[*P(&list[i]).credential().hash] = &list[i]
	}
	c.known, c.as = known, as
	return known, nil
}

// isSameFile reports whether a file is as it was. Every change puts another file in its place.
func isSameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
