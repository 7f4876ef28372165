package lf

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Listed is a record in the list of its owner's. What the record itself says was checked; weight,
// index and Hidden are the node's word.
type Listed struct {
	*api.ListedRecord
	// Record lacks its value, or is nil, where the node's disk damaged it: Error says so then.
	Record *protocol.Record
}

// RecordsBy lists an owner's records of all types that are attached at the node, the newest first.
// It asks for further pages as the caller goes on, and lists at most limit records; 0: all. Each
// record's signatures and owner are checked, but a node could leave records out. After an error the
// list ends; a node that answers falsely is a [*ForgedError].
func (c *Client) RecordsBy(ctx context.Context, owner protocol.Owner, limit int) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		l := &recordLister{client: c, owner: owner, left: limit, all: limit == 0, seen: map[protocol.ID]bool{}}
		if err := c.check(); err != nil {
			yield(Listed{}, err)
			return
		}
		if err := l.run(ctx, func(r Listed) bool { return yield(r, nil) }); err != nil {
			yield(Listed{}, err)
		}
	}
}

// recordLister lists an owner's records page by page.
type recordLister struct {
	client *Client
	owner  protocol.Owner
	left   int // how many to list, unless all
	all    bool
	seen   map[protocol.ID]bool
	last   uint64 // the timestamp of the last one
}

func (l *recordLister) run(ctx context.Context, yield func(Listed) bool) error {
	for q := (api.RecordsQuery{Owner: l.owner, Frames: true}); l.all || l.left > 0; {
		if q.Limit = api.MaxLimit; !l.all {
			q.Limit = min(l.left, api.MaxLimit)
		}
		var page *api.RecordList
		if err := l.client.retry(ctx, 0, func(node api.Service) (err error) {
			page, err = node.Records(ctx, q)
			return err
		}); err != nil {
			return err
		}
		list, err := l.check(page, q.Limit)
		if err != nil {
			return &ForgedError{Node: l.client.Address(), What: err}
		}
		l.left -= len(list)
		for _, r := range list {
			if !yield(r) {
				return nil
			}
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
	return nil
}

// check checks a page: each record by itself, and that none comes twice or out of order.
func (l *recordLister) check(page *api.RecordList, limit int) ([]Listed, error) {
	switch {
	case len(page.Records) > limit:
		return nil, fmt.Errorf("%d records, asked for %d", len(page.Records), limit)
	case page.Next != "" && len(page.Records) == 0:
		return nil, errors.New("a page without records, and a next one")
	}
	list := make([]Listed, len(page.Records))
	for i := range page.Records {
		list[i].ListedRecord = &page.Records[i]
		if err := l.checkRecord(&list[i]); err != nil {
			return nil, fmt.Errorf("record %s: %w", page.Records[i].ID, err)
		}
	}
	return list, nil
}

// checkRecord checks a record. What is said of it is then what it says itself.
func (l *recordLister) checkRecord(info *Listed) error {
	if l.seen[info.ID] {
		return errors.New("it came before")
	}
	l.seen[info.ID] = true
	if len(info.Frame) == 0 && info.Error == api.ErrorDamaged {
		return nil // nothing of it is left
	}
	r, err := l.client.readSame(info.Frame, info.ID)
	if err != nil {
		return err
	}
	switch {
	case r.Owner != l.owner:
		return fmt.Errorf("it is one of owner %s", r.Owner)
	case l.last > 0 && r.Timestamp > l.last:
		return errors.New("it is newer than the one before it")
	}
	l.last, info.Record = r.Timestamp, r
	info.Type, info.Owner, info.Timestamp, info.Links, info.Effort = r.Type.String(), r.Owner, r.Timestamp, r.Links, r.Effort()
	info.Selectors = nil
	for _, s := range r.Selectors {
		info.Selectors = append(info.Selectors, api.SelectorInfo{Key: s.Key, Ordinal: api.Uint64(s.Ordinal)})
	}
	return nil
}
