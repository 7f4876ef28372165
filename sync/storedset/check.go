package storedset

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// Database is a database as a set's file is compared with it.
type Database interface {
	Source
	// Marked tells which checkpoints of the named file the database remembers, and how many records
	// it has.
	Marked(ctx context.Context, name string) (has func(mapped.Stamp) bool, attached uint64, err error)
}

// Name names the file of the set in the database.
const Name = "set"

// CheckFile compares a set's file, if there is one, with the records of the database. It returns
// what is wrong, "" for nothing. The error says that the check could not go on.
func CheckFile(ctx context.Context, path string, db Database) (problem string, err error) {
	has, attached, err := db.Marked(ctx, Name)
	if err != nil {
		return "", err
	}
	file, stamp, rest, err := mapped.Open(mapped.Config{Path: path, Layout: negentropy.Layout(), ReadOnly: true}, has)
	if errors.Is(err, mapped.ErrNone) {
		return "", nil
	}
	if err != nil {
		return fmt.Sprintf("the set's file does not check out, and the next start makes it again: %v", err), nil
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	wrong := file.Verify()
	if wrong == nil {
		wrong, err = compareSet(ctx, file, rest, stamp.Index, attached, db)
	}
	if wrong != nil {
		problem = fmt.Sprintf("the set's file is damaged: remove %s* while no node runs, and the next start makes it again: %v", path, wrong)
	}
	return problem, err
}

// compareSet compares a set with the records up to an index. It may have others that came after it.
func compareSet(ctx context.Context, file *mapped.File, rest []byte, index, attached uint64, db Database) (wrong, err error) {
	ids := NewIDs(db)
	tree, err := negentropy.Restore(file, rest, ids)
	if err != nil {
		return err, nil
	}
	timestamps := make([]uint64, attached+1)
	for i := range timestamps {
		timestamps[i] = none
	}
	err = Guard(func() {
		broken := file.Guard(func() {
			wrong = tree.Verify(func(number uint32, timestamp uint64) error {
				if number == 0 || uint64(number) > attached || timestamps[number] != none {
					return fmt.Errorf("it has record %d twice, or the database does not have it", number)
				}
				timestamps[number] = timestamp
				return ctx.Err()
			})
		})
		wrong = errors.Join(broken, wrong)
	})
	if err = errors.Join(err, ctx.Err()); wrong != nil || err != nil {
		return wrong, err
	}
	return compareTimestamps(ctx, timestamps, index, db)
}

// none in place of a timestamp says that a set lacks a record.
const none = math.MaxUint64

// compareTimestamps compares the timestamps of a set, by number, with the database's. Only those up
// to an index must be there.
func compareTimestamps(ctx context.Context, timestamps []uint64, index uint64, db Database) (wrong, err error) {
	attached := uint64(len(timestamps) - 1)
	for at := uint64(0); at < attached; {
		items, err := db.ItemsAfter(ctx, at, make([]intake.Item, 0, 1024))
		if err == nil && len(items) == 0 {
			err = fmt.Errorf("the database ends at record %d of %d", at, attached)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if have := timestamps[item.Index]; have != item.Timestamp && (have != none || item.Index <= index) {
				return fmt.Errorf("it lacks record %d, or has another timestamp of it", item.Index), nil
			}
		}
		at = items[len(items)-1].Index
	}
	return nil, nil
}
