package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"

	"github.com/lf-store/lf/protocol"
)

// Backup copies a database to a new file, as of one moment. A node may have it open: it goes on,
// and its log grows meanwhile. The copy is of the network, has no free pages, and is readable by
// its user alone. With an error there is no copy.
func Backup(ctx context.Context, path, to string, n *protocol.Network) (err error) {
	if ours, err := isOurs(path); err != nil {
		return err
	} else if !ours {
		return &NotADatabaseError{path, "there is none"}
	}
	// SQLite would let others read it
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("back up the database: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(to))
		}
	}()
	if err := f.Close(); err != nil {
		return fmt.Errorf("back up the database: %w", err)
	}
	c, err := openConn(path, "rw") // to read a log, SQLite writes beside it
	if err != nil {
		return damaged(path, err)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.script(fmt.Sprintf("PRAGMA busy_timeout = %d", busyMillis)); err != nil {
		return damaged(path, err)
	}
	if err := checkSchema(c, path, n, len(newSchema().scripts)); err != nil {
		return damaged(path, err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("back up the database: %w", context.Cause(ctx))
	}
	if _, err := c.db.ExecContext(ctx, "VACUUM INTO ?", []driver.NamedValue{{Ordinal: 1, Value: to}}); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("back up the database: %w", context.Cause(ctx))
		}
		return damaged(path, storageError(fmt.Errorf("back up the database: %w", err)))
	}
	return nil
}
