package hostile

import (
	"bufio"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// maxMemory bounds the records that an attacker remembers.
const maxMemory = 2000

// memory is what the attacker knows of the network's records.
type memory struct {
	mu     sync.Mutex
	ids    []protocol.ID
	frames map[protocol.ID][]byte // nil for those that were only named
}

func newMemory() *memory { return &memory{frames: make(map[protocol.ID][]byte)} }

// hear remembers a record; what is none is forgotten.
func (m *memory) hear(frame []byte) {
	if r, err := protocol.DecodeFrame(frame); err == nil {
		m.note(r.ID(), slices.Clone(frame))
	}
}

func (m *memory) note(id protocol.ID, frame []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, known := m.frames[id]
	switch {
	case !known && len(m.ids) < maxMemory:
		m.ids = append(m.ids, id)
		m.frames[id] = frame
	case known && old == nil:
		m.frames[id] = frame
	}
}

// named returns the IDs of the newest records, at most most.
func (m *memory) named(most int) []protocol.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.ids[max(0, len(m.ids)-most):])
}

// some returns IDs of records, newer and older ones, at most most.
func (m *memory) some(most int) []protocol.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	step := max(1, (len(m.ids)+most-1)/most)
	var ids []protocol.ID
	for i := 0; i < len(m.ids) && len(ids) < most; i += step {
		ids = append(ids, m.ids[i])
	}
	return ids
}

// frame returns a record whose ID begins with prefix.
func (m *memory) frame(prefix []byte) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, frame := range m.frames {
		if frame != nil && len(prefix) <= len(id) && string(id[:len(prefix)]) == string(prefix) {
			return frame
		}
	}
	return nil
}

// nameless returns IDs that came without their records.
func (m *memory) nameless(most int) []protocol.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	var missing []protocol.ID
	for _, id := range m.ids {
		if m.frames[id] == nil && len(missing) < most {
			missing = append(missing, id)
		}
	}
	return missing
}

// learn asks a target now and then what records it has, as an honest peer without any would.
func (a *attacker) learn(ctx context.Context, target peer.ID) error {
	return every(ctx, 2*time.Second, 300, func(int) error {
		return a.with(ctx, target, "reconcile", func(s network.Stream) error {
			if _, err := s.Write(framed(list(aboutNow(), nil))); err != nil {
				return err
			}
			message, err := readMessage(s)
			if err != nil {
				return err
			}
			for _, id := range ids(message) {
				a.memory.note(id, nil)
			}
			return s.CloseWrite()
		})
	})
}

// collect fetches the records that learn found.
func (a *attacker) collect(ctx context.Context, target peer.ID) error {
	return every(ctx, time.Second, 600, func(int) error {
		wanted := a.memory.nameless(32)
		if len(wanted) == 0 {
			return nil
		}
		return a.with(ctx, target, "fetch", func(s network.Stream) error {
			if _, err := s.Write(appendRequest(nil, wanted, 0)); err != nil {
				return err
			}
			_ = s.CloseWrite()
			in := bufio.NewReader(s)
			for range wanted {
				frame, err := readItem(in)
				if err != nil {
					return endOf(err)
				}
				a.memory.hear(frame)
			}
			return nil
		})
	})
}
