package watchstate

import (
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// State is what one stream has told. It is not safe for concurrent use.
type State struct {
	request  *api.WatchRequest
	database [8]byte
	index    uint64
	sum      api.WatchSum
	// listing is set until the current answers have been told once; again where the watcher had a
	// cursor that is not current.
	listing, again bool
	after          *api.WatchCursor
	keys           []map[protocol.CompositeID]*told
	count          int // of all told

	sync   string    // the state that was told last
	synced time.Time // since when the node has been in sync; zero: it is not
	due    time.Time // before then nothing is due to settle; zero: nothing waits for that
	lapse  time.Time // before then nothing is due to lapse; zero: nothing is alive
}

// told is what was told last of one composite key.
type told struct {
	ordinals api.Uint64s
	record   protocol.ID
	kind     kind
	damaged  bool
	settled  bool
	since    time.Time
	// alive says that the claim was told to be alive. It lapses at a time.
	alive  bool
	lapses time.Time
	// claims are the records that are known to claim the key; nil unless the watcher wants to hear
	// of contests.
	claims map[protocol.ID]bool
}

type kind uint8

const (
	nothing kind = iota
	answered
	deleted
)

// Place is one composite key under one of the request's keys.
type Place struct {
	Key       int
	Composite protocol.CompositeID
	Ordinals  api.Uint64s
}

// New returns the state of a new stream, for a request that was checked. database is the name of
// the database that answers.
func New(r *api.WatchRequest, database string) (*State, error) {
	after, err := api.ParseWatchCursor(r.After)
	if err != nil {
		return nil, err
	}
	s := &State{request: r, database: api.WatchDatabase(database), after: after, listing: true, keys: make([]map[protocol.CompositeID]*told, len(r.Keys))}
	for i := range s.keys {
		s.keys[i] = map[protocol.CompositeID]*told{}
	}
	return s, nil
}

// Cursor is where the stream is now.
func (s *State) Cursor() api.WatchCursor {
	return api.WatchCursor{Database: s.database, Index: s.index, Sum: s.sum, Partial: s.listing}
}

// SetIndex notes up to which local index the answers are that come next.
func (s *State) SetIndex(index uint64) { s.index = max(s.index, index) }

// MayBeCurrent reports whether the watcher has a cursor of a whole listing. If so, all current
// answers are to be given to [State.Note], before any is told.
func (s *State) MayBeCurrent() bool {
	s.again = s.after != nil
	return s.after != nil && !s.after.Partial
}

// Note takes a current answer of which nothing is told.
func (s *State) Note(at Place, a *api.Answer, now time.Time) { s.Update(at, a, now) }

// Resume ends the noting. It reports whether the watcher's cursor is current: then nothing is to be
// told again. Otherwise what was noted is forgotten.
func (s *State) Resume() bool {
	if s.sum == s.after.Sum {
		s.listing, s.again = false, false
		return true
	}
	for i := range s.keys {
		clear(s.keys[i])
	}
	s.count, s.sum, s.due, s.lapse = 0, api.WatchSum{}, time.Time{}, time.Time{}
	return false
}

// Listed ends the current answers: it returns the sync event that says so. After a silent beginning
// it says only how the node is.
func (s *State) Listed(silent bool, sync string, now time.Time) *api.WatchEvent {
	again := s.again
	s.listing, s.again = false, false
	s.setSync(sync, now)
	e := s.syncEvent(now)
	e.Listed, e.Again = !silent, again
	return e
}

// Sync notes how the node is. It returns an event if it came in sync or is no longer, else nil.
func (s *State) Sync(sync string, now time.Time) *api.WatchEvent {
	if (sync == api.SyncSynced) == (s.sync == api.SyncSynced) {
		return nil
	}
	s.setSync(sync, now)
	return s.syncEvent(now)
}

func (s *State) setSync(sync string, now time.Time) {
	switch {
	case sync != api.SyncSynced:
		s.synced = time.Time{}
	case s.synced.IsZero():
		s.synced, s.due = now, now
	}
	s.sync = sync
}

func (s *State) syncEvent(now time.Time) *api.WatchEvent {
	return &api.WatchEvent{Event: api.WatchSync, Cursor: s.Cursor().String(), Time: api.Millis(now), Sync: s.sync}
}

// Places are the composite keys of which something was told, under one of the request's keys.
func (s *State) Places(key int) []Place {
	list := make([]Place, 0, len(s.keys[key]))
	for composite, t := range s.keys[key] {
		list = append(list, Place{key, composite, t.ordinals})
	}
	return list
}

// Told returns the record that was told last of a composite key under one of the request's keys. It
// reports false where nothing answers.
func (s *State) Told(key int, of protocol.CompositeID) (record protocol.ID, answers bool) {
	t := s.keys[key][of]
	if t == nil || t.kind == nothing {
		return record, false
	}
	return t.record, true
}

// Count is of how many composite keys the state keeps what was told.
func (s *State) Count() int { return s.count }

// TooMany says that more composite keys have an answer than a stream may have.
func TooMany() error {
	return api.TooLarge("more than %d composite keys have an answer under the keys of this stream: watch narrower ranges", api.MaxWatchAnswers)
}
