package store

import (
	"context"
	"fmt"

	"github.com/ipfs/go-datastore"
)

// Datastore returns a go-datastore in a table of its own of the same file. Its writes go through
// the store's writer and are on disk when they return. Closing it does nothing: the store's owner
// closes the store.
func (s *Store) Datastore() datastore.Batching { return (*dataStore)(s) }

type dataStore Store

var (
	_ datastore.Batching            = (*dataStore)(nil)
	_ datastore.PersistentDatastore = (*dataStore)(nil)
)

func (d *dataStore) store() *Store { return (*Store)(d) }

func (d *dataStore) Get(ctx context.Context, key datastore.Key) (value []byte, err error) {
	err = d.store().read(ctx, func(c *conn) error {
		found, err := c.one(func(r *rows) { value = r.blob(0) }, "SELECT value FROM datastore WHERE key = ?", key.String())
		if err == nil && !found {
			err = datastore.ErrNotFound
		}
		return err
	})
	return value, err
}

func (d *dataStore) Has(ctx context.Context, key datastore.Key) (found bool, err error) {
	err = d.store().read(ctx, func(c *conn) (err error) {
		found, err = c.one(nil, "SELECT 1 FROM datastore WHERE key = ?", key.String())
		return err
	})
	return found, err
}

func (d *dataStore) GetSize(ctx context.Context, key datastore.Key) (size int, err error) {
	size = -1
	err = d.store().read(ctx, func(c *conn) error {
		found, err := c.one(func(r *rows) { size = int(r.int(0)) }, "SELECT length(value) FROM datastore WHERE key = ?", key.String())
		if err == nil && !found {
			err = datastore.ErrNotFound
		}
		return err
	})
	return size, err
}

func (d *dataStore) Put(ctx context.Context, key datastore.Key, value []byte) error {
	return d.store().change(ctx, putEntry(key, value))
}

func (d *dataStore) Delete(ctx context.Context, key datastore.Key) error {
	return d.store().change(ctx, deleteEntry(key))
}

func putEntry(key datastore.Key, value []byte) func(*tx) error {
	// the caller may change its own; and never nil
	value = append(make([]byte, 0, len(value)), value...)
	return func(t *tx) error {
		_, err := t.exec("INSERT INTO datastore VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key.String(), value)
		return err
	}
}

func deleteEntry(key datastore.Key) func(*tx) error {
	return func(t *tx) error {
		_, err := t.exec("DELETE FROM datastore WHERE key = ?", key.String())
		return err
	}
}

// Sync has nothing to do: every write was on disk when it returned.
func (d *dataStore) Sync(context.Context, datastore.Key) error { return nil }

func (d *dataStore) Close() error { return nil }

// DiskUsage returns the bytes of all keys and values. The file they share with the records is
// larger.
func (d *dataStore) DiskUsage(ctx context.Context) (size uint64, err error) {
	err = d.store().read(ctx, func(c *conn) error {
		n, err := c.number("SELECT coalesce(sum(length(CAST(key AS BLOB)) + length(value)), 0) FROM datastore")
		size = uint64(n)
		return err
	})
	return size, err
}

// Batch gathers changes; Commit makes all of them or none.
func (d *dataStore) Batch(context.Context) (datastore.Batch, error) {
	return &dataBatch{store: d.store()}, nil
}

type dataBatch struct {
	store   *Store
	changes []func(*tx) error
}

func (b *dataBatch) Put(_ context.Context, key datastore.Key, value []byte) error {
	b.changes = append(b.changes, putEntry(key, value))
	return nil
}

func (b *dataBatch) Delete(_ context.Context, key datastore.Key) error {
	b.changes = append(b.changes, deleteEntry(key))
	return nil
}

func (b *dataBatch) Commit(ctx context.Context) error {
	changes := b.changes
	if len(changes) == 0 {
		return nil
	}
	err := b.store.change(ctx, func(t *tx) error {
		for _, change := range changes {
			if err := change(t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("datastore batch: %w", err)
	}
	b.changes = nil
	return nil
}
