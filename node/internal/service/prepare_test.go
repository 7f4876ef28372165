package service

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

// signer is a client that keeps its key to itself.
type signer struct {
	service *Service
	key     ed25519.PrivateKey
}

func newSigner(t *testing.T, s *Service) signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{s, key}
}

func (c signer) prepare(t *testing.T, text, selector string) *api.Prepared {
	t.Helper()
	owner := protocol.OwnerOf(c.key)
	p, err := c.service.Prepare(t.Context(), api.PrepareRequest{Selectors: api.MustSelectors(selector), Text: &text, Owner: &owner})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (c signer) sign(p *api.Prepared) api.SignedRecord {
	return api.SignedRecord{Header: p.Header, Value: p.Value, Signature: ed25519.Sign(c.key, p.Sign)}
}

// TestPrepared has the node compose and pay for a record that its client signs, checks what it
// composed, and reads it.
func TestPrepared(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 16)
	s := newTestService(t, n)
	c := newSigner(t, s)
	p := c.prepare(t, "value", "prepared#2")
	r, err := p.Record()
	if err != nil {
		t.Fatal(err)
	}
	name, err := n.DeriveName("prepared")
	if err != nil {
		t.Fatal(err)
	}
	asked := protocol.Draft{Owner: protocol.OwnerOf(c.key), Names: []protocol.NamePoint{{Name: name, Ordinal: 2}}, Value: []byte("value")}
	if err := n.CheckComposed(r, asked); err != nil {
		t.Error(err)
	}
	if p.Effort != n.RequiredEffort(r) || p.Effort == 0 || p.Until != r.Timestamp+n.Params().ClockDrift || p.Owner != asked.Owner || p.Waiting != 0 {
		t.Errorf("prepared %+v", p)
	}
	if !slices.Equal(p.Sign, n.SignedMessage(r)) {
		t.Error("what is to be signed is not the record")
	}
	made, err := s.SubmitSigned(t.Context(), c.sign(p))
	if err != nil || made.State != api.StateAttached || made.Known || made.Timestamp != p.Timestamp {
		t.Fatalf("%+v, %v", made, err)
	}
	info, err := s.Record(t.Context(), made.ID)
	if err != nil || info.Effort != p.Effort {
		t.Errorf("the record has effort %d, %v; want %d", info.Effort, err, p.Effort)
	}
	again, err := s.SubmitSigned(t.Context(), c.sign(p))
	if err != nil || !again.Known || again.ID != made.ID {
		t.Errorf("submitted twice: %+v, %v; want the same record", again, err)
	}
}

// TestSubmitSignedRefuses tries what must not cost the node any work.
func TestSubmitSignedRefuses(t *testing.T) {
	t.Parallel()
	// so much that a test which works for any of it does not end
	n := nodetest.NewNetwork(t, 1<<24)
	s := newTestService(t, n)
	c, thief := newSigner(t, s), newSigner(t, s)
	p := c.prepare(t, "value", "refused")
	signed := c.sign(p)
	foreign := newSigner(t, newTestService(t, nodetest.NewNetwork(t, 1<<24)))
	foreign.key = c.key
	type change = func(*api.SignedRecord)
	for name, test := range map[string]struct {
		change change
		status int
		says   string
	}{
		"by another key":  {func(r *api.SignedRecord) { r.Signature = ed25519.Sign(thief.key, p.Sign) }, 422, "signature"},
		"another network": {func(r *api.SignedRecord) { *r = foreign.sign(foreign.prepare(t, "value", "refused")) }, 422, "signature"},
		"no signature":    {func(r *api.SignedRecord) { r.Signature = nil }, 422, "0 bytes"},
		"another value":   {func(r *api.SignedRecord) { r.Value = append(slices.Clone(r.Value), 1) }, 422, "value"},
		"no value":        {func(r *api.SignedRecord) { r.Value = nil }, 422, "value"},
		"no header":       {func(r *api.SignedRecord) { r.Header = nil }, 422, "CBOR"},
		"noise":           {func(r *api.SignedRecord) { r.Header = []byte("noise") }, 422, ""},
		"a huge header":   {func(r *api.SignedRecord) { r.Header = make([]byte, protocol.MaxHeader+1) }, 413, "header"},
		"a huge value":    {func(r *api.SignedRecord) { r.Value = make([]byte, protocol.MaxValue+1) }, 413, "value"},
		"a genesis": {func(r *api.SignedRecord) {
			*r = c.resign(t, p, func(h *protocol.Header) { h.Type = protocol.TypeGenesis })
		}, 422, ""},
		"a false claim":     {func(r *api.SignedRecord) { *r = c.resign(t, p, func(h *protocol.Header) { h.Selectors[0].Claim[0]++ }) }, 422, "claim"},
		"another selector":  {func(r *api.SignedRecord) { *r = c.resign(t, p, func(h *protocol.Header) { h.Selectors[0].Ordinal++ }) }, 422, "claim"},
		"ahead of the time": {func(r *api.SignedRecord) { *r = c.resign(t, p, func(h *protocol.Header) { h.Timestamp += 1 << 40 }) }, 422, ""},
	} {
		r := signed
		test.change(&r)
		_, err := s.SubmitSigned(t.Context(), r)
		var e *api.Error
		if !errors.As(err, &e) || e.Status != test.status || !strings.Contains(e.Detail, test.says) {
			t.Errorf("%s: %v, want %d %q", name, err, test.status, test.says)
		}
	}
}

// resign signs a prepared record that was changed.
func (c signer) resign(t *testing.T, p *api.Prepared, change func(*protocol.Header)) api.SignedRecord {
	t.Helper()
	r, err := p.Record()
	if err != nil {
		t.Fatal(err)
	}
	h := r.Header
	h.Selectors = slices.Clone(h.Selectors)
	change(&h)
	changed, err := protocol.NewRecord(h, p.Value)
	if err != nil {
		t.Fatal(err)
	}
	message := c.service.config.Network.SignedMessage(changed)
	return api.SignedRecord{Header: changed.HeaderBytes(), Value: p.Value, Signature: ed25519.Sign(c.key, message)}
}

// TestDraftAges holds that a signed record which became too old is refused before any work, also
// where it became so while it waited.
func TestDraftAges(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 1)
	s := newTestService(t, n)
	var later atomic.Int64
	s.config.Clock = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	c := newSigner(t, s)
	drift := time.Duration(n.Params().ClockDrift) * time.Millisecond
	old := c.prepare(t, "value", "old")
	later.Store(int64(drift + time.Second))
	_, err := s.SubmitSigned(t.Context(), c.sign(old))
	wantAPIError(t, err, http.StatusConflict, "prepare it again")

	places := takeTurns(t, s)
	waits := c.prepare(t, "value", "waits")
	done := make(chan error, 1)
	go func() {
		_, err := s.SubmitSigned(t.Context(), c.sign(waits))
		done <- err
	}()
	nodetest.Eventually(t, "it waits", func() bool { return s.WaitingWrites() == len(places)+1 })
	later.Store(int64(3 * drift))
	for _, place := range places {
		place.Leave()
	}
	wantAPIError(t, <-done, http.StatusConflict, "prepare it again")
}

// TestSuperseded holds that a record which would change nothing is not worked for.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 1))
	c := newSigner(t, s)
	first, second := c.prepare(t, "1", "superseded"), c.prepare(t, "2", "superseded")
	if second.Timestamp <= first.Timestamp {
		t.Fatalf("prepared at %d and %d: the second must win", first.Timestamp, second.Timestamp)
	}
	if _, err := s.SubmitSigned(t.Context(), c.sign(second)); err != nil {
		t.Fatal(err)
	}
	_, err := s.SubmitSigned(t.Context(), c.sign(first))
	wantAPIError(t, err, http.StatusConflict, "superseded")
}

// TestPaidOnce holds that two requests for one signed record make the node work once.
func TestPaidOnce(t *testing.T) {
	t.Parallel()
	s := newTestService(t, nodetest.NewNetwork(t, 1<<24))
	c := newSigner(t, s)
	signed := c.sign(c.prepare(t, "never", "once"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.SubmitSigned(ctx, signed)
		done <- err
	}()
	nodetest.Eventually(t, "it solves", func() bool { return s.WaitingWrites() == 1 })
	_, err := s.SubmitSigned(t.Context(), signed)
	wantAPIError(t, err, http.StatusConflict, "already")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	nodetest.Eventually(t, "nobody waits", func() bool { return s.WaitingWrites() == 0 })
}

// TestWork pays blindly for a record that the client composed, signed and submits.
func TestWork(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 16)
	s := newTestService(t, n)
	c := newSigner(t, s)
	name, err := n.DeriveName("blind")
	if err != nil {
		t.Fatal(err)
	}
	links, err := s.Links(t.Context(), api.LinksQuery{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := n.Compose(protocol.Draft{
		Owner: protocol.OwnerOf(c.key), Timestamp: links.Now, Links: links.Links,
		Names: []protocol.NamePoint{{Name: name}}, Value: []byte("value"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, err = n.Sign(r, c.key); err != nil {
		t.Fatal(err)
	}
	if r, err = n.Pay(r, 0, api.SolveBy(t.Context(), s, n)); err != nil {
		t.Fatal(err)
	}
	if err := n.Check(r, VerifyWork); err != nil {
		t.Fatal(err)
	}
	if made, err := s.Submit(t.Context(), r.EncodeFrame()); err != nil || made.State != api.StateAttached {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestWorkRefuses(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 1<<24)
	s := newTestService(t, n)
	worked := make([]byte, 32)
	for name, r := range map[string]api.WorkRequest{
		"no hash":       {Effort: 1, Turn: "x"},
		"a seed":        {Worked: make([]byte, 85), Effort: 1},
		"no effort":     {Worked: worked},
		"beyond bounds": {Worked: worked, Effort: n.MaxEffort() + 1},
	} {
		_, err := s.Work(t.Context(), r)
		var e *api.Error
		if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %v", name, err)
		}
	}
	free := newTestService(t, nodetest.NewNetwork(t, 0))
	_, err := free.Work(t.Context(), api.WorkRequest{Worked: worked, Effort: 1})
	wantAPIError(t, err, http.StatusUnprocessableEntity, "no work")

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Work(ctx, api.WorkRequest{Worked: worked, Effort: n.MaxEffort()})
		done <- err
	}()
	nodetest.Eventually(t, "it solves", func() bool { return s.WaitingWrites() == 1 })
	cancel() // the client has gone
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for range maxClientWrites {
		place, err := s.work.Enter(workqueue.Client{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer place.Leave()
	}
	_, err = s.Work(t.Context(), api.WorkRequest{Worked: worked, Effort: 1})
	wantAPIError(t, err, http.StatusServiceUnavailable, "")
}
