package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Set implements api.Service.
func (s *Service) Set(ctx context.Context, req api.SetRequest) (*api.Submitted, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	key, err := s.owner(req.Owner)
	if err != nil {
		return nil, err
	}
	draft, certified, err := s.draft(ctx, &req, key.Owner)
	if err != nil {
		return nil, err
	}
	place, err := s.takePlace(ctx, draft, certified)
	if err != nil {
		return nil, Failure(err)
	}
	if place != nil {
		defer place.Leave()
		// others have written meanwhile, and a record that is late counts for less
		if certified, err = s.link(ctx, &draft); err != nil {
			return nil, err
		}
	}
	r, err := s.compose(ctx, draft, key)
	if err != nil {
		return nil, err
	}
	if r, err = s.pay(ctx, place, r, certified); err != nil {
		return nil, Failure(err)
	}
	s.noteNames(&req, key.Owner)
	return s.Submit(ctx, r.EncodeFrame())
}

// noteNames notes what is written in the home's list of names, as the client library does.
func (s *Service) noteNames(req *api.SetRequest, owner protocol.Owner) {
	points, err := req.Points()
	if err != nil || req.MaskingKey != "" {
		return
	}
	w := home.WrittenName{Network: s.config.Network.ID(), Owner: owner, At: s.now()}
	for _, p := range points {
		w.Key = append(w.Key, p.String())
	}
	if err := s.config.Home.Names().Add(w); err != nil {
		s.log.Warn("a name is not noted", "error", err)
	}
}

// compose makes the record of a draft, and signs it.
func (s *Service) compose(ctx context.Context, draft protocol.Draft, key home.Key) (*protocol.Record, error) {
	r, err := s.composeUnsigned(ctx, draft)
	if err != nil {
		return nil, err
	}
	if r, err = s.config.Network.Sign(r, key.Secret); err != nil {
		return nil, fmt.Errorf("set: %w", err)
	}
	return r, nil
}

func (s *Service) composeUnsigned(ctx context.Context, draft protocol.Draft) (*protocol.Record, error) {
	after, err := s.previous(ctx, draft)
	if err != nil {
		return nil, Failure(err)
	}
	if draft.Timestamp, err = s.timestamp(draft, after); err != nil {
		return nil, err
	}
	r, err := s.config.Network.Compose(draft)
	if err != nil {
		return nil, api.Invalid("%v", err) // a value that is too large for the network
	}
	return r, nil
}

// owner finds the key that signs. What is wrong with a key in the home is the user's to mend, so it
// is told.
func (s *Service) owner(nameOrOwner string) (home.Key, error) {
	var key home.Key
	var made bool
	var err error
	if nameOrOwner == "" {
		key, made, err = s.owners.Default()
	} else {
		key, err = s.owners.Get(nameOrOwner)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return key, api.NotFound("%v", err)
	case err != nil:
		return key, api.Conflict("%v", err)
	case made:
		s.log.Info("made a default owner", "name", key.Name, "owner", key.Owner)
	}
	return key, nil
}

// draft derives what a request names and picks the links, among them the owner's certificate if
// there is one. The timestamp is still to come, and at least what it is here.
func (s *Service) draft(ctx context.Context, req *api.SetRequest, owner protocol.Owner) (d protocol.Draft, certified bool, err error) {
	d = protocol.Draft{Type: req.RecordType(), Owner: owner, Value: req.Plain()}
	points, err := req.Points()
	if err != nil {
		return d, false, err
	}
	for _, p := range points {
		name, err := s.names.derive(ctx, p.Name)
		if err != nil {
			return d, false, Failure(err)
		}
		d.Names = append(d.Names, protocol.NamePoint{Name: name, Ordinal: p.From})
	}
	if req.MaskingKey != "" {
		mask, err := s.names.mask(ctx, req.MaskingKey)
		if err != nil {
			return d, false, Failure(err)
		}
		d.Mask = &mask
	}
	certified, err = s.link(ctx, &d)
	return d, certified, err
}

// link picks a draft's links and its least timestamp.
func (s *Service) link(ctx context.Context, d *protocol.Draft) (certified bool, err error) {
	links, err := s.Links(ctx, api.LinksQuery{Owner: &d.Owner})
	if err != nil {
		return false, err
	}
	if !links.Certified && s.config.Network.Params().AuthRequired {
		return false, s.uncertified(ctx, d.Owner)
	}
	d.Links, d.Timestamp = links.Links, max(links.Now, links.Timestamp)
	return links.Certified, nil
}

// previous returns when the owner's newest record under the draft's names was made, 0 where there
// is none.
func (s *Service) previous(ctx context.Context, d protocol.Draft) (uint64, error) {
	newest, err := s.newestVersion(ctx, d.Owner, pointsOf(d.Names))
	if err != nil || newest == nil {
		return 0, err
	}
	return newest.Time(), nil
}

// newestVersion returns the owner's newest record under a composite key, nil where there is none.
// Nothing is built on a damaged one, which is an error.
func (s *Service) newestVersion(ctx context.Context, owner protocol.Owner, points []protocol.SelectorPoint) (*store.Version, error) {
	q := store.Query{Owners: []protocol.Owner{owner}, Limit: 1}
	for _, p := range points {
		q.Where = append(q.Where, store.Range{Key: p.Key, From: p.Ordinal, To: p.Ordinal})
	}
	found, err := s.config.Store.Query(ctx, q)
	switch {
	case err != nil:
		return nil, err
	case len(found.Keys) == 0:
		return nil, nil
	case found.Keys[0].Damaged != nil:
		return nil, found.Keys[0].Damaged
	case len(found.Keys[0].Claims) == 0:
		return nil, nil
	}
	newest := &found.Keys[0].Claims[0].Version
	if newest.Damaged != nil {
		return nil, newest.Damaged
	}
	return newest, nil
}

func pointsOf(names []protocol.NamePoint) []protocol.SelectorPoint {
	points := make([]protocol.SelectorPoint, len(names))
	for i, n := range names {
		points[i] = protocol.SelectorPoint{Key: n.Name.Selector(), Ordinal: n.Ordinal}
	}
	return points
}

// timestamp is that of the draft, or the millisecond after the owner's last write under the same
// key if that is later. Of two writes one after the other, the second must win. A time that other
// nodes would not yet accept is refused: such a record would sit in their queues and, until then,
// in nobody's answers.
func (s *Service) timestamp(d protocol.Draft, after uint64) (uint64, error) {
	now, drift := s.now(), s.config.Network.Params().ClockDrift
	// a clock was ahead when that was written, and is right now
	if after >= now+drift && d.Timestamp <= now+drift {
		return 0, api.Conflict("what this owner has there is dated %s, which is ahead: it was written when a clock was wrong. "+
			"A record that replaces it is possible from %s on; until then another owner can write there", utc(after), utc(after+1-drift))
	}
	t := s.last.next(write{d.Owner, protocol.CompositeOf(pointsOf(d.Names))}, max(d.Timestamp, after+1), now)
	if t > now+s.config.Network.Params().ClockDrift {
		return 0, api.Conflict("the newest records are %d s ahead of this node's clock, more than the network allows: check the clock", (t-now)/1000)
	}
	return t, nil
}

// write names what an owner wrote under a composite key.
type write struct {
	owner     protocol.Owner
	composite protocol.CompositeID
}

// lastWrites remembers the timestamps of writes that are not yet in the past.
type lastWrites struct {
	mu sync.Mutex
	at map[write]uint64
}

// next returns the least timestamp from least on that is above that of the same owner's last write
// under the key.
func (l *lastWrites) next(w write, least, now uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil {
		l.at = map[write]uint64{}
	}
	t := least
	if last, ok := l.at[w]; ok && last >= t {
		t = last + 1
	}
	if len(l.at) >= 1024 { // those in the past can no longer be met
		for k, at := range l.at {
			if at < now {
				delete(l.at, k)
			}
		}
	}
	l.at[w] = t
	return t
}
