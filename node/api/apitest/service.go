package apitest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// TestService checks what every service must do. open returns a service on a network that asks for
// no work; it may be one and the same each time, since every test files its records under names of
// its own.
func TestService(t *testing.T, open func(t *testing.T) api.Service) { testService(t, open, false) }

// TestProxy checks a proxy as [TestService] checks a node. A proxy has no peers and no database, so
// it answers neither with them nor with indices.
func TestProxy(t *testing.T, open func(t *testing.T) api.Service) { testService(t, open, true) }

func testService(t *testing.T, open func(t *testing.T) api.Service, proxy bool) {
	tests := []struct {
		name string
		run  func(*fixture)
	}{
		{"status", (*fixture).status},
		{"doctor", (*fixture).doctor},
		{"synced", (*fixture).synced},
		{"links", (*fixture).links},
		{"newestTold", (*fixture).newestTold},
		{"set and query by name", (*fixture).setAndQuery},
		{"query by key", (*fixture).queryByKey},
		{"ordinals", (*fixture).ordinals},
		{"limit", (*fixture).limit},
		{"open query", (*fixture).openQuery},
		{"history and times", (*fixture).history},
		{"pages of history", (*fixture).historyPages},
		{"owners", (*fixture).owners},
		{"delete and release", (*fixture).deleteAndRelease},
		{"values", (*fixture).values},
		{"masking key", (*fixture).maskingKey},
		{"record", (*fixture).record},
		{"submit", (*fixture).submit},
		{"prepare", (*fixture).prepare},
		{"submit pending", (*fixture).submitPending},
		{"submit invalid", (*fixture).submitInvalid},
		{"policies", (*fixture).policies},
		{"weights", (*fixture).weights},
		{"explanations", (*fixture).explanations},
		{"one claim explained", (*fixture).oneClaimExplained},
		{"oracles", (*fixture).oracles},
		{"authorities", (*fixture).authorities},
		{"owner", (*fixture).owner},
		{"records of an owner", (*fixture).recordsOfOwner},
		{"nothing found", (*fixture).nothingFound},
		{"invalid queries", (*fixture).invalidQueries},
		{"invalid sets", (*fixture).invalidSets},
		{"pulses", (*fixture).pulses},
		{"canceled", (*fixture).canceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, open(t))
			f.proxy = proxy
			test.run(f)
		})
	}
}

// fixture is a service under test and its network.
type fixture struct {
	*testing.T
	ctx     context.Context
	service api.Service
	network *protocol.Network
	prefix  string // of this test's names
	proxy   bool
}

func newFixture(t *testing.T, s api.Service) *fixture {
	t.Helper()
	f := &fixture{T: t, ctx: t.Context(), service: s, prefix: rand.Text() + "/"}
	file, err := s.Network(f.ctx)
	if err != nil {
		t.Fatalf("network: %v", err)
	}
	if f.network, err = file.Network(); err != nil {
		t.Fatalf("the network file does not open: %v", err)
	}
	if f.network.Params().WorkPerKiB != 0 {
		t.Fatal("these tests want a network that asks for no work")
	}
	return f
}

// expression prefixes a selector expression with the test's own name.
func (f *fixture) expression(s string) string { return f.prefix + s }

func (f *fixture) set(text string, selectors ...string) *api.Submitted {
	f.Helper()
	for i, s := range selectors {
		selectors[i] = f.expression(s)
	}
	return f.request(api.SetRequest{Selectors: api.MustSelectors(selectors...), Text: &text})
}

// request makes a record and waits until the clock has gone on, so that the next one is newer.
func (f *fixture) request(r api.SetRequest) *api.Submitted {
	f.Helper()
	s, err := f.service.Set(f.ctx, r)
	if err != nil {
		f.Fatalf("set %v: %v", r.Selectors, err)
	}
	if s.State != api.StateAttached || s.Known || s.Index == 0 {
		f.Fatalf("set %v: a record of the node's own is new and attached, not %+v", r.Selectors, s)
	}
	time.Sleep(2 * time.Millisecond)
	return s
}

// query asks by names and wants values.
func (f *fixture) query(change func(*api.Query), expressions ...string) *api.QueryResult {
	f.Helper()
	for i, e := range expressions {
		expressions[i] = f.expression(e)
	}
	ranges, err := api.ParseSelectors(expressions...)
	if err != nil {
		f.Fatal(err)
	}
	q := api.Query{Selectors: ranges, Decrypt: true, Frames: true}
	if change != nil {
		change(&q)
	}
	result, err := f.service.Query(f.ctx, q)
	if err != nil {
		f.Fatalf("query %v: %v", expressions, err)
	}
	if result.Answers == nil {
		f.Fatal("a list of answers is never nil")
	}
	for i := range result.Answers {
		f.checkAnswer(&result.Answers[i], len(q.Selectors))
	}
	return result
}

// checkAnswer holds what an answer says against the record in it.
func (f *fixture) checkAnswer(a *api.Answer, ranges int) {
	f.Helper()
	if len(a.Ordinals) != ranges {
		f.Fatalf("%d ordinals for %d selectors", len(a.Ordinals), ranges)
	}
	for _, v := range slices.Concat([]api.Version{a.Version}, a.History, a.Others) {
		if f.checkVersion(&v).CompositeID() != *a.Composite {
			f.Fatalf("record %s is under another composite key", v.Record)
		}
	}
}

// checkVersion holds what an answer says of a record against its frame.
func (f *fixture) checkVersion(v *api.Version) *protocol.Record {
	f.Helper()
	r := f.checkFrame(v.Record, v.Frame)
	if r.Owner != v.Owner || r.Timestamp != v.Time || r.Tombstone() != v.Deleted || r.Type != protocol.TypeDatum || (v.Index > 0) == f.proxy {
		f.Fatalf("what is said of record %s is not what its frame says: %+v", r.ID(), v)
	}
	return r
}

func (f *fixture) checkFrame(id protocol.ID, frame []byte) *protocol.Record {
	f.Helper()
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		f.Fatalf("frame of %s: %v", id, err)
	}
	if err := f.network.CheckAuthorship(r); err != nil || r.ID() != id {
		f.Fatalf("record %s, given as %s: %v", r.ID(), id, err)
	}
	return r
}

// checkInfo holds a record's JSON against its frame.
func (f *fixture) checkInfo(info *api.RecordInfo) *protocol.Record {
	f.Helper()
	r := f.checkFrame(info.ID, info.Frame)
	if r.Owner != info.Owner || r.Timestamp != info.Timestamp || r.Type.String() != info.Type ||
		!slices.Equal(r.Links, info.Links) || len(r.Selectors) != len(info.Selectors) || r.Effort() != info.Effort {
		f.Fatalf("what is said of record %s is not what its frame says: %+v", r.ID(), info)
	}
	if (info.State == api.StateAttached && !f.proxy) != (info.Index > 0) {
		f.Fatalf("record %s is %s and has index %d", info.ID, info.State, info.Index)
	}
	return r
}

func (f *fixture) wantTexts(result *api.QueryResult, want ...string) {
	f.Helper()
	var have []string
	for _, a := range result.Answers {
		have = append(have, textOf(&a.Version))
	}
	if !slices.Equal(have, want) {
		f.Fatalf("answers %q, want %q", have, want)
	}
}

func textOf(v *api.Version) string {
	switch {
	case v.Text != nil:
		return *v.Text
	case v.Sealed:
		return "(sealed)"
	}
	return "(none)"
}

// wantStatus wants an *api.Error of a status, with a detail.
func (f *fixture) wantStatus(err error, status int) {
	f.Helper()
	var e *api.Error
	if !errors.As(err, &e) && status == http.StatusUnprocessableEntity {
		var invalid *protocol.InvalidError // as good, before it has been through HTTP
		if errors.As(err, &invalid) {
			return
		}
	}
	if e == nil || e.Status != status || e.Error() == "" {
		f.Fatalf("error %v (%T), want an *api.Error of status %d", err, err, status)
	}
}

// compose makes a signed record with a fresh key, and change may alter the draft.
func (f *fixture) compose(name, value string, change func(*protocol.Draft)) *protocol.Record {
	f.Helper()
	return f.composeBy(f.newKey(), name, value, change)
}

func (f *fixture) composeBy(key ed25519.PrivateKey, name, value string, change func(*protocol.Draft)) *protocol.Record {
	f.Helper()
	links, err := f.service.Links(f.ctx, api.LinksQuery{})
	if err != nil {
		f.Fatalf("links: %v", err)
	}
	derived, err := f.network.DeriveName(f.expression(name))
	if err != nil {
		f.Fatal(err)
	}
	d := protocol.Draft{
		Owner: protocol.OwnerOf(key), Timestamp: max(links.Timestamp, links.Now), Links: links.Links,
		Names: []protocol.NamePoint{{Name: derived}}, Value: []byte(value),
	}
	if change != nil {
		change(&d)
	}
	r, err := f.network.Compose(d)
	if err == nil {
		r, err = f.network.Sign(r, key)
	}
	if err != nil {
		f.Fatalf("compose: %v", err)
	}
	return r
}
