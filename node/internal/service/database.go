package service

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ipfs/go-datastore"
)

// databaseKey is where the database keeps the name that tells it from another one in its place.
var databaseKey = datastore.NewKey("/database")

// databaseID returns the database's name, and gives it one on first use. It is "" where a database
// without one cannot be written.
func databaseID(ctx context.Context, in datastore.Datastore) (string, error) {
	id, err := in.Get(ctx, databaseKey)
	if errors.Is(err, datastore.ErrNotFound) {
		id = make([]byte, 16)
		_, _ = rand.Read(id) // it never fails
		if err := in.Put(ctx, databaseKey, id); err != nil {
			return "", nil //nolint:nilerr // the store says that it cannot write
		}
		return hex.EncodeToString(id), nil
	}
	if err != nil {
		return "", fmt.Errorf("the database's name: %w", err)
	}
	return hex.EncodeToString(id), nil
}
