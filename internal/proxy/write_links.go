package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// rememberedLinks is how many records are remembered that new ones may link to: a few MB.
const rememberedLinks = 2048

// origin is a record that a node gave as a link.
type origin struct {
	node   *node
	record *protocol.Record
}

// linkOrigins remembers from which node links came. A new record goes to that node first, because
// it has the record's ancestors. It is safe for concurrent use.
type linkOrigins struct {
	known *lru.Cache[protocol.ID, origin]
}

func newLinkOrigins() *linkOrigins {
	cache, err := lru.New[protocol.ID, origin](rememberedLinks)
	if err != nil {
		panic(err) // the size is above 0
	}
	return &linkOrigins{cache}
}

// of returns a node that gave one of a record's links, nil where none is remembered.
func (l *linkOrigins) of(r *protocol.Record) *node {
	for _, link := range r.Links {
		if o, ok := l.known.Get(link); ok && o.node != nil {
			return o.node
		}
	}
	return nil
}

// record returns a link, nil where it is not remembered.
func (l *linkOrigins) record(id protocol.ID) *protocol.Record {
	o, _ := l.known.Get(id)
	return o.record
}

// Links implements api.Service. A node must be able to show the records that it wants linked: a
// record that links to what nobody has is never attached anywhere.
func (s *Service) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	links, from, err := oneNode(ctx, s.nodes, func(ctx context.Context, n *node) (*api.Links, error) {
		links, err := n.client.Links(ctx, q)
		if err != nil {
			return nil, err
		}
		return links, s.checkLinks(ctx, n, q, links)
	})
	if err == nil && len(q.Selectors) > 0 {
		links.Newest = s.latestTold(ctx, q, from, links.Newest)
	}
	return links, err
}

// latestTold returns when the owner's newest record was made, by what several nodes tell. The
// latest moment counts. A node that tells too early a one changes nothing as long as another one is
// honest. One that tells too late a one costs the client a question, because the client then looks
// at the record itself. It is nil where a node does not tell: the client looks then, too.
func (s *Service) latestTold(ctx context.Context, q api.LinksQuery, from *node, told *uint64) *uint64 {
	if told == nil {
		return nil
	}
	answers, err := askAll(ctx, s.nodes, s.config.Compare, func(ctx context.Context, n *node) (*uint64, error) {
		if n == from {
			return told, nil
		}
		links, err := n.client.Links(ctx, q)
		if err != nil {
			return nil, err
		}
		return links.Newest, nil
	})
	if err != nil {
		return nil
	}
	latest := *told
	for _, a := range answers {
		if a.err != nil || a.answer == nil {
			return nil
		}
		latest = max(latest, *a.answer)
	}
	return &latest
}

func (s *Service) checkLinks(ctx context.Context, n *node, q api.LinksQuery, links *api.Links) error {
	least := max(q.Count, int(s.config.Network.Params().MinLinks))
	if len(links.Links) < least || len(links.Links) > protocol.MaxLinks {
		return fmt.Errorf("the node gives %d links, want %d to %d", len(links.Links), least, protocol.MaxLinks)
	}
	certified := false
	var fresh []*protocol.Record
	for i, id := range links.Links {
		if slices.Contains(links.Links[:i], id) {
			return fmt.Errorf("the node gives link %s twice", id)
		}
		r, isNew, err := s.linked(ctx, n, id)
		if err != nil {
			return err
		}
		if isNew {
			fresh = append(fresh, r)
		}
		if r.Timestamp > links.Timestamp {
			return fmt.Errorf("the node gives %d as the least timestamp, and link %s has %d", links.Timestamp, id, r.Timestamp)
		}
		certified = certified || r.Type == protocol.TypeCertificate
	}
	if links.Certified && !certified {
		return errors.New("the node says that the owner's certificate is among the links, and none is")
	}
	s.offer(n, fresh)
	return nil
}

// linked returns a record that a node wants linked, and whether nobody gave it before. The node
// must have it.
func (s *Service) linked(ctx context.Context, n *node, id protocol.ID) (r *protocol.Record, isNew bool, err error) {
	o, known := s.writes.links.known.Get(id)
	if known && o.node == n {
		return o.record, false, nil
	}
	if r, err = s.fetchRecord(ctx, n, id); err != nil {
		return nil, false, fmt.Errorf("the node cannot show the links that it gives: %v", err) //nolint:errorlint // that it has none is no answer to this
	}
	s.writes.links.known.Add(id, origin{n, r})
	return r, !known, nil
}

// fetchRecord gets a record from a node, and checks it as a node would.
func (s *Service) fetchRecord(ctx context.Context, n *node, id protocol.ID) (*protocol.Record, error) {
	info, err := n.client.Record(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", id, err)
	}
	r, err := protocol.DecodeFrame(info.Frame)
	if err == nil && r.ID() != id {
		err = fmt.Errorf("it is record %s", r.ID())
	}
	if err == nil {
		err = s.config.Network.Check(r, verifyWork)
	}
	if err != nil {
		return nil, fmt.Errorf("the node answered falsely for record %s: %w", id, err)
	}
	return r, nil
}

// verifyWork is package pow's verifier.
func verifyWork(challenge []byte, w protocol.Work) error {
	return pow.Verify(challenge, w.Effort, pow.Proof{Nonce: w.Nonce, Solution: w.Solution})
}
