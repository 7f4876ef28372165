package lf

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Record asks for one record of any type, and checks that it is the one asked for and its
// signatures. What else the node says of it (state, weight) is the node's word. [ErrNotFound] says
// that the node has no such record.
func (c *Client) Record(ctx context.Context, id protocol.ID) (*api.RecordInfo, *protocol.Record, error) {
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	var info *api.RecordInfo
	err := c.retry(ctx, 0, func(node api.Service) (err error) {
		info, err = node.Record(ctx, id)
		return err
	})
	var answered *api.Error
	switch {
	case errors.As(err, &answered) && answered.Status == http.StatusNotFound:
		return nil, nil, notFound("%s: the node has no such record", id)
	case errors.As(err, &answered) && answered.Damaged != nil:
		return nil, nil, &DamagedError{Record: *answered.Damaged, What: api.ErrorDamaged, Unavailable: answered.Status != http.StatusServiceUnavailable}
	case err != nil:
		return nil, nil, err
	}
	r, err := c.readSame(info.Frame, id)
	if err != nil {
		return nil, nil, &ForgedError{Node: c.Address(), What: fmt.Errorf("record %s: %w", id, err)}
	}
	return info, r, nil
}

// readSame reads a record, and makes sure that it is the one with this ID and of this network.
func (c *Client) readSame(frame []byte, id protocol.ID) (*protocol.Record, error) {
	r, err := c.checked.read(frame)
	switch {
	case r == nil:
		return nil, err
	case r.ID() != id:
		return nil, fmt.Errorf("it is %s", r.ID())
	case r.Type == protocol.TypeGenesis && !c.network.IsGenesis(id):
		return nil, errors.New("it is another network's genesis record")
	}
	return r, err
}
