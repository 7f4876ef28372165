package store

import (
	"context"

	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
)

// Query walks the keys under a prefix in their order, a page at a time, so that a slow consumer
// holds no reader. What else is asked for, other orders and filters, go-datastore applies to that.
func (d *dataStore) Query(ctx context.Context, q query.Query) (query.Results, error) {
	w := &entryWalk{ctx: ctx, store: d.store(), keysOnly: q.KeysOnly && len(q.Filters) == 0 && len(q.Orders) == 0, end: "0"}
	if p := datastore.NewKey(q.Prefix).String(); p != "/" {
		// All keys that begin with "prefix/" lie between that and "prefix0", since '0' follows '/'.
		w.after, w.end = p+"/", p+"0"
	}
	rest := q
	rest.Prefix = ""
	if len(q.Orders) > 0 {
		// keys are distinct: further orders do not matter
		if _, byKey := q.Orders[0].(query.OrderByKey); byKey {
			rest.Orders = nil
		}
	}
	found := query.ResultsFromIterator(q, query.Iterator{Next: w.next, Close: func() error { return nil }})
	return query.NaiveQueryApply(rest, found), nil
}

// entryWalk is one query at work. A consumer reads it from one goroutine.
type entryWalk struct {
	ctx        context.Context
	store      *Store
	keysOnly   bool
	after, end string // keys between these, both excluded
	page       []query.Entry
	done       bool
}

func (w *entryWalk) next() (query.Result, bool) {
	if len(w.page) == 0 && !w.done {
		if err := w.store.read(w.ctx, w.load); err != nil {
			w.done = true
			return query.Result{Error: err}, true
		}
	}
	if len(w.page) == 0 {
		return query.Result{}, false
	}
	e := w.page[0]
	w.page = w.page[1:]
	return query.Result{Entry: e}, true
}

func (w *entryWalk) load(c *conn) error {
	sql := "SELECT key, length(value), value FROM datastore WHERE key > ? AND key < ? ORDER BY key LIMIT ?"
	if w.keysOnly {
		sql = "SELECT key, length(value) FROM datastore WHERE key > ? AND key < ? ORDER BY key LIMIT ?"
	}
	err := c.each(func(r *rows) error {
		e := query.Entry{Key: r.text(0), Size: int(r.int(1))}
		if !w.keysOnly {
			e.Value = r.blob(2)
		}
		w.page = append(w.page, e)
		return nil
	}, sql, w.after, w.end, int64(datastorePage))
	if w.done = len(w.page) < datastorePage; len(w.page) > 0 {
		w.after = w.page[len(w.page)-1].Key
	}
	return err
}
