package lf_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// eventOf is what an honest node would tell of an answer.
func eventOf(a api.Answer) *api.WatchEvent {
	e := &api.WatchEvent{Event: api.WatchAnswer, Answer: &a, Ordinals: a.Ordinals, Composite: a.Composite}
	if a.Deleted {
		e.Event = api.WatchDeleted
	}
	return e
}

// lieToWatcher tells a watcher what a liar would answer. An answer in place of another one is no
// lie there, and an event does not say by which policy it came about.
func lieToWatcher(t *testing.T, f *forger, db *lf.Client, options []lf.ReadOption, want string) {
	t.Helper()
	if slices.Contains([]string{"two answers", "other oracles", `asked for "weight,newest"`}, want) {
		return
	}
	watched := make([]lf.WatchOption, len(options))
	for i, option := range options {
		watched[i] = option
	}
	var input *lf.InputError
	for _, err := range db.Watch(t.Context(), pair, watched...) {
		if errors.As(err, &input) {
			return // no option of a watch
		}
		break
	}
	answered := must[*api.QueryResult](t)(f.Fake.Query(t.Context(), api.Query{Selectors: selectorsOf(t, f, pair), Frames: true}))
	f.query(answered)
	var told []*api.WatchEvent
	for _, a := range answered.Answers {
		told = append(told, eventOf(a))
	}
	f.watch.Store(&told) // a stream of before may still read
	ctx, cancel := context.WithTimeout(t.Context(), watchPatience)
	defer cancel()
	for e, err := range db.Watch(ctx, pair, watched...) {
		switch {
		case err != nil:
			wantForged(t, err, db.Address(), want)
		case e.Answer != nil && e.Answer.Text() != "honest":
			t.Errorf("a watcher was told %+v", e)
		}
	}
}

func selectorsOf(t *testing.T, f *forger, key lf.Key) (selectors []api.SelectorRange) {
	t.Helper()
	for _, e := range key.Selectors() {
		name := must[protocol.NameKey](t)(f.network.DeriveName(e.Name)).Selector()
		selectors = append(selectors, api.SelectorRange{Key: &name, From: api.Uint64(e.From), To: api.Uint64(e.To)})
	}
	return selectors
}

// TestWatchLies has a node tell a watcher what is false in ways that an answer to a question cannot
// be. Each lie comes after an honest answer.
func TestWatchLies(t *testing.T) {
	t.Parallel()
	composite := func(r *protocol.Record) *protocol.CompositeID {
		id := r.CompositeID()
		return &id
	}
	for _, lie := range []struct {
		name string
		want string // in the error
		tell func(f *forger, honest *protocol.Record) *api.WatchEvent
	}{
		{"no such key", "about key 2 of 2", func(f *forger, _ *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(f.value("x", "bad", "horse#2"), 0, 2))
			e.Key = 2
			return e
		}},
		{"key below 0", "about key -1", func(f *forger, _ *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(f.value("x", "bad", "horse#2"), 0, 2))
			e.Key = -1
			return e
		}},
		{"under another key", "2 ordinals for 1 names", func(f *forger, _ *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(f.value("x", "bad", "horse#2"), 0, 2))
			e.Key = 1
			return e
		}},
		{"no answer", "no answer", func(*forger, *protocol.Record) *api.WatchEvent {
			return &api.WatchEvent{Event: api.WatchAnswer, Ordinals: api.Uint64s{0, 2}}
		}},
		{"gone, with an answer", "it has an answer", func(f *forger, honest *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(honest, 0, 1))
			e.Event = api.WatchGone
			return e
		}},
		{"a value for a tombstone", "another kind", func(f *forger, honest *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(f.value("x", "bad", "horse#2"), 0, 2))
			e.Event = api.WatchDeleted
			return e
		}},
		{"a tombstone for a value", "another kind", func(f *forger, _ *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(f.make(protocol.Draft{}, newKey(f), "bad", "horse#2"), 0, 2))
			e.Event = api.WatchAnswer
			return e
		}},
		{"gone outside the range", "ordinal 4 is not of", func(*forger, *protocol.Record) *api.WatchEvent {
			return &api.WatchEvent{Event: api.WatchGone, Ordinals: api.Uint64s{0, 4}}
		}},
		{"gone without ordinals", "0 ordinals for 2 names", func(*forger, *protocol.Record) *api.WatchEvent {
			return &api.WatchEvent{Event: api.WatchGone}
		}},
		{"gone under another composite key", "is said to be", func(f *forger, honest *protocol.Record) *api.WatchEvent {
			return &api.WatchEvent{Event: api.WatchGone, Ordinals: api.Uint64s{0, 2}, Composite: composite(honest)}
		}},
		{"another composite key", "is said to be", func(f *forger, honest *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(f.value("x", "bad", "horse#2"), 0, 2))
			e.Composite = composite(honest)
			return e
		}},
		{"a criterion of another policy", "which is not of the policy", func(f *forger, _ *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(f.value("x", "bad", "horse#2"), 0, 2))
			e.Decided = protocol.CriterionWeight
			return e
		}},
		{"an older version", "answers with the older", func(f *forger, honest *protocol.Record) *api.WatchEvent {
			older := f.make(protocol.Draft{Value: []byte("old"), Timestamp: honest.Timestamp - 1000}, f.author, "bad", "horse#1")
			return eventOf(answerOf(older, 0, 1))
		}},
		{"settled, another record", "answers with the older", func(f *forger, honest *protocol.Record) *api.WatchEvent {
			older := f.make(protocol.Draft{Value: []byte("old"), Timestamp: honest.Timestamp - 1000}, f.author, "bad", "horse#1")
			e := eventOf(answerOf(older, 0, 1))
			e.Event = api.WatchSettled
			return e
		}},
		{"contested by nobody", "without its claims", func(_ *forger, honest *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(honest, 0, 1))
			e.Event = api.WatchContested
			return e
		}},
		{"contested by itself", "no claim that lost", func(_ *forger, honest *protocol.Record) *api.WatchEvent {
			e := eventOf(answerOf(honest, 0, 1))
			e.Event, e.Claim = api.WatchContested, &api.WatchClaim{Owner: honest.Owner, Record: honest.ID()}
			return e
		}},
		{"contested by a record of another key", "no claim that lost", func(f *forger, honest *protocol.Record) *api.WatchEvent {
			other := f.value("x", "bad", "horse#9")
			must[*api.Submitted](f)(f.Fake.Submit(f.Context(), other.EncodeFrame()))
			e := eventOf(answerOf(honest, 0, 1))
			e.Event, e.Claim = api.WatchContested, &api.WatchClaim{Owner: other.Owner, Record: other.ID()}
			return e
		}},
		{"contested by somebody else", "no claim that lost", func(f *forger, honest *protocol.Record) *api.WatchEvent {
			other := f.make(protocol.Draft{Value: []byte("x"), Timestamp: honest.Timestamp - 1}, newKey(f), "bad", "horse#1")
			must[*api.Submitted](f)(f.Fake.Submit(f.Context(), other.EncodeFrame()))
			e := eventOf(answerOf(honest, 0, 1))
			e.Event, e.Claim = api.WatchContested, &api.WatchClaim{Owner: protocol.OwnerOf(newKey(f)), Record: other.ID()}
			return e
		}},
	} {
		t.Run(lie.name, func(t *testing.T) {
			f := newForger(t)
			db := open(t, f.liar)
			f.author = newKey(t)
			done := set(t, db, lf.MustKey("bad", "horse#1"), "honest", lf.AsKey(f.author))
			info := must[*api.RecordInfo](t)(f.Fake.Record(t.Context(), done.ID))
			f.watch.Store(&[]*api.WatchEvent{lie.tell(f, must[*protocol.Record](t)(protocol.DecodeFrame(info.Frame)))})
			kinds := []lf.EventKind{}
			keys := []lf.Key{pair, lf.MustKey("other")}
			ctx, cancel := context.WithTimeout(t.Context(), watchPatience)
			defer cancel()
			for e, err := range db.WatchMany(ctx, keys, lf.Policy("local"), lf.Contested()) {
				if err != nil {
					wantForged(t, err, db.Address(), lie.want)
					break
				}
				if kinds = append(kinds, e.Kind); e.Answer != nil && e.Answer.Text() != "honest" {
					t.Errorf("told %+v", e)
				}
			}
			if want := []lf.EventKind{lf.EventAnswer, lf.EventPresent, lf.EventSync}; !slices.Equal(kinds, want) {
				t.Errorf("told %q, want %q", kinds, want)
			}
		})
	}
}
