package store

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/internal/disk"
	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/graph"
	"github.com/lf-store/lf/store/internal/runs"
)

// Options are the choices of who opens a store. The zero value is a sound one.
type Options struct {
	// Logger gets what nobody else would hear of; nil: nothing is logged.
	Logger *slog.Logger
	// Readers is the number of queries that can run at once; 0: a default.
	Readers int
	// MaxPending and MaxHeld bound the queues of records that are not attached yet.
	MaxPending, MaxHeld Limits
	// Clock is the time that latencies are measured with; nil: time.Now.
	Clock func() time.Time
	// Upgrading is told how far an older database is that is brought up to date; nil: nobody is.
	Upgrading func(Upgrade)

	// volatile does not wait for the disk, for tests that commit ten thousands of times and survive
	// no crash.
	volatile bool
	tuning   tuning
	files    fileTuning
	// schema is nil for today's, and free for what the system says of a folder's disk.
	schema *schema
	free   func(dir string) (uint64, error)
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Readers <= 0 {
		o.Readers = defaultReaders
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.tuning == (tuning{}) {
		o.tuning = defaultTuning
	}
	if o.tuning.runs == (runs.Tuning{}) {
		o.tuning.runs = runs.DefaultTuning
	}
	if o.schema == nil {
		o.schema = newSchema()
	}
	if o.free == nil {
		o.free = disk.Free
	}
	if o.files == (fileTuning{}) {
		o.files = defaultFiles
	}
	o.MaxPending = o.MaxPending.or(Limits{defaultPendingRecords, defaultPendingBytes})
	o.MaxHeld = o.MaxHeld.or(Limits{defaultHeldRecords, defaultHeldBytes})
	return o
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	path    string
	network *protocol.Network
	options Options
	readers *pool
	// records are what the readers share.
	records    *recordCache
	indexCache *indexCache
	// chainCache has the chains of authorities that queries named.
	chainCache *lru.Cache[chainCacheKey, *trustedChain]
	// dag is extended by the writer alone, and read by all.
	dag    *graph.Graph
	runs   *runs.Index
	damage *damage
	waits  *waitIndex

	queue      chan *request
	own        chan *request // what this node's own users write
	quit       chan struct{} // closed by Close: nothing more is queued
	stopped    chan struct{} // closed by the writer after its last commit
	rankerDone chan struct{} // closed by the ranker's goroutine
	ranker     *ranker
	closing    sync.Once
	failure    error // of Close

	// problem is why the last write failed; nil: it did not.
	problem atomic.Pointer[WriteProblem]
	// frozen is why nothing can be written, nil where it can; thaw then removes a copy that is read
	// in place of the file.
	frozen error
	thaw   func() error
	// opened is how many readers there are: the writer goroutine's, and that of who opens or closes
	// the store.
	opened int

	following sync.Mutex
	followers map[*follower]bool
	observers map[*observer]bool

	// The rest is the writer goroutine's alone.
	writer *conn
	rest   *request // of which some steps are done
	// graphMark is what the database remembers of the graph's file. Before graphLoaded the rows of
	// the graph are read by the writer's connection, then by one of their own.
	graphMark   mark
	graphLoaded bool
	// readOnly says that the database is open to read alone.
	readOnly bool
	// unsettled says that the table settled has rows, stalled that the last portion of it failed.
	unsettled, stalled bool
	recent             *lru.Cache[protocol.ID, place]
	owners             *lru.Cache[protocol.Owner, int64]
	dictionary         *dictionary
}

// Open opens the database at path, which it makes, brings up to date and furnishes with the
// network's genesis as need be. Errors are a [*WrongNetworkError], [*NewerSchemaError] or
// [*NotADatabaseError] where the file is to blame, and the file is then left as it was.
//
// A database that is up to date and cannot be written, as on a read-only or full disk, is opened to
// read. Changes fail with an [ErrReadOnly], or an [ErrNoSpace].
func Open(path string, n *protocol.Network, o Options) (*Store, error) {
	s := newStore(path, n, o)
	err := s.open()
	if err == nil {
		go s.write()
		go s.runRanker()
		return s, nil
	}
	s.abandon()
	if err = damaged(path, err); cannotWrite(err) {
		return openFrozen(path, n, o, err)
	}
	return nil, err
}

func newStore(path string, n *protocol.Network, o Options) *Store {
	s := &Store{
		path: path, network: n, options: o.withDefaults(),
		queue: make(chan *request, queueLength), own: make(chan *request, queueLength), quit: make(chan struct{}), stopped: make(chan struct{}),
		rankerDone: make(chan struct{}), ranker: newRanker(), followers: map[*follower]bool{}, observers: map[*observer]bool{},
	}
	s.readers, s.damage = newPool(s.options.Readers), newDamage(s.options.Logger)
	s.damage.changed = func() { s.tellChanges(&Changes{Repaired: true}) }
	s.waits = newWaitIndex()
	s.records, s.indexCache = newRecordCache(), newIndexCache()
	s.runs = runs.New(kinds, s.options.tuning.runs)
	s.graphMark.name = graphName
	s.chainCache = newCache[chainCacheKey, *trustedChain]()
	s.recent = newCache[protocol.ID, place]()
	s.owners = newCache[protocol.Owner, int64]()
	s.dictionary = newDictionary()
	return s
}

func (s *Store) open() (err error) {
	if s.writer, err = openWriter(s.path, s.network, len(s.options.schema.scripts)); err != nil {
		return err
	}
	s.writer.damage = s.damage
	s.readOnly = false
	return s.start()
}

// abandon closes the connections of a store that could not be opened.
func (s *Store) abandon() {
	s.readers.drain(len(s.readers.free))
	if s.writer != nil {
		s.writer.close()
	}
	if s.dag != nil {
		s.dag.Close()
	}
}

func newCache[K comparable, V any]() *lru.Cache[K, V] {
	c, err := lru.New[K, V](recentParents)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return c
}

func (s *Store) start() error {
	if s.options.volatile {
		if err := s.writer.script("PRAGMA synchronous = OFF"); err != nil {
			return err
		}
	}
	if err := s.loadGraph(); err != nil {
		return err
	}
	if err := s.migrate(); err != nil {
		return err
	}
	if err := s.loadRuns(); err != nil {
		return err
	}
	lost, err := s.waits.load(s.writer)
	if err != nil {
		return err
	}
	if len(lost) > 0 {
		if err := s.transact(func(t *tx) error { return t.forgetLost(lost) }); err != nil {
			return err
		}
	}
	if err := s.transact(s.putGenesis); err != nil {
		return err
	}
	if err := s.transact((*tx).recallDamage); err != nil {
		return err
	}
	if s.unsettled, err = s.writer.one(nil, "SELECT 1 FROM settled LIMIT 1"); err != nil {
		return err
	}
	left, err := s.writer.one(nil, `SELECT 1 FROM (SELECT 1 FROM crowded WHERE built < ? LIMIT 1)
		UNION ALL SELECT 1 FROM (SELECT 1 FROM rank_jobs LIMIT 1)
		UNION ALL SELECT 1 FROM (SELECT 1 FROM late_releases WHERE done = 0 LIMIT 1)`, int64(complete))
	if err != nil {
		return err
	}
	if left { // when the store closed
		s.ranker.wake()
	}
	return s.addReaders(func() (*conn, error) { return openReader(s.path) })
}

func (s *Store) addReaders(open func() (*conn, error)) error {
	for range s.options.Readers {
		c, err := open()
		if err != nil {
			return err
		}
		c.dag, c.runs, c.damage, c.records, c.indexCache = s.dag, s.runs, s.damage, s.records, s.indexCache
		s.readers.give(c)
		s.opened++
	}
	return nil
}

// loadGraph takes the graph from its file, or builds it of its blocks. A database that is too
// old to have one begins with an empty one.
func (s *Store) loadGraph() error {
	version, err := s.writer.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	s.graphLoaded = false
	if s.dag = graph.Begin(s.graphConfig()); version >= graphVersion {
		err = s.openGraph()
	}
	if err != nil && version >= idsVersion && !isSQLite(err) {
		s.options.Logger.Error("this node's disk damaged the graph of the records; it is rebuilt from them", "error", err)
		return s.rebuildGraph()
	}
	s.writer.dag, s.graphLoaded = s.dag, true
	return err
}

// putGenesis attaches the genesis to a new database, and checks it in an old one.
func (s *Store) putGenesis(t *tx) error {
	for i, g := range s.network.Genesis() {
		at, found, err := t.find(g.ID())
		switch {
		case err != nil:
			return err
		case found && at.idx != int64(i+1), !found && t.meta.attached != int64(i):
			return &NotADatabaseError{s.path, "it does not begin with its network's genesis"}
		case found:
			continue
		}
		if _, err := t.attach(newEntry(g)); err != nil {
			return err
		}
	}
	return nil
}

// Close waits for what was put to be written, waits for reads to end, and closes the file.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.quit)
		<-s.stopped
		<-s.rankerDone
		s.saveGraph()
		errs := append(s.readers.drain(s.opened), s.dag.Close())
		// The last to close: it copies the log into the file and removes it.
		if s.writer != nil {
			errs = append(errs, s.writer.close())
		}
		s.failure = errors.Join(errs...)
		if s.thaw != nil {
			s.failure = errors.Join(s.failure, s.thaw())
		}
	})
	return s.failure
}

// read lends a reader to do, within one transaction and so on one state of the database.
func (s *Store) read(ctx context.Context, do func(*conn) error) error {
	c, err := s.readers.take(ctx, s.quit)
	if err != nil {
		return err
	}
	defer s.readers.give(c)
	c.view, c.ctx, c.repairs = nil, ctx, s.indexCache.repairs.Load()
	c.forgetBlocks()
	// A transaction lasts while a statement is at a row. This one tells what the runs ask first.
	if c.snapshot, err = c.query(versionOfRuns); err == nil {
		var found bool
		if found, err = c.snapshot.next(); err == nil && !found {
			err = errLayout
		}
		if err == nil {
			err = do(c)
		}
		c.snapshot.close()
	}
	c.snapshot, c.ctx = nil, nil
	return storageError(err)
}

// Stats counts what is stored.
type Stats struct {
	Attached, Pending, Held, Tips uint64
	// Bytes is the size of the database on disk, its log and what is derived from it included.
	Bytes uint64
	// DroppedPending and DroppedHeld count records that were not kept: evicted, refused for want of
	// room, or found invalid when their time came. They outlive restarts.
	DroppedPending, DroppedHeld uint64
	// OldestPending is when the record came that has been pending for longest; zero: none is
	// pending.
	OldestPending time.Time
}

// Stats returns counters that are kept, not counted: it costs a read of two rows.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	var m meta
	var oldest int64
	err := s.read(ctx, func(c *conn) (err error) {
		if err = m.load(c); err == nil {
			oldest, err = c.number("SELECT seen FROM pending ORDER BY seq LIMIT 1")
		}
		return err
	})
	if err != nil {
		return Stats{}, err
	}
	size, err := s.size()
	var oldestPending time.Time
	if oldest > 0 {
		oldestPending = time.UnixMicro(oldest)
	}
	return Stats{
		OldestPending: oldestPending,
		Attached:      uint64(m.attached), Pending: uint64(m.pending), Held: uint64(m.held), Tips: uint64(m.tips), Bytes: size,
		DroppedPending: uint64(m.droppedPending), DroppedHeld: uint64(m.droppedHeld),
	}, err
}

func (s *Store) size() (uint64, error) {
	var sum uint64
	for _, suffix := range []string{"", "-wal", graphSuffix, graphSuffix + mapped.StateSuffix, setSuffix, setSuffix + mapped.StateSuffix} {
		info, err := os.Stat(s.path + suffix)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return 0, &databaseError{err}
		default:
			sum += uint64(info.Size())
		}
	}
	return sum, nil
}
