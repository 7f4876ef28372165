package apitest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Fake is a node that knows nobody and keeps its records in memory: real records, checked as a node
// checks them, and queries that look at every one. Its network asks for no work.
type Fake struct {
	network *protocol.Network
	names   *protocol.NameCache
	verify  protocol.WorkVerifier
	started time.Time

	mu      sync.Mutex
	owner   ed25519.PrivateKey
	records map[protocol.ID]*entry
	pulses  map[pulsedClaim]protocol.Pulse
	index   uint64
	seen    uint64
	changed chan struct{} // closed and made again when a record comes
}

type entry struct {
	*protocol.Record
	index uint64 // 0 while pending or held
	seen  uint64 // when it came, in µs, no two at once
	state string
}

var _ api.Service = (*Fake)(nil)

// NewFake returns a fake node on a network of its own, with nothing in it but the genesis.
func NewFake() (*Fake, error) {
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "fake", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, now()-1000, rand.Reader)
	if err != nil {
		return nil, err
	}
	return NewFakeOn(n)
}

// NewFakeOn returns a fake node on a network, which must ask for no work.
func NewFakeOn(n *protocol.Network) (*Fake, error) { return NewFakeThatVerifies(n, noWork) }

// NewFakeThatVerifies returns a fake node on a network that may ask for work. The fake does none.
func NewFakeThatVerifies(n *protocol.Network, verify protocol.WorkVerifier) (*Fake, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make an owner: %w", err)
	}
	f := &Fake{network: n, verify: verify, names: protocol.NewNameCache(n, 1000), started: time.Now(), owner: key,
		records: map[protocol.ID]*entry{}, pulses: map[pulsedClaim]protocol.Pulse{}, changed: make(chan struct{})}
	for _, r := range n.Genesis() {
		f.records[r.ID()] = f.arrived(r)
	}
	f.settle()
	return f, nil
}

func now() uint64 { return uint64(time.Now().UnixMilli()) } // after 1970

func (f *Fake) arrived(r *protocol.Record) *entry {
	f.seen = max(f.seen+1, 1000*now())
	return &entry{Record: r, state: api.StatePending, seen: f.seen}
}

// settle attaches whatever waits no longer: all its links are attached and its time has come.
func (f *Fake) settle() {
	for again := true; again; {
		again = false
		for _, e := range f.records {
			if e.state == api.StateAttached {
				continue
			}
			if e.state = f.stateOf(e.Record); e.state == api.StateAttached {
				f.index++
				e.index, again = f.index, true
			}
		}
	}
}

func (f *Fake) stateOf(r *protocol.Record) string {
	if until, _ := f.network.HoldUntil(&r.Header, now()); until > 0 {
		return api.StateHeld
	}
	for _, link := range r.Links {
		if parent := f.records[link]; parent == nil || parent.state != api.StateAttached {
			return api.StatePending
		}
	}
	return api.StateAttached
}

// Status implements api.Service.
func (f *Fake) Status(ctx context.Context) (*api.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &api.Status{
		Version: "fake", Peer: protocol.OwnerOf(f.owner).String(), Addresses: []string{}, Profile: "local", Offline: true,
		Sync:    api.SyncStatus{State: api.SyncOffline},
		Network: api.NetworkInfo{ID: f.network.ID(), Parameters: f.network.Params()}, Started: f.started.UTC(),
		Trust: api.Trust{Policy: protocol.DefaultPolicy(), Oracles: []protocol.Owner{}, Authorities: []api.AuthorityInfo{}},
	}
	for _, e := range f.records {
		switch s.Storage.Bytes += uint64(e.WireSize()); e.state { // a length
		case api.StateAttached:
			s.Storage.Attached++
		case api.StatePending:
			s.Storage.Pending++
		default:
			s.Storage.Held++
		}
	}
	s.Sync.Attached, s.Sync.Pending, s.Sync.Held = s.Storage.Attached, s.Storage.Pending, s.Storage.Held
	return s, ctx.Err()
}

// Doctor implements api.Service. A fake has nothing that could be wrong, but that it is offline.
func (f *Fake) Doctor(ctx context.Context) (*api.Checkup, error) {
	s, err := f.Status(ctx)
	if err != nil {
		return nil, err
	}
	return &api.Checkup{
		Healthy: true,
		Findings: []api.Finding{
			{Area: "network", State: api.FindingNote, Text: "offline: this node talks to no peers", Advice: "none: it is a fake"},
		},
		Facts: api.Facts{
			Now: now(), Network: s.Network.Parameters.Name, Profile: s.Profile, Offline: true, Sync: s.Sync,
			Listening: []string{}, Dials: []api.DialState{}, Banned: api.BannedPeers{Peers: []api.Ban{}},
			Reach:  api.ReachFacts{Reachability: api.ReachUnknown, Transports: []api.TransportFacts{}},
			Relays: []string{}, Punches: api.Punches{Last: []api.Punch{}}, DHT: api.DHTFacts{Mode: api.DHTOff},
			Clock: api.ClockFacts{DriftMS: s.Network.Parameters.ClockDrift}, Drops: []api.DropCount{},
			Disk: api.DiskFacts{Database: s.Storage.Bytes},
		},
	}, nil
}

// Synced implements api.Service. A fake knows nobody that it could be in sync with.
func (f *Fake) Synced(ctx context.Context, timeout time.Duration) (*api.SyncStatus, error) {
	if err := api.CheckTimeout(timeout); err != nil {
		return nil, err
	}
	s, err := f.Status(ctx)
	if err != nil {
		return nil, err
	}
	return nil, api.NotSynced(&s.Sync, "this node is offline: there is nobody to be in sync with")
}

// Peers implements api.Service.
func (f *Fake) Peers(ctx context.Context, p api.Page) (*api.PeerList, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if _, err := api.PeerPosition(p.After); err != nil {
		return nil, err
	}
	return &api.PeerList{Peers: []api.Peer{}}, ctx.Err()
}

// Connect implements api.Service. A fake is offline.
func (f *Fake) Connect(_ context.Context, r api.ConnectRequest) (*api.Peer, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	return nil, api.Conflict("this node is offline and connects to nobody")
}

// Disconnect implements api.Service. A fake is connected to nobody.
func (f *Fake) Disconnect(_ context.Context, peer string, refuse time.Duration) (*api.Disconnected, error) {
	if err := api.CheckRefusal(refuse); err != nil {
		return nil, err
	}
	return nil, api.NotFound("this node is not connected to peer %q", peer)
}

// Seeds implements api.Service. A fake has none.
func (f *Fake) Seeds(ctx context.Context) (*api.Seeds, error) {
	return &api.Seeds{Seeds: []api.Seed{}, Offline: true, Rendezvous: api.RendezvousFacts{Why: "this is a fake"}}, ctx.Err()
}

// Network implements api.Service.
func (f *Fake) Network(ctx context.Context) (*protocol.NetworkFile, error) {
	file := f.network.File(nil)
	return &file, ctx.Err()
}

// Record implements api.Service.
func (f *Fake) Record(ctx context.Context, id protocol.ID) (*api.RecordInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.records[id]
	if !ok {
		return nil, api.NotFound("this node has no record %s", id)
	}
	info := e.info()
	info.Weight, info.Hidden = api.Uint64(weight(f.children(), e)), f.certificates(nil).isHidden(e)
	return &info, ctx.Err()
}

// Submit implements api.Service.
func (f *Fake) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		return nil, err
	}
	if err := f.network.Check(r, f.verify); err != nil {
		return nil, err
	}
	if _, err := f.network.HoldUntil(&r.Header, now()); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e, known := f.records[r.ID()]
	if !known {
		e = f.arrived(r)
		f.records[r.ID()] = e
		f.settle()
		close(f.changed)
		f.changed = make(chan struct{})
	}
	return &api.Submitted{
		ID: r.ID(), Owner: r.Owner, Timestamp: r.Timestamp, State: e.state, Known: known, Superseded: f.superseded(e), Index: api.Uint64(e.index),
	}, nil
}

// superseded reports whether an attached record is not its owner's answer. Of two of one moment the
// fake does not tell.
func (f *Fake) superseded(e *entry) bool {
	return e.state == api.StateAttached && len(e.Selectors) > 0 && f.newest(e.Owner, e.CompositeID()) > e.Timestamp
}

func noWork([]byte, protocol.Work) error { return errors.New("this network asks for no work") }

// Links implements api.Service.
func (f *Fake) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	count := max(q.Count, int(f.network.Params().MinLinks))
	l := &api.Links{Now: now()}
	// The newest ones that are not ahead, whose indices are the highest.
	for want := f.index; want > 0 && len(l.Links) < count; want-- {
		for id, e := range f.records {
			if e.index == want && e.Timestamp <= l.Now {
				l.Links = append(l.Links, id)
				l.Timestamp = max(l.Timestamp, e.Timestamp)
			}
		}
	}
	if len(q.Selectors) > 0 {
		newest := f.newest(*q.Owner, protocol.CompositeOf(q.Selectors))
		l.Newest = &newest
	}
	return l, ctx.Err()
}

// newest returns when an owner's newest attached record under a composite key was made, 0 where
// there is none.
func (f *Fake) newest(owner protocol.Owner, key protocol.CompositeID) (at uint64) {
	for _, e := range f.records {
		if e.state == api.StateAttached && e.Owner == owner && len(e.Selectors) > 0 && e.CompositeID() == key {
			at = max(at, e.Timestamp)
		}
	}
	return at
}

// DefaultOwner is as whom the fake writes.
func (f *Fake) DefaultOwner() protocol.Owner { return protocol.OwnerOf(f.owner) }

// Set implements api.Service.
func (f *Fake) Set(ctx context.Context, r api.SetRequest) (*api.Submitted, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if r.Owner != "" && r.Owner != protocol.OwnerOf(f.owner).String() {
		return nil, api.NotFound("this node keeps no key of owner %q", r.Owner)
	}
	composed, err := f.compose(ctx, r, protocol.OwnerOf(f.owner))
	if err != nil {
		return nil, err
	}
	if before := f.deleted(composed); before != nil {
		return f.Submit(ctx, before.EncodeFrame())
	}
	signed, err := f.network.Sign(composed, f.owner)
	if err != nil {
		return nil, err
	}
	return f.Submit(ctx, signed.EncodeFrame())
}

// deleted returns the tombstone that a new one of the same owner would follow, nil for none.
func (f *Fake) deleted(r *protocol.Record) *protocol.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	if standing := f.standing(r.CompositeID(), r.Owner); r.Tombstone() && len(standing) > 0 && standing[0].Tombstone() {
		return standing[0].Record
	}
	return nil
}

// compose makes the record that a request asks for, without a signature.
func (f *Fake) compose(ctx context.Context, r api.SetRequest, owner protocol.Owner) (*protocol.Record, error) {
	links, err := f.Links(ctx, api.LinksQuery{})
	if err != nil {
		return nil, err
	}
	d := protocol.Draft{
		Type: r.RecordType(), Owner: owner, Timestamp: max(links.Now, links.Timestamp),
		Links: links.Links, Value: r.Plain(), Mask: f.mask(r.MaskingKey),
	}
	points, err := r.Points()
	if err != nil {
		return nil, err
	}
	for _, p := range points {
		key, err := f.names.Derive(p.Name)
		if err != nil {
			return nil, err
		}
		d.Names = append(d.Names, protocol.NamePoint{Name: key, Ordinal: p.From})
	}
	composed, err := f.network.Compose(d)
	if err != nil {
		return nil, api.Invalid("%v", err)
	}
	return composed, nil
}

func (f *Fake) mask(maskingKey string) *protocol.Mask {
	if maskingKey == "" {
		return nil
	}
	m := f.network.DeriveMask(maskingKey)
	return &m
}
