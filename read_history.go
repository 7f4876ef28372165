package lf

import (
	"context"
	"errors"
	"fmt"

	"github.com/lf-store/lf/node/api"
)

// readHistory reads the older versions of an answer that were too many for it, page by page.
func (c *Client) readHistory(ctx context.Context, r *reader, asked api.Query, t *target, a *Answer) error {
	if !r.history || a.olderNext == "" {
		return nil
	}
	asked.Selectors = make([]api.SelectorRange, len(a.record.Selectors))
	for i, s := range a.record.Selectors {
		at := api.Uint64(s.Ordinal)
		asked.Selectors[i] = api.SelectorRange{Key: &s.Key, From: at, To: at}
	}
	asked.Keys, asked.Open, asked.Explain, asked.Limit, asked.After = nil, false, false, 0, ""
	for a.olderNext != "" {
		asked.HistoryAfter = a.olderNext
		var answered *api.QueryResult
		err := c.retry(ctx, 0, func(node api.Service) (err error) {
			answered, err = node.Query(ctx, asked)
			return err
		})
		if err != nil {
			return err
		}
		if err := r.addOlder(answered, t, a); err != nil {
			return &ForgedError{Node: c.Address(), What: err}
		}
	}
	return nil
}

// addOlder checks a page of older versions, and adds it to an answer.
func (r *reader) addOlder(page *api.QueryResult, t *target, a *Answer) error {
	if err := r.checkTrust(page); err != nil {
		return err
	}
	a.olderNext = ""
	switch {
	case len(page.Answers) == 0:
		return nil // the owner has released the claim meanwhile
	case len(page.Answers) > 1:
		return fmt.Errorf("%d answers for one key", len(page.Answers))
	}
	from := &page.Answers[0]
	older, err := r.versions(from.History, a.record, t)
	if err != nil {
		return err
	}
	if from.HistoryNext != "" && len(from.History) == 0 {
		return errors.New("a page without older versions, and a next one")
	}
	a.Older, a.olderNext = append(a.Older, older...), from.HistoryNext
	return a.checkBeside()
}
