package lf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/lf-store/lf/node/api"
)

// ErrNoRecords says that an API keeps no records: it is a proxy's.
var ErrNoRecords = errors.New("this API keeps no records: name a full node")

// Export writes all records of the node to w as a CAR file (version 1), parents before children.
// With an error the file is cut off. It wraps [ErrNoRecords] where a proxy answers.
func (c *Client) Export(ctx context.Context, w io.Writer) error {
	a, err := c.archive()
	if err != nil {
		return err
	}
	return noRecords(a.Export(ctx, w))
}

// Import has the node take in the records of a CAR file, as [Client.Export] writes it. Whoever made
// it, the node checks each like one from a peer. It ends at the first that is wrong, and those
// before it stay. After an interruption the same file can be imported again.
func (c *Client) Import(ctx context.Context, r io.Reader) (*api.Imported, error) {
	a, err := c.archive()
	if err != nil {
		return nil, err
	}
	done, err := a.Import(ctx, r)
	return done, noRecords(err)
}

func (c *Client) archive() (api.Archive, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	a, ok := c.Node().(api.Archive)
	if !ok {
		return nil, ErrNoRecords
	}
	return a, nil
}

// noRecords tells an API without the operations from one that failed.
func noRecords(err error) error {
	var problem *api.Error
	if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
		return fmt.Errorf("%w (%w)", ErrNoRecords, err)
	}
	return err
}
