// Package synthetichome fills the homes of nodes with the records of package synthetic.
package synthetichome

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf/internal/synthetic"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// portion is how many records are made before they are stored. A few portions wait at most.
const portion = 4096

// Fill brings the home in a folder to a number of records of a mix. It makes the home, or goes on
// where an earlier call ended, even if that was killed. progress is called with the number of
// records now and then; it may be nil. No node may run on the home.
func Fill(ctx context.Context, dir string, mix synthetic.Mix, count int, progress func(done int)) error {
	maker, err := synthetic.NewMaker(mix)
	if err != nil {
		return err
	}
	h, err := Prepare(dir, maker.Network())
	if err != nil {
		return err
	}
	unlock, err := h.Lock()
	if err != nil {
		return err
	}
	s, err := store.Open(h.Database(), maker.Network(), store.Options{})
	if err != nil {
		return errors.Join(err, unlock())
	}
	if err = resume(ctx, s, maker, mix); err == nil {
		err = Add(ctx, s, maker, count-maker.Made(), progress)
	}
	return errors.Join(err, s.Close(), unlock())
}

// Prepare makes the home in a folder one of a network.
func Prepare(dir string, n *protocol.Network) (*home.Home, error) {
	h, err := home.Open(dir)
	if err != nil {
		return nil, err
	}
	return h, h.BindNetwork(n.File(nil))
}

// resume has the maker go on after the records of a store.
func resume(ctx context.Context, s *store.Store, maker *synthetic.Maker, mix synthetic.Mix) error {
	first, err := firstOf(mix)
	if err != nil {
		return err
	}
	var ids []protocol.ID // of the newest records, a chunk at least
	at := -len(maker.Network().Genesis())
	err = s.Scan(ctx, func(items []store.Item) error {
		ids = ids[max(0, len(ids)-2*mix.UnderWay):]
		for _, item := range items {
			switch {
			case at >= 0 && at < len(first) && item.ID != first[at]:
				return fmt.Errorf("the home has other records than those of this mix: choose another folder")
			case at >= 0:
				ids = append(ids, item.ID)
			}
			at++
		}
		return nil
	})
	if err != nil || at <= 0 {
		return err
	}
	return maker.Resume(at, ids[len(ids)-min(at, maker.Window(at)):])
}

// firstOf returns the IDs of the first records of a mix, by which a home is recognized.
func firstOf(mix synthetic.Mix) (ids []protocol.ID, err error) {
	maker, err := synthetic.NewMaker(mix)
	if err != nil {
		return nil, err
	}
	records, err := maker.Make(mix.UnderWay)
	for _, r := range records {
		ids = append(ids, r.ID())
	}
	return ids, err
}

// Add makes the next records of a maker and stores them. Records are made while others are stored.
func Add(ctx context.Context, s *store.Store, maker *synthetic.Maker, count int, progress func(done int)) error {
	made := make(chan []*protocol.Record, 2)
	work, ctx := errgroup.WithContext(ctx)
	before := maker.Made()
	work.Go(func() error {
		defer close(made)
		for left := count; left > 0; {
			records, err := maker.Make(min(left, portion))
			if err != nil {
				return err
			}
			select {
			case made <- records:
				left -= len(records)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	work.Go(func() error {
		for records := range made {
			if err := put(ctx, s, records); err != nil {
				return err
			}
			if before += len(records); progress != nil {
				progress(before)
			}
		}
		return nil
	})
	return work.Wait()
}

// put stores records, each of which must be new.
func put(ctx context.Context, s *store.Store, records []*protocol.Record) error {
	results, err := s.PutAll(ctx, records, nil)
	if err != nil {
		return err
	}
	for i, r := range results {
		if r.Outcome != store.Attached {
			return fmt.Errorf("record %s was not attached: %s, %w", records[i].ID(), r.Outcome, r.Err)
		}
	}
	return nil
}
