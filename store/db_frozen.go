package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// ErrReadOnly says that the database can be read and not written.
const ErrReadOnly = intake.CannotWrite("the database cannot be written: make the home and what is in it writable")

// frozen is how a database is opened that cannot be written, as on a read-only or full disk. SQLite
// wants to write even to read: a log must be brought in, and an index of the log must be kept
// beside it.
type frozen struct {
	path   string // of the file to open, which may be a copy
	mode   string // for openConn
	remove func() error
}

// unchanging has SQLite read a file without a log, and without looking for changes.
const unchanging = "ro&immutable=1"

// freeze finds a way to read a database without writing beside it. Where a node left a log that was
// not brought in, file and log are copied to where there is room for temporary files.
func freeze(path string) (f frozen, err error) {
	switch log, err := os.Stat(path + "-wal"); {
	case errors.Is(err, fs.ErrNotExist), err == nil && log.Size() == 0:
		return frozen{path, unchanging, func() error { return nil }}, nil
	case err != nil:
		return f, fmt.Errorf("the database's log: %w", err)
	}
	dir, err := os.MkdirTemp("", "lf-db-*")
	if err != nil {
		return f, fmt.Errorf("a place for a copy of the database: %w", err)
	}
	f = frozen{filepath.Join(dir, filepath.Base(path)), "rw", func() error { return os.RemoveAll(dir) }}
	for _, suffix := range []string{"", "-wal"} {
		if err := copyFile(f.path+suffix, path+suffix); err != nil {
			return f, errors.Join(fmt.Errorf("a copy of the database: %w", err), f.remove())
		}
	}
	return f, nil
}

func copyFile(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	copied, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, source)
	return errors.Join(err, copied.Close())
}

// cannotWrite reports whether an error comes of a place that cannot be written, and not of what is
// in the file.
func cannotWrite(err error) bool {
	if errors.Is(err, ErrNoSpace) || errors.Is(err, ErrReadOnly) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		return true
	}
	var e sqlite3.Error
	if !errors.As(err, &e) || noDescriptors(e) {
		return false
	}
	switch e.ExtendedCode {
	case sqlite3.ErrIoErrSHMOpen, sqlite3.ErrIoErrSHMSize, sqlite3.ErrIoErrSHMLock, sqlite3.ErrIoErrSHMMap:
		return true
	}
	return e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrReadonly || e.Code == sqlite3.ErrPerm
}

// openFrozen opens a database to read, because of a cause that [cannotWrite]. Whatever would change
// it is refused.
func openFrozen(path string, n *protocol.Network, o Options, cause error) (*Store, error) {
	if ours, err := isOurs(path); err != nil || !ours {
		return nil, errors.Join(cause, err)
	}
	f, err := freeze(path)
	if err != nil {
		return nil, err
	}
	s := newStore(path, n, o)
	s.frozen = ErrReadOnly
	if errors.Is(cause, ErrNoSpace) {
		s.frozen = ErrNoSpace
	}
	s.thaw = f.remove
	s.problem.Store(&WriteProblem{Err: s.frozen, At: time.Now()})
	if err := s.startFrozen(f); err != nil {
		s.abandon()
		return nil, errors.Join(damaged(path, err), f.remove())
	}
	s.options.Logger.Warn("the database cannot be written, so this node only reads", "error", cause)
	go s.runFrozen()
	return s, nil
}

func (s *Store) startFrozen(f frozen) error {
	var err error
	if s.writer, err = openReaderAs(f.path, f.mode); err != nil {
		return err
	}
	s.writer.damage = s.damage
	s.readOnly = true
	known := len(s.options.schema.scripts)
	if err := checkUpToDate(s.writer, s.path, s.network, known); errors.As(err, new(*OlderSchemaError)) {
		return s.frozen // it must be brought up to date first
	} else if err != nil {
		return err
	}
	if err := s.loadGraph(); err != nil {
		return err
	}
	s.writer.runs = s.runs
	if err := s.writer.runsInMemory(); err != nil {
		return err
	}
	if _, err := s.waits.load(s.writer); err != nil {
		return err
	}
	t := s.newTx()
	if err := t.meta.load(t.conn); err != nil {
		return err
	}
	if err := s.putGenesis(t); err != nil { // it is there already
		return err
	}
	return s.addReaders(func() (*conn, error) { return openReaderAs(f.path, f.mode) })
}

// runFrozen is the writer goroutine of a store that cannot be written. Once it can, it is that of
// any other store.
func (s *Store) runFrozen() {
	if s.refuse() {
		go s.runRanker()
		s.write()
		return
	}
	close(s.rankerDone) // nothing could be done for the ranks
	close(s.stopped)
}

// refuse answers all requests until the store can be written, or false until it closes.
func (s *Store) refuse() (thawed bool) {
	tick := time.NewTicker(thawEvery)
	defer tick.Stop()
	for {
		select {
		case r := <-s.own:
			s.refuseOne(r)
		case r := <-s.queue:
			s.refuseOne(r)
		case <-tick.C:
			if s.isWritable() && s.unfreeze() {
				return true
			}
		case <-s.quit:
			for r := s.next(); r != nil; r = s.next() { // queued in the moment of closing
				s.refuseOne(r)
			}
			return false
		}
	}
}

func (s *Store) refuseOne(r *request) {
	errs := make([]error, len(r.steps))
	for i := range errs {
		errs[i] = s.frozen
	}
	r.done <- errs
}

// isWritable reports whether the database can probably be written, without touching it.
func (s *Store) isWritable() bool {
	file, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	file.Close()
	probe, err := os.CreateTemp(filepath.Dir(s.path), ".lf-probe-*")
	if err != nil {
		return false
	}
	_, err = probe.Write(make([]byte, probeSize))
	return errors.Join(err, probe.Close(), os.Remove(probe.Name())) == nil && !s.isCramped()
}

// unfreeze opens the database once more, to write. Queries wait meanwhile. If that fails, it is
// opened again to read.
func (s *Store) unfreeze() bool {
	s.closeFrozen()
	err := s.open()
	if err == nil {
		s.problem.Store(nil)
		s.options.Logger.Info("the database can be written again")
		return true
	}
	s.options.Logger.Warn("the database still cannot be written", "error", storageError(err))
	s.closeFrozen()
	f, err := freeze(s.path)
	if err == nil {
		s.thaw = f.remove
		err = s.startFrozen(f)
	}
	if err != nil {
		s.options.Logger.Error("the database cannot be read any more; it is tried again", "error", storageError(err))
	}
	return false
}

// closeFrozen closes all connections, and removes the copy that they read, if any.
func (s *Store) closeFrozen() {
	errs := s.readers.drain(s.opened)
	if s.opened = 0; s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	s.writer = nil
	if s.dag != nil {
		errs = append(errs, s.dag.Close())
	}
	s.waits.reset()
	if s.thaw != nil {
		errs = append(errs, s.thaw())
	}
	s.thaw = nil
	if err := errors.Join(errs...); err != nil {
		s.options.Logger.Warn("close the database that was opened to read", "error", err)
	}
}

// withReader lends a connection to the database of a stopped node, which may lie where nothing can
// be written.
func withReader(path string, do func(*conn) error) (err error) {
	c, err := openReader(path)
	if err == nil {
		// the first that SQLite looks at the file for
		if _, err = c.number("PRAGMA user_version"); err != nil {
			c.close()
		}
	}
	if cannotWrite(err) {
		f, cannot := freeze(path)
		if cannot != nil {
			return cannot
		}
		defer func() { err = errors.Join(err, f.remove()) }()
		c, err = openReaderAs(f.path, f.mode)
	}
	if err != nil {
		return err
	}
	defer c.close()
	return do(c)
}
