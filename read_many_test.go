package lf_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// lookUps collects what GetMany yields.
func lookUps(t *testing.T, db *lf.Client, keys []lf.Key, options ...lf.ReadOption) (list []lf.Lookup) {
	t.Helper()
	for found, err := range db.GetMany(t.Context(), keys, options...) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found)
	}
	return list
}

// TestGetMany gets keys of every state at once, and one of them twice.
func TestGetMany(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	set(t, db, lf.MustKey("a", "b#2"), "composite")
	set(t, db, lf.MustKey("deleted"), "x")
	set(t, db, lf.MustKey("sealed"), "x", lf.MaskingKey("sesame"))
	set(t, db, lf.MustKey("empty"), "")
	if err := db.Delete(t.Context(), lf.MustKey("deleted")); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		key  []string
		text string
		err  error
	}{
		{[]string{"nobody"}, "", lf.ErrNotFound},
		{[]string{"b#2", "a"}, "composite", nil},
		{[]string{"a", "b#2"}, "composite", nil},
		{[]string{"sealed"}, "", lf.ErrSealed},
		{[]string{"deleted"}, "", lf.ErrDeleted},
		{[]string{"empty"}, "", nil},
		{[]string{"a", "b#2"}, "composite", nil},
		{[]string{"a"}, "", lf.ErrNotFound},
	} {
		keys := []lf.Key{lf.MustKey("a", "b#2"), lf.MustKey(want.key...), lf.MustKey("nobody")}
		found := lookUps(t, db, keys)
		if len(found) != 3 {
			t.Fatalf("%d: %d of 3", i, len(found))
		}
		alone, err := db.Get(t.Context(), keys[1])
		got := found[1]
		if got.Key.String() != keys[1].String() || !errors.Is(got.Err, want.err) || fmt.Sprint(got.Err) != fmt.Sprint(err) ||
			(got.Answer == nil) != (alone == nil) || errors.Is(got.Err, lf.ErrNotFound) != (got.Answer == nil) {
			t.Errorf("%q: %+v, alone %+v, %v", want.key, got, alone, err)
		}
		if got.Err == nil && (got.Answer.Text() != want.text || got.Answer.Key.String() != keys[1].String()) {
			t.Errorf("%q: %+v", want.key, got.Answer)
		}
		if found[0].Answer.Text() != "composite" || found[2].Answer != nil {
			t.Errorf("beside %q: %+v", want.key, found)
		}
	}
	if found := lookUps(t, db, nil); found != nil {
		t.Errorf("no keys: %+v", found)
	}
	if found := lookUps(t, db, []lf.Key{lf.MustKey("sealed")}, lf.MaskingKey("sesame"), lf.Limit(1)); found[0].Answer.Text() != "x" {
		t.Errorf("%+v", found)
	}
	for range db.GetMany(t.Context(), []lf.Key{horse, horse}) {
		break // wants no more
	}
}

// counter counts the questions and how long they are, and refuses those with too many keys.
type counter struct {
	*apitest.Fake
	most      int // keys in a question, 0 for any
	questions []int
	selectors int // the most of a question
}

func (c *counter) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	c.questions = append(c.questions, len(q.Keys))
	n := 0
	for _, key := range q.Keys {
		n += len(key)
	}
	c.selectors = max(c.selectors, n)
	if c.most > 0 && len(q.Keys) > c.most {
		return nil, api.Invalid("the query is too broad")
	}
	return c.Fake.Query(ctx, q)
}

// TestManyPages asks for more keys than a question may have.
func TestManyPages(t *testing.T) {
	t.Parallel()
	c := &counter{Fake: newFake(t)}
	db := open(t, c)
	keys := make([]lf.Key, 2001)
	for i := range keys {
		keys[i] = lf.MustKey(fmt.Sprintf("n#%d", i))
	}
	for _, i := range []int{0, 999, 1000, 2000} {
		set(t, db, keys[i], fmt.Sprint(i), lf.Fresh())
	}
	c.questions = nil
	values := 0
	for i, found := range lookUps(t, db, keys) {
		if found.Key.String() != keys[i].String() {
			t.Fatalf("%d: %+v", i, found)
		}
		if found.Err == nil && found.Answer.Text() == fmt.Sprint(i) {
			values++
		}
	}
	if values != 4 || fmt.Sprint(c.questions) != "[1000 1000 1]" {
		t.Errorf("%d values, %d keys a question", values, c.questions)
	}

	names := make([]string, protocol.MaxSelectors)
	for i := range names {
		names[i] = fmt.Sprintf("n#%d", i)
	}
	for i := range keys {
		keys[i] = lf.MustKey(names...)
	}
	set(t, db, keys[0], "long")
	c.questions = nil
	for _, found := range lookUps(t, db, keys[:300]) {
		if found.Err != nil || found.Answer.Text() != "long" {
			t.Fatalf("%+v", found)
		}
	}
	if c.selectors > api.MaxKeySelectors || len(c.questions) != 2 {
		t.Errorf("up to %d selectors in %d questions", c.selectors, len(c.questions))
	}
}

// TestManyTooBroad has a node to which more than three keys are too many.
func TestManyTooBroad(t *testing.T) {
	t.Parallel()
	c := &counter{Fake: newFake(t), most: 3}
	db := open(t, c)
	keys := make([]lf.Key, 20)
	for i := range keys {
		keys[i] = lf.MustKey(fmt.Sprintf("n#%d", i))
	}
	set(t, db, keys[13], "x")
	for i, found := range lookUps(t, db, keys) {
		if (found.Err == nil) != (i == 13) || found.Key.String() != keys[i].String() {
			t.Errorf("%d: %+v", i, found)
		}
	}
}

// TestManyLies has a node lie about which key an answer is for.
func TestManyLies(t *testing.T) {
	t.Parallel()
	asked := func(n int) *int { return &n }
	for _, lie := range []struct {
		name string
		want string // in the error
		tell func(q *api.QueryResult)
	}{
		{"one key's answer under another", "not filed under", func(q *api.QueryResult) { q.Answers[0].Asked = asked(1) }},
		{"two answers change places", "not filed under", func(q *api.QueryResult) {
			q.Answers[0].Asked, q.Answers[1].Asked = q.Answers[1].Asked, q.Answers[0].Asked
		}},
		{"an answer for no key", "none of the keys", func(q *api.QueryResult) { q.Answers[0].Asked = nil }},
		{"an answer for a key after the last", "none of the keys", func(q *api.QueryResult) { q.Answers[0].Asked = asked(3) }},
		{"an answer for a key before the first", "none of the keys", func(q *api.QueryResult) { q.Answers[0].Asked = asked(-1) }},
		{"the same answer twice", "two answers for key 0", func(q *api.QueryResult) { q.Answers = append(q.Answers[:1], q.Answers[0]) }},
		{"more answers than keys", "at most 3", func(q *api.QueryResult) {
			q.Answers = append(q.Answers, q.Answers[0], q.Answers[0])
		}},
		{"damaged and not", "two answers for key 0", func(q *api.QueryResult) {
			d := q.Answers[0]
			d.Version = api.Version{Record: d.Record, Error: api.ErrorDamaged}
			q.Answers = append([]api.Answer{d}, q.Answers[0])
		}},
		{"more to come", "there is more", func(q *api.QueryResult) { q.Next = "x" }},
		{"nothing, and more to come", "there is more", func(q *api.QueryResult) { q.Answers, q.Next = nil, "x" }},
	} {
		t.Run(lie.name, func(t *testing.T) {
			f := newForger(t)
			db := open(t, f.liar)
			set(t, db, three[0], "one")
			set(t, db, three[2], "three")
			f.query = lie.tell
			n := 0
			for found, err := range db.GetMany(t.Context(), three) {
				n++
				wantForged(t, err, db.Address(), lie.want)
				if found.Answer != nil {
					t.Errorf("answered %+v", found)
				}
			}
			if n != 1 {
				t.Errorf("%d lookups", n)
			}
		})
	}
}

// TestManyLeftOut has a node leave out a key. Nobody can see that. But what it acknowledged to this
// client it must know.
func TestManyLeftOut(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	writer, reader := open(t, f.liar), open(t, f.liar)
	set(t, writer, three[0], "one")
	set(t, writer, three[2], "three")
	f.query = func(q *api.QueryResult) { q.Answers = q.Answers[1:] }
	f.hidden = true
	found := lookUps(t, reader, three)
	if !errors.Is(found[0].Err, lf.ErrNotFound) || !errors.Is(found[1].Err, lf.ErrNotFound) || found[2].Answer.Text() != "three" {
		t.Errorf("%+v", found)
	}
	for _, err := range writer.GetMany(t.Context(), three) {
		wantForged(t, err, writer.Address(), "any more")
	}
}

// TestManyDamaged shows what is sound beside what is damaged.
func TestManyDamaged(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	db := open(t, f.liar)
	set(t, db, three[0], "one")
	set(t, db, three[2], "three")
	f.query = func(q *api.QueryResult) {
		q.Answers[0].Version = api.Version{Record: q.Answers[0].Record, Error: api.ErrorDamaged}
	}
	found := lookUps(t, db, three)
	var damaged *lf.DamagedError
	if !errors.As(found[0].Err, &damaged) || fmt.Sprint(damaged.Selectors) != "[bad#0 horse#1]" || found[0].Answer != nil {
		t.Errorf("%+v", found[0])
	}
	if found[2].Err != nil || found[2].Answer.Text() != "three" {
		t.Errorf("%+v", found[2])
	}
}
