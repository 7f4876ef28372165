package lf

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"

	"github.com/lf-store/lf/node/api"
)

// LoadFile sets the values in a file: see [ReadEntries] for its lines. The whole file is checked
// before anything is written. A line counts as written when the node has it on disk. After an
// interruption the same call goes on where it stopped. A journal in the home keeps which lines the
// node has acknowledged. It holds for one content, network, owner, masking key and database. With
// [OnlyChanged] there is no journal.
//
// What it returns is right also with an error.
func (c *Client) LoadFile(ctx context.Context, file *BulkFile, options ...LoadOption) (loaded Loaded, err error) {
	if err := file.check(c.network); err != nil {
		return loaded, err
	}
	loaded.Lines = file.lines
	l, err := c.loader(ctx, loadSettingsOf(options))
	if err != nil {
		return loaded, err
	}
	l.file = file
	if !l.settings.changed {
		if err := l.openJournal(ctx, file, &loaded); err != nil {
			return loaded, err
		}
		defer func() { err = errors.Join(err, l.journal.close()) }()
	}
	if l.settings.started != nil {
		l.settings.started(loaded)
	}
	if !loaded.Complete {
		err = l.writeFile(ctx, file)
	}
	loaded.Written, loaded.Unchanged, loaded.Complete = int(l.finished.Load()), int(l.unchanged.Load()), err == nil
	return loaded, err
}

// openJournal opens the file's journal, and notes what was written before.
func (l *loader) openJournal(ctx context.Context, file *BulkFile, loaded *Loaded) error {
	if l.home == nil {
		return errors.New("no home directory, and so no journal of what is loaded: name a home")
	}
	var status *api.Status
	err := l.retry(ctx, 0, func(node api.Service) (err error) {
		status, err = node.Status(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if l.journal, err = openJournal(l.home.Dir(), l.journalKey(file, status.Storage.Database)); err != nil {
		return err
	}
	if l.settings.again {
		err = l.journal.forget()
	} else {
		loaded.Lost, err = l.journal.setBack(status.Storage.Attached)
	}
	if err != nil {
		return errors.Join(err, l.journal.close())
	}
	loaded.Before, loaded.Complete = l.journal.count(), l.journal.complete
	if loaded.Complete {
		loaded.Before = loaded.Lines
	}
	return nil
}

// journalKey tells apart what must be written apart: other content, on another network, by another
// owner, into another database.
func (l *loader) journalKey(file *BulkFile, database string) []byte {
	network := l.network.ID()
	h := sha256.New()
	h.Write(file.hash[:])
	h.Write(network[:])
	h.Write(l.owner[:])
	h.Write([]byte(database))
	if l.mask != nil {
		h.Write(l.secret) // so that the journal's name helps nobody to guess the masking key
		h.Write(l.mask[:])
	}
	return h.Sum(nil)
}

// writeFile writes the lines that are not in the journal.
func (l *loader) writeFile(ctx context.Context, file *BulkFile) error {
	if err := l.writeAll(ctx, l.lines(file)); err != nil || l.journal == nil {
		return err
	}
	return l.journal.finish()
}

func (l *loader) lines(file *BulkFile) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		hash, err := file.each(func(number int, e Entry, wrong error) error {
			if l.journal != nil && l.journal.has(number) {
				return nil
			}
			if wrong != nil {
				return fmt.Errorf("%s changed while it was read: %w", file.place(number), wrong)
			}
			if !yield(e, nil) {
				return errStopped
			}
			return nil
		})
		if err == nil && hash != file.hash {
			err = fmt.Errorf("%s changed while it was read: load it again", file.name)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(Entry{}, err)
		}
	}
}

// errStopped says that nobody wants more lines.
var errStopped = errors.New("stopped")
