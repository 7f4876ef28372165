package proxy

import (
	"bytes"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/protocol"
)

const (
	// rememberedRecords is how many checked records a proxy remembers, rememberedFrame how large
	// their frames may be. Larger ones are rare, and are checked again each time.
	rememberedRecords = 8192
	rememberedFrame   = 8 << 10
)

// checkedRecords remembers which records were checked: each once.
type checkedRecords struct {
	network *protocol.Network
	cache   *lru.Cache[protocol.ID, checkedRecord]
}

// checkedRecord is a record with the frame that it was read from.
type checkedRecord struct {
	*protocol.Record
	frame []byte
}

func newCheckedRecords(n *protocol.Network) *checkedRecords {
	cache, err := lru.New[protocol.ID, checkedRecord](rememberedRecords)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return &checkedRecords{n, cache}
}

// forgedError says that a signature or a hash proves an answer false.
type forgedError struct{ what error }

func (e *forgedError) Error() string { return e.what.Error() }
func (e *forgedError) Unwrap() error { return e.what }

func forged(format string, args ...any) error { return &forgedError{fmt.Errorf(format, args...)} }

// known returns a record that was checked, nil if it is not remembered.
func (c *checkedRecords) known(id protocol.ID) *protocol.Record {
	known, _ := c.cache.Get(id)
	return known.Record
}

// check reads a record from its frame and makes sure that it is the one with this ID, and that its
// owner made it. An error is a [forgedError], or the frame makes no sense.
func (c *checkedRecords) check(id protocol.ID, frame []byte) (*protocol.Record, error) {
	if known, ok := c.cache.Get(id); ok && bytes.Equal(known.frame, frame) {
		return known.Record, nil
	}
	r, err := protocol.DecodeFrame(frame)
	switch {
	case err != nil:
		return nil, fmt.Errorf("record %s: %w", id, err)
	case r.ID() != id:
		return nil, forged("record %s: what came is %s", id, r.ID())
	case r.Type == protocol.TypeGenesis && !c.network.IsGenesis(id):
		return nil, forged("record %s: it is another network's genesis record", id)
	}
	if err := c.network.CheckAuthorship(r); err != nil {
		return nil, forged("record %s: %w", id, err)
	}
	if len(frame) <= rememberedFrame {
		c.cache.Add(id, checkedRecord{r, frame})
	}
	return r, nil
}
