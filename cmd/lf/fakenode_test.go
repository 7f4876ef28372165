package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"iter"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// fakeNode serves the API without being a node: it answers what a test wants it to.
type fakeNode struct {
	api.Service // what is not overridden is not called
	network     *protocol.Network
	home        string

	mu      sync.Mutex
	answers api.QueryResult
	asked   []api.Query
	frames  [][]byte
	submit  func(n int) error // decides about the n-th submission, from 1
	links   api.Links
	checkup api.Checkup

	// attached and database are what it says of its database.
	attached uint64
	database string
}

// newFakeNode serves a fake node on a new network and points a new home to it.
func newFakeNode(t *testing.T, change func(*protocol.Params)) *fakeNode {
	t.Helper()
	return serveFakeNode(t, change, func(f *fakeNode) api.Service { return f })
}

// serveFakeNode serves what a test makes of a fake node.
func serveFakeNode(t *testing.T, change func(*protocol.Params), as func(*fakeNode) api.Service) *fakeNode {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "fake", 0, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	if change != nil {
		change(&p)
	}
	network, err := protocol.NewNetwork(p, clock(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeNode{network: network, attached: 1 << 30, home: filepath.Join(t.TempDir(), "home")}
	for _, g := range network.Genesis() {
		f.links.Links = append(f.links.Links, g.ID())
		f.links.Timestamp = g.Timestamp
	}
	h, err := home.Open(f.home)
	if err != nil {
		t.Fatal(err)
	}
	token, err := h.Token()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = apiserver.NewServer(apiserver.NewHandler(as(f), apiserver.HandlerOptions{Token: token}), nil)
	server.Start()
	t.Cleanup(server.Close)
	if _, err := h.PublishAPI(server.URL); err != nil {
		t.Fatal(err)
	}
	socket, err := h.ListenSocket()
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { _ = server.Config.Serve(apiserver.TrustListener(socket)); close(served) }()
	t.Cleanup(func() { _ = socket.Close(); <-served })
	return f
}

func (f *fakeNode) Network(context.Context) (*protocol.NetworkFile, error) {
	file := f.network.File(nil)
	return &file, nil
}

func (f *fakeNode) Status(context.Context) (*api.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &api.Status{Storage: api.Storage{Attached: f.attached, Database: f.database}}, nil
}

func (f *fakeNode) Query(_ context.Context, q api.Query) (*api.QueryResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, q)
	answers := f.answers
	if answers.Policy == nil {
		answers.Policy = protocol.DefaultPolicy()
		if q.Policy != nil {
			answers.Policy = q.Policy.Total()
		}
	}
	return &answers, nil
}

// Watch tells the answers of a query, and nothing else.
func (f *fakeNode) Watch(ctx context.Context, _ api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		for i := range f.answers.Answers {
			a := &f.answers.Answers[i]
			if !yield(&api.WatchEvent{Event: api.WatchAnswer, Answer: a, Ordinals: a.Ordinals, Composite: a.Composite}, nil) {
				return
			}
		}
		if yield(&api.WatchEvent{Event: api.WatchSync, Sync: api.SyncSynced, Listed: true}, nil) {
			<-ctx.Done()
			yield(nil, ctx.Err())
		}
	}
}

func (f *fakeNode) Doctor(context.Context) (*api.Checkup, error) {
	checkup := f.checkup
	return &checkup, nil
}

func (f *fakeNode) Links(context.Context, api.LinksQuery) (*api.Links, error) {
	links := f.links
	links.Now = clock()
	return &links, nil
}

func (f *fakeNode) Submit(_ context.Context, frame []byte) (*api.Submitted, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frames = append(f.frames, frame)
	if f.submit != nil {
		if err := f.submit(len(f.frames)); err != nil {
			return nil, err
		}
	}
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		return nil, err
	}
	if err := f.network.Check(r, nil); err != nil {
		return nil, err
	}
	return &api.Submitted{ID: r.ID(), Owner: r.Owner, Timestamp: r.Timestamp, State: "attached", Index: api.Uint64(len(f.frames))}, nil
}

// forge makes a record as a test wants it.
func (f *fakeNode) forge(t *testing.T, d protocol.Draft, names ...string) *protocol.Record {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return f.forgeAs(t, key, d, names...)
}

func (f *fakeNode) forgeAs(t *testing.T, key ed25519.PrivateKey, d protocol.Draft, names ...string) *protocol.Record {
	t.Helper()
	d.Owner = protocol.OwnerOf(key)
	if d.Timestamp == 0 {
		d.Timestamp = clock()
	}
	d.Links = f.links.Links
	for _, name := range names {
		e, err := protocol.ParseExpression(name)
		if err != nil {
			t.Fatal(err)
		}
		derived, err := f.network.DeriveName(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		d.Names = append(d.Names, protocol.NamePoint{Name: derived, Ordinal: e.From})
	}
	r, err := f.network.Compose(d)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = f.network.Sign(r, key); err != nil {
		t.Fatal(err)
	}
	return r
}

// answerWith makes an honest answer out of a record; ordinals are those of its selectors.
func answerWith(r *protocol.Record, ordinals ...uint64) api.Answer {
	composite := r.CompositeID()
	return api.Answer{Composite: &composite, Ordinals: ordinals, Claims: 1, Version: versionOf(r)}
}

func versionOf(r *protocol.Record) api.Version {
	return api.Version{Record: r.ID(), Owner: r.Owner, Time: r.Timestamp, Deleted: r.Tombstone(), Index: 1, Frame: r.EncodeFrame()}
}
