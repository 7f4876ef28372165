package lf_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// liar is an honest node until told to lie: each function changes what it answers.
type liar struct {
	*apitest.Fake
	query  func(*api.QueryResult)
	record func(*api.RecordInfo)
	submit func(*api.Submitted)
	links  func(*api.Links)
	owner  func(*api.OwnerInfo)
	watch  atomic.Pointer[[]*api.WatchEvent] // told after what is there at first
	hidden bool                              // it says that it has no record
	// refuse is what it says of a question for links, queries how often it was asked for answers.
	refuse  func(api.LinksQuery) error
	queries atomic.Int64
	down    atomic.Bool // it answers no questions
}

func (l *liar) Watch(ctx context.Context, r api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		for e, err := range l.Fake.Watch(ctx, r) {
			if !yield(e, err) {
				return
			}
			lies := l.watch.Load()
			if lies == nil || e == nil || !e.Listed {
				continue
			}
			for _, lie := range *lies {
				if !yield(lie, nil) {
					return
				}
			}
		}
	}
}

func (l *liar) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	l.queries.Add(1)
	if l.down.Load() {
		return nil, &api.UnreachableError{URL: "nowhere", Err: io.EOF}
	}
	r, err := l.Fake.Query(ctx, q)
	if err == nil && l.query != nil {
		l.query(r)
	}
	return r, err
}

func (l *liar) Record(ctx context.Context, id protocol.ID) (*api.RecordInfo, error) {
	if l.hidden {
		return nil, api.NotFound("record %s is not here", id)
	}
	r, err := l.Fake.Record(ctx, id)
	if err == nil && l.record != nil {
		l.record(r)
	}
	return r, err
}

func (l *liar) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	s, err := l.Fake.Submit(ctx, frame)
	if err == nil && l.submit != nil {
		l.submit(s)
	}
	return s, err
}

func (l *liar) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	if l.refuse != nil {
		if err := l.refuse(q); err != nil {
			return nil, err
		}
	}
	links, err := l.Fake.Links(ctx, q)
	if err == nil && l.links != nil {
		l.links(links)
	}
	return links, err
}

func (l *liar) Owner(ctx context.Context, q api.OwnerQuery) (*api.OwnerInfo, error) {
	info, err := l.Fake.Owner(ctx, q)
	if err == nil && l.owner != nil {
		l.owner(info)
	}
	return info, err
}

// forger makes records that are not what a client asked for.
type forger struct {
	testing.TB
	*liar
	network *protocol.Network
	author  ed25519.PrivateKey // of the honest answer, where a lie needs it
}

func newForger(t testing.TB) *forger {
	t.Helper()
	f := &forger{TB: t, liar: &liar{Fake: newFake(t)}}
	file := must[*protocol.NetworkFile](t)(f.Network(t.Context()))
	f.network = must[*protocol.Network](t)(file.Network())
	return f
}

func (f *forger) make(d protocol.Draft, key ed25519.PrivateKey, names ...string) *protocol.Record {
	f.Helper()
	links := must[*api.Links](f)(f.Fake.Links(f.Context(), api.LinksQuery{}))
	if d.Timestamp == 0 {
		d.Timestamp = links.Now
	}
	d.Owner, d.Links = protocol.OwnerOf(key), links.Links
	for _, name := range names {
		e := must[protocol.Expression](f)(protocol.ParseExpression(name))
		d.Names = append(d.Names, protocol.NamePoint{Name: must[protocol.NameKey](f)(f.network.DeriveName(e.Name)), Ordinal: e.From})
	}
	r := must[*protocol.Record](f)(f.network.Compose(d))
	return must[*protocol.Record](f)(f.network.Sign(r, key))
}

func (f *forger) value(text string, names ...string) *protocol.Record {
	f.Helper()
	return f.make(protocol.Draft{Value: []byte(text)}, newKey(f), names...)
}

func versionOf(r *protocol.Record) api.Version {
	return api.Version{Record: r.ID(), Owner: r.Owner, Time: r.Timestamp, Deleted: r.Tombstone(), Index: 1, Frame: r.EncodeFrame()}
}

func infoOf(r *protocol.Record) api.RecordInfo {
	return api.RecordInfo{ID: r.ID(), Type: r.Type.String(), Owner: r.Owner, Timestamp: r.Timestamp, State: api.StateAttached, Index: 1, Frame: r.EncodeFrame()}
}

// answerOf is what an honest node would answer with a record.
func answerOf(r *protocol.Record, ordinals ...uint64) api.Answer {
	composite := r.CompositeID()
	return api.Answer{Composite: &composite, Ordinals: ordinals, Claims: 1, Version: versionOf(r)}
}

// usurp makes a record with the selectors of another one, by somebody who does not know the names:
// the claims are copied.
func (f *forger) usurp(from *protocol.Record) *protocol.Record {
	f.Helper()
	key := newKey(f)
	h := from.Header
	h.Owner = protocol.OwnerOf(key)
	r := must[*protocol.Record](f)(protocol.NewRecord(h, from.ValueBytes()))
	return must[*protocol.Record](f)(f.network.Sign(r, key))
}

// pair is the question of most lies: one exact name and a range.
var pair = lf.MustKey("bad", "horse#1#3")

// three are the keys of the pair, one by one.
var three = []lf.Key{lf.MustKey("bad", "horse#1"), lf.MustKey("bad", "horse#2"), lf.MustKey("bad", "horse#3")}

// tellOfMany has what a liar adds pass for the answer to the key that its ordinals name, else to
// the second one.
func tellOfMany(f *forger) {
	lie := f.query
	f.query = func(q *api.QueryResult) {
		lie(q)
		for i := range q.Answers {
			asked := 1
			if o := q.Answers[i].Ordinals; len(o) == 2 && o[1] <= 3 {
				asked = int(o[1]) - 1
			}
			if q.Answers[i].Asked == nil {
				q.Answers[i].Asked = &asked
			}
		}
	}
}

// TestLies asks a node that lies in each way that it can. Each lie is told beside an honest answer.
// It ends in a ForgedError that says in one line what was false, and nothing is answered.
func TestLies(t *testing.T) {
	t.Parallel()
	one := func(r *protocol.Record, ordinals ...uint64) func(*api.QueryResult) {
		return func(q *api.QueryResult) { q.Answers = append(q.Answers, answerOf(r, ordinals...)) }
	}
	history := func(f *forger, older, others []*protocol.Record) func(*api.QueryResult) {
		return func(q *api.QueryResult) {
			a := &q.Answers[0]
			for _, r := range older {
				a.History = append(a.History, versionOf(r))
			}
			for _, r := range others {
				a.Others = append(a.Others, versionOf(r))
			}
			a.Claims = 1 + len(a.Others)
		}
	}
	for _, lie := range []struct {
		name    string
		want    string // in the error
		options []lf.ReadOption
		tell    func(f *forger, honest *protocol.Record) func(*api.QueryResult)
	}{
		{"forged value", "value", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			r := f.value("true", "bad", "horse#2")
			value := append([]byte{}, r.ValueBytes()...)
			value[len(value)-1] ^= 1
			return one(must[*protocol.Record](f)(protocol.DecodeRecord(r.HeaderBytes(), value)), 0, 2)
		}},
		{"value left out", "left out", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			r := f.value("true", "bad", "horse#2")
			return one(must[*protocol.Record](f)(protocol.DecodeRecord(r.HeaderBytes(), nil)), 0, 2)
		}},
		{"other key", "not filed under", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(f.value("x", "bad", "cow#2"), 0, 2)
		}},
		{"ordinal outside the range", "not filed under", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(f.value("x", "bad", "horse#4"), 0, 4)
		}},
		{"ordinal other than said", "not filed under", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(f.value("x", "bad", "horse#4"), 0, 2)
		}},
		{"further name", "3 selectors", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(f.value("x", "bad", "horse#2", "third"), 0, 2)
		}},
		{"a name missing", "1 selectors", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(f.value("x", "horse#2"), 0, 2)
		}},
		{"too few ordinals", "1 ordinals", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(f.value("x", "bad", "horse#2"), 0)
		}},
		{"record of another type", "release", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(f.make(protocol.Draft{Type: protocol.TypeRelease}, newKey(f), "bad", "horse#2"), 0, 2)
		}},
		{"forged signature", "signature", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			r := f.value("x", "bad", "horse#2")
			h := r.Header
			h.Signature[0] ^= 1
			return one(must[*protocol.Record](f)(protocol.NewRecord(h, r.ValueBytes())), 0, 2)
		}},
		{"claim without the name", "claim", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(f.usurp(f.value("x", "bad", "horse#2")), 0, 2)
		}},
		{"record of another network", "claim", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(newForger(f).value("x", "bad", "horse#2"), 0, 2)
		}},
		{"no record", "frame", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			r := f.value("x", "bad", "horse#2")
			return func(q *api.QueryResult) {
				a := answerOf(r, 0, 2)
				a.Frame = nil
				q.Answers = append(q.Answers, a)
			}
		}},
		{"garbage for a record", "record", nil, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return func(q *api.QueryResult) { q.Answers[0].Frame = []byte{0xff, 0, 1} }
		}},
		{"owner filter dropped", "owner", []lf.ReadOption{lf.By(protocol.OwnerOf(ed25519.NewKeyFromSeed(make([]byte, 32))).String())},
			func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
				return one(f.value("x", "bad", "horse#2"), 0, 2)
			}},
		{"end of the time dropped", "outside the time", []lf.ReadOption{lf.AsOf(time.Now().Add(-time.Hour))},
			func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
				return one(f.value("x", "bad", "horse#2"), 0, 2)
			}},
		{"start of the time dropped", "outside the time", []lf.ReadOption{lf.Since(time.Now().Add(time.Hour))},
			func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
				return one(f.value("x", "bad", "horse#2"), 0, 2)
			}},
		{"the same key twice", "two answers", nil, func(f *forger, honest *protocol.Record) func(*api.QueryResult) {
			return one(f.value("another", "bad", "horse#1"), 0, 1)
		}},
		{"the same answer twice", "two answers", nil, func(_ *forger, honest *protocol.Record) func(*api.QueryResult) { return one(honest, 0, 1) }},
		{"more answers than asked for", "at most 1", []lf.ReadOption{lf.Limit(1)}, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return one(f.value("x", "bad", "horse#2"), 0, 2)
		}},
		{"other policy", `asked for "weight,newest"`, []lf.ReadOption{lf.Policy("weight")}, func(*forger, *protocol.Record) func(*api.QueryResult) {
			return func(q *api.QueryResult) { q.Policy = protocol.DefaultPolicy() }
		}},
		{"other oracles", "other oracles", []lf.ReadOption{lf.Oracles()}, func(*forger, *protocol.Record) func(*api.QueryResult) {
			return func(q *api.QueryResult) {
				q.Oracles = []protocol.Owner{protocol.OwnerOf(ed25519.NewKeyFromSeed(make([]byte, 32)))}
			}
		}},
		{"another owner's version as older", "no older version", []lf.ReadOption{lf.History()}, func(f *forger, honest *protocol.Record) func(*api.QueryResult) {
			older := f.make(protocol.Draft{Value: []byte("y"), Timestamp: honest.Timestamp - 1}, newKey(f), "bad", "horse#1")
			return history(f, []*protocol.Record{older}, nil)
		}},
		{"the answer as older", "no older version", []lf.ReadOption{lf.History()}, func(f *forger, honest *protocol.Record) func(*api.QueryResult) {
			return history(f, []*protocol.Record{honest}, nil)
		}},
		{"older under another key", "another composite key", []lf.ReadOption{lf.History()}, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return history(f, []*protocol.Record{f.value("y", "bad", "horse#3")}, nil)
		}},
		{"claim on another key", "another composite key", []lf.ReadOption{lf.History()}, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			return history(f, nil, []*protocol.Record{f.value("y", "bad", "horse#3")})
		}},
		{"own claim as another's", "no other owner's", []lf.ReadOption{lf.History()}, func(f *forger, honest *protocol.Record) func(*api.QueryResult) {
			return history(f, nil, []*protocol.Record{honest})
		}},
		{"one claim twice", "no other owner's", []lf.ReadOption{lf.History()}, func(f *forger, _ *protocol.Record) func(*api.QueryResult) {
			other := f.value("y", "bad", "horse#1")
			return history(f, nil, []*protocol.Record{other, other})
		}},
		{"wrong count", "counts 0 claims", nil, func(*forger, *protocol.Record) func(*api.QueryResult) {
			return func(q *api.QueryResult) { q.Answers[0].Claims = 0 }
		}},
		{"wrong count in an explanation", "explains 1 claims and counts 5", []lf.ReadOption{lf.Explain()}, func(*forger, *protocol.Record) func(*api.QueryResult) {
			return func(q *api.QueryResult) { q.Answers[0].Claims = 5 }
		}},
		{"no explanation", "asked to explain", []lf.ReadOption{lf.Explain()}, func(*forger, *protocol.Record) func(*api.QueryResult) {
			return func(q *api.QueryResult) { q.Answers[0].Explanation = nil }
		}},
		{"weight below the work", "less than its own record", []lf.ReadOption{lf.Explain()}, func(*forger, *protocol.Record) func(*api.QueryResult) {
			return func(q *api.QueryResult) { q.Answers[0].Explanation.Claims[0].Weight = 0 }
		}},
	} {
		t.Run(lie.name, func(t *testing.T) {
			f := newForger(t)
			db := open(t, f.liar)
			done := set(t, db, lf.MustKey("bad", "horse#1"), "honest")
			info := must[*api.RecordInfo](t)(f.Fake.Record(t.Context(), done.ID))
			f.query = lie.tell(f, must[*protocol.Record](t)(protocol.DecodeFrame(info.Frame)))
			found, err := db.Query(t.Context(), pair, lie.options...)
			wantForged(t, err, db.Address(), lie.want)
			if found != nil {
				t.Errorf("answered %+v", found)
			}
			for a, err := range db.Range(t.Context(), pair, lie.options...) {
				wantForged(t, err, db.Address(), lie.want)
				if a != nil {
					t.Errorf("a range answered %+v", a)
				}
			}
			if strings.HasPrefix(lie.name, "more answers") {
				return // than the limit: with keys there is none
			}
			lieToWatcher(t, f, db, lie.options, lie.want)
			tellOfMany(f)
			for found, err := range db.GetMany(t.Context(), three, lie.options...) {
				wantForged(t, err, db.Address(), lie.want)
				if found.Answer != nil {
					t.Errorf("among many keys: %+v", found)
				}
			}
		})
	}
}

func wantForged(t *testing.T, err error, node, want string) {
	t.Helper()
	var forged *lf.ForgedError
	if !errors.As(err, &forged) || forged.Node != node || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v (%T), want a forged answer in one line about %q", err, err, want)
	}
}

// TestOneSelectorForTwo has the same name asked for twice answered with one selector.
func TestOneSelectorForTwo(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	r := f.value("x", "bad#3", "horse#4")
	f.query = func(q *api.QueryResult) { q.Answers = []api.Answer{answerOf(r, 3, 3)} }
	_, err := db.Query(t.Context(), lf.MustKey("bad#", "bad#"))
	wantForged(t, err, db.Address(), "not filed under")
}

// TestOutOfOrder has a node page through a range in another order than that of the ordinals.
func TestOutOfOrder(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	for i := range 3 {
		set(t, db, lf.MustKey(fmt.Sprintf("horse#%d", i)), "x")
	}
	f.query = func(q *api.QueryResult) {
		q.Answers[0], q.Answers[1] = q.Answers[1], q.Answers[0]
		q.Next = "x"
	}
	var last error
	for _, err := range db.Range(t.Context(), lf.MustKey("horse#"), lf.Limit(2)) {
		last = err
	}
	wantForged(t, last, db.Address(), "order")
	f.query = func(q *api.QueryResult) { q.Answers, q.Next = nil, "x" }
	for _, err := range db.Range(t.Context(), lf.MustKey("horse#")) {
		last = err
	}
	wantForged(t, last, db.Address(), "shows nothing")
}

// TestFalseAcknowledgment has a node acknowledge another record than the one it was given.
func TestFalseAcknowledgment(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	set(t, db, horse, "x")
	f.submit = func(s *api.Submitted) { s.ID[7] ^= 1 }
	_, err := db.Set(t.Context(), horse, []byte("y"))
	wantForged(t, err, db.Address(), "in place of")
	wantForged(t, db.Delete(t.Context(), horse), db.Address(), "in place of")
	wantForged(t, db.Load(t.Context(), lf.Entries(lf.Entry{Key: horse})), db.Address(), "in place of")
}

// TestStale has a node answer with what was there before it acknowledged a write.
func TestStale(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act  func(t *testing.T, db *lf.Client) error
		hide bool // the node does not have the record any more
		want string
	}{
		"older version": {act: func(t *testing.T, db *lf.Client) error { set(t, db, horse, "new"); return nil }, want: "older"},
		"deleted":       {act: func(t *testing.T, db *lf.Client) error { return db.Delete(t.Context(), horse) }, want: "older"},
		"released":      {act: func(t *testing.T, db *lf.Client) error { return db.Release(t.Context(), horse) }, want: "older"},
		"lost":          {act: func(t *testing.T, db *lf.Client) error { set(t, db, horse, "new"); return nil }, hide: true, want: "any more"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger(t)
			db := open(t, f.liar)
			set(t, db, horse, "old")
			before := must[*lf.Answer](t)(db.Get(t.Context(), horse))
			if err := c.act(t, db); err != nil {
				t.Fatal(err)
			}
			f.query = func(q *api.QueryResult) { q.Answers = []api.Answer{answerOf(before.Header(), 0)} }
			if c.hide {
				f.query = func(q *api.QueryResult) { q.Answers = nil }
				f.hidden = true
			}
			_, err := db.Get(t.Context(), horse)
			wantForged(t, err, db.Address(), c.want)
			// Who asks as of before, or was not there, cannot tell.
			if _, err := open(t, f.liar).Get(t.Context(), horse); err != nil && !errors.Is(err, lf.ErrNotFound) {
				t.Errorf("another client: %v", err)
			}
		})
	}
}

// TestFreshIsNoLie has what looks stale and is not: a revoked certificate hides a record, and the
// same owner released it from elsewhere.
func TestFreshIsNoLie(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	key := newKey(t)
	set(t, db, horse, "old", lf.AsKey(key))
	before := must[*lf.Answer](t)(db.Get(t.Context(), horse))
	set(t, db, horse, "new", lf.AsKey(key))
	f.query = func(q *api.QueryResult) { q.Answers = []api.Answer{answerOf(before.Header(), 0)} }
	f.record = func(r *api.RecordInfo) { r.Hidden = true }
	if a, err := db.Get(t.Context(), horse); err != nil || a.Text() != "old" {
		t.Errorf("hidden: %+v, %v", a, err)
	}
	f.query, f.record = nil, nil
	if err := open(t, f.liar).Release(t.Context(), horse, lf.AsKey(key)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Get(t.Context(), horse); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("released from elsewhere: %v", err)
	}
}

// TestOtherRecord asks for a record by its ID and gets another one.
func TestOtherRecord(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	done := set(t, db, horse, "x")
	if _, r, err := db.Record(t.Context(), done.ID); err != nil || r.ID() != done.ID {
		t.Fatal(err)
	}
	other := f.value("y", "cow")
	f.record = func(r *api.RecordInfo) { *r = infoOf(other) }
	_, _, err := db.Record(t.Context(), done.ID)
	wantForged(t, err, db.Address(), "it is "+other.ID().String())
	f.record = func(r *api.RecordInfo) { r.Frame = r.Frame[:10] }
	_, _, err = db.Record(t.Context(), done.ID)
	wantForged(t, err, db.Address(), done.ID.String())
	if _, _, err := db.Record(t.Context(), protocol.ID{1}); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// TestFalseCertificate has a node name a record that is no certificate.
func TestFalseCertificate(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	done := set(t, db, horse, "x")
	f.owner = func(info *api.OwnerInfo) { info.Certificates = []api.CertificateInfo{{Record: done.ID, Usable: true}} }
	_, err := db.Certificates(t.Context(), done.Owner)
	wantForged(t, err, db.Address(), "it is a datum")
}

// TestEndlessCertificates has a node list the certificates of an owner without end.
func TestEndlessCertificates(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	f.owner = func(info *api.OwnerInfo) { info.Next = "next" }
	_, err := db.Certificates(t.Context(), protocol.Owner{1})
	wantForged(t, err, db.Address(), "a page without certificates")
}

// TestBeyondTheDrift has a node name links that are dated ahead of the clock. Nothing is written,
// since other nodes would not accept it.
func TestBeyondTheDrift(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	wrote := false
	f.submit = func(*api.Submitted) { wrote = true }
	f.links = func(l *api.Links) { l.Timestamp = uint64(time.Now().Add(10 * time.Minute).UnixMilli()) }
	_, err := db.Set(t.Context(), horse, nil)
	var clock *lf.ClockError
	if !errors.As(err, &clock) || wrote {
		t.Errorf("%v, wrote %t", err, wrote)
	}
	// Its own record is ahead: a clock was wrong when it was written.
	f.links = nil
	key := newKey(t)
	ahead := f.make(protocol.Draft{Value: []byte("x"), Timestamp: uint64(time.Now().Add(time.Hour).UnixMilli())}, key, "horse")
	f.query = func(q *api.QueryResult) { q.Answers = []api.Answer{answerOf(ahead, 0)} }
	f.links = func(l *api.Links) { l.Newest = &ahead.Timestamp }
	_, err = db.Set(t.Context(), horse, nil, lf.AsKey(key))
	var dated *lf.AheadError
	if !errors.As(err, &dated) || dated.Dated != ahead.Timestamp || wrote {
		t.Errorf("%v, wrote %t", err, wrote)
	}
}

// TestDamagedAnswer passes on what a node says of its own disk, and writes nothing over it.
func TestDamagedAnswer(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	done := set(t, db, horse, "x")
	f.query = func(q *api.QueryResult) {
		q.Answers[0].Version = api.Version{Record: done.ID, Error: api.ErrorDamaged, Unavailable: true}
	}
	f.links = func(l *api.Links) { l.Newest = nil } // a node does not tell of a damaged record
	_, err := db.Get(t.Context(), horse)
	var damaged *lf.DamagedError
	if !errors.Is(err, lf.ErrDamaged) || !errors.As(err, &damaged) || damaged.Record != done.ID || !damaged.Unavailable {
		t.Errorf("%v", err)
	}
	if _, err := db.Set(t.Context(), horse, nil); !errors.Is(err, lf.ErrDamaged) {
		t.Errorf("wrote over it: %v", err)
	}
	for a, err := range db.Range(t.Context(), lf.MustKey("horse#")) {
		if !errors.Is(err, lf.ErrDamaged) || a != nil {
			t.Errorf("in a range: %+v, %v", a, err)
		}
	}
}

// TestNotSynced asks a node that is offline to be in sync.
func TestNotSynced(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	_, err := db.Get(t.Context(), horse, lf.Synced(time.Second))
	var late *lf.NotSyncedError
	if !errors.Is(err, lf.ErrNotSynced) || !errors.As(err, &late) || late.Sync.State != api.SyncOffline {
		t.Errorf("%v", err)
	}
}

// TestFalseReason: the sentence why a claim won is the client's, by the values that it has checked.
func TestFalseReason(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	done := set(t, db, lf.MustKey("bad", "horse#1"), "honest")
	f.query = func(q *api.QueryResult) { q.Answers[0].Explanation.Reason = "somebody answers: \x1b[31mtrust me." }
	a, err := db.Get(t.Context(), lf.MustKey("bad", "horse#1"), lf.Explain())
	if err != nil || a.Explanation.Reason != done.Owner.String()+" answers: nobody else claims it." {
		t.Errorf("%+v, %v", a, err)
	}
}
