package dnsserver

import (
	"context"
	"errors"
	"iter"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/dnszone"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeNode answers from a map of keys, as the client of a node does.
type fakeNode struct {
	mu                    sync.Mutex
	values                map[string]string // by key
	uncertified           map[string]bool
	down                  bool
	delay                 time.Duration // of an answer
	streams               map[*fakeStream]bool
	asked                 int // keys
	asking, atOnce, begun int
}

// fakeStream is a watch under way.
type fakeStream struct {
	changed chan struct{}
	told    map[string]string
	broken  chan struct{}
}

func newFakeNode(values map[string]string) *fakeNode {
	n := &fakeNode{values: map[string]string{}, streams: map[*fakeStream]bool{}, uncertified: map[string]bool{}}
	for name, value := range values {
		n.values[keyOf(name)] = value
	}
	return n
}

// keyOf is the key of a name below the default zone.
func keyOf(name string) string {
	zones, err := dnszone.ParseZones([]string{dnszone.DefaultZone})
	if err != nil {
		panic(err)
	}
	z, fqdn, err := zones.Find(name)
	if err != nil {
		panic(err)
	}
	key, err := z.Key(fqdn)
	if err != nil {
		panic(err)
	}
	return key.String()
}

func (n *fakeNode) set(name, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.values[keyOf(name)] = value
	n.tell()
}

func (n *fakeNode) remove(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.values, keyOf(name))
	n.tell()
}

func (n *fakeNode) tell() {
	if n.down {
		return
	}
	for s := range n.streams {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}

// setDown has the node not answer, or answer again.
func (n *fakeNode) setDown(down bool) { n.setState(down, down) }

// setState has the node not answer, and the watches end or stay silent.
func (n *fakeNode) setState(down, ends bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
	if ends {
		for s := range n.streams {
			close(s.broken)
			delete(n.streams, s)
		}
	}
}

func (n *fakeNode) away() error {
	return &api.UnreachableError{URL: "fake:", Err: errors.New("connection refused")}
}

func (n *fakeNode) GetMany(ctx context.Context, keys []lf.Key, _ ...lf.ReadOption) iter.Seq2[lf.Lookup, error] {
	return func(yield func(lf.Lookup, error) bool) {
		n.mu.Lock()
		n.asked += len(keys)
		n.asking++
		n.atOnce = max(n.atOnce, n.asking)
		delay := n.delay
		n.mu.Unlock()
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
		n.mu.Lock()
		n.asking--
		if n.down || ctx.Err() != nil {
			n.mu.Unlock()
			yield(lf.Lookup{}, n.away())
			return
		}
		found := make([]lf.Lookup, len(keys))
		for i, key := range keys {
			found[i] = lf.Lookup{Key: key, Err: lf.ErrNotFound}
			if value, there := n.values[key.String()]; there {
				found[i].Answer, found[i].Err = answerOf(key, value), nil
			}
		}
		n.mu.Unlock()
		for _, l := range found {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func answerOf(key lf.Key, value string) *lf.Answer {
	return &lf.Answer{Version: lf.Version{Value: []byte(value)}, Key: key}
}

func (n *fakeNode) WatchMany(ctx context.Context, keys []lf.Key, _ ...lf.WatchOption) iter.Seq2[lf.Event, error] {
	return func(yield func(lf.Event, error) bool) {
		s := &fakeStream{changed: make(chan struct{}, 1), told: map[string]string{}, broken: make(chan struct{})}
		n.mu.Lock()
		if n.down {
			n.mu.Unlock()
			yield(lf.Event{}, n.away())
			return
		}
		n.streams[s] = true
		n.begun++
		n.mu.Unlock()
		defer func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			delete(n.streams, s)
		}()
		for present := false; ; {
			for _, e := range n.news(s, keys) {
				if !yield(e, nil) {
					return
				}
			}
			if !present && !yield(lf.Event{Kind: lf.EventPresent, All: true}, nil) {
				return
			}
			present = true
			select {
			case <-s.changed:
			case <-s.broken:
				yield(lf.Event{}, n.away())
				return
			case <-ctx.Done():
				yield(lf.Event{}, ctx.Err())
				return
			}
		}
	}
}

// news are the events since those that a stream has told.
func (n *fakeNode) news(s *fakeStream, keys []lf.Key) (events []lf.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, key := range keys {
		name := key.String()
		value, there := n.values[name]
		before, told := s.told[name]
		switch {
		case there && (!told || before != value):
			s.told[name] = value
			events = append(events, lf.Event{Kind: lf.EventAnswer, Asked: i, Key: key, Answer: answerOf(key, value)})
		case !there && told:
			delete(s.told, name)
			events = append(events, lf.Event{Kind: lf.EventGone, Asked: i, Key: key})
		}
	}
	return events
}

func (n *fakeNode) Certified(_ context.Context, a *lf.Answer, _ ...lf.ReadOption) (*protocol.Chain, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.uncertified[a.Key.String()] {
		return nil, lf.ErrUncertified
	}
	return nil, nil
}

// most is how many questions the node had at once.
func (n *fakeNode) most() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.atOnce
}

// counts are how many keys the node was asked for, and how many watches there are and were.
func (n *fakeNode) counts() (asked, streams, begun int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked, len(n.streams), n.begun
}

// newServer starts a server of the default zone, without listening unless change says so.
func newServer(t testing.TB, n *fakeNode, change func(*Config)) *Server {
	t.Helper()
	zones, err := dnszone.ParseZones([]string{dnszone.DefaultZone})
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Source: n, Zones: zones}
	if change != nil {
		change(&config)
	}
	s, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var tester = netip.MustParsePrefix("192.0.2.7/32")

// ask asks a server without a network between.
func ask(s *Server, name string, kind uint16) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, kind)
	m.SetEdns0(4096, false)
	return s.answer(context.Background(), tester, m, dns.MaxMsgSize)
}

// said writes an answer: its code, its records, and why it is so.
func said(m *dns.Msg) (lines []string) {
	lines = []string{dns.RcodeToString[m.Rcode]}
	for _, rr := range m.Answer {
		lines = append(lines, rr.Header().Name+" "+dnszone.Line(rr))
	}
	for _, rr := range m.Ns {
		lines = append(lines, "authority "+rr.Header().Name+" "+dns.Type(rr.Header().Rrtype).String())
	}
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if why, ok := o.(*dns.EDNS0_EDE); ok {
				lines = append(lines, "because "+dns.ExtendedErrorCodeToString[why.InfoCode])
			}
		}
	}
	return lines
}
