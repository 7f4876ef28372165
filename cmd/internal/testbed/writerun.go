package testbed

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// inFlight is how many records a write step makes at once.
	inFlight = 16
	// awayPause is the pause before a node that is away is tried again.
	awayPause = 50 * time.Millisecond
)

// author is a client of one node with a key of its own.
type author struct {
	at    *node
	key   ed25519.PrivateKey
	owner protocol.Owner
}

// author makes the key of one owner at a node, always the same in runs with the same seed.
func (r *runner) author(node string, i int) *author {
	seed := sha256.Sum256(fmt.Appendf(nil, "lf testbed owner\x00%d\x00%s\x00%d", r.seed, node, i))
	key := ed25519.NewKeyFromSeed(seed[:])
	return &author{r.nodes[node], key, protocol.OwnerOf(key)}
}

// writeRun is one write step under way.
type writeRun struct {
	*runner
	Write
	step    *StepReport
	authors []*author
	limiter *rate.Limiter // nil: as fast as records are taken
	random  *rand.Rand    // of feed alone
}

// draft is a record to be made.
type draft struct {
	author *author
	name   string
	value  []byte
}

func (r *runner) write(ctx context.Context, w Write, step int) error {
	p := &writeRun{runner: r, Write: w, step: r.report.Steps[step], random: r.random(step)}
	for i := range w.Owners {
		for _, node := range w.On {
			p.authors = append(p.authors, r.author(node, i))
		}
	}
	if w.Rate > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(w.Rate), 1)
	}
	return p.writeAll(ctx)
}

// writeAll feeds drafts to workers.
func (p *writeRun) writeAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	drafts := make(chan draft)
	group.Go(func() error {
		defer close(drafts)
		return p.feed(ctx, drafts)
	})
	for range inFlight {
		group.Go(func() error {
			for d := range drafts {
				if err := p.writeOne(ctx, d); err != nil {
					return fmt.Errorf("write at %s: %w", d.author.at.spec.Name, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (p *writeRun) feed(ctx context.Context, drafts chan<- draft) error {
	until := p.now() + p.For
	for i := 0; p.Count == 0 || i < p.Count; i++ {
		if p.limiter != nil {
			if err := p.limiter.Wait(ctx); err != nil {
				return context.Cause(ctx)
			}
		}
		if p.For > 0 && p.now() >= until {
			return nil
		}
		select {
		case drafts <- p.newDraft(i):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// newDraft is the i-th record of the step. Authors take turns. With contested names, each author
// claims a name before the first one claims the next.
func (p *writeRun) newDraft(i int) draft {
	d := draft{author: p.authors[i%len(p.authors)]}
	if p.Conflicts > 0 {
		d.name = contestedName(i / len(p.authors) % p.Conflicts)
	} else {
		d.name = fmt.Sprintf("fact-%d", p.facts.Add(1))
	}
	d.value = make([]byte, p.Size.From+p.random.IntN(p.Size.To-p.Size.From+1))
	for j := range d.value {
		d.value[j] = byte(p.random.Uint32())
	}
	return d
}

// contestedName is a name that several owners claim.
func contestedName(i int) string { return fmt.Sprintf("contested-%d", i) }

// writeOne makes a record and returns when the node has acknowledged it. It waits for a node that
// is away.
func (p *writeRun) writeOne(ctx context.Context, d draft) error {
	var record *protocol.Record
	err := p.retryWhileAway(ctx, d.author.at, func(client NodeAPI) (err error) {
		record, err = p.compose(ctx, client, d)
		return err
	})
	if err != nil {
		return err
	}
	frame := record.EncodeFrame()
	err = p.retryWhileAway(ctx, d.author.at, func(client NodeAPI) error {
		done, err := client.Submit(ctx, frame)
		if err == nil && done.ID != record.ID() {
			err = fmt.Errorf("it acknowledged %s in place of %s", done.ID, record.ID())
		}
		return err
	})
	if err != nil {
		return err
	}
	p.ledger.acknowledge(record.ID(), d.author.at.spec.Name, len(frame))
	p.wrote(p.step, d.author.at.spec.Name, d.name)
	return nil
}

// compose makes a record as a client of the node does, by the node's clock.
func (p *writeRun) compose(ctx context.Context, client NodeAPI, d draft) (*protocol.Record, error) {
	links, err := client.Links(ctx, api.LinksQuery{Owner: &d.author.owner})
	if err != nil {
		return nil, err
	}
	name, err := p.names.Derive(d.name)
	if err != nil {
		return nil, err
	}
	unsigned, err := p.network.Compose(protocol.Draft{
		Type: protocol.TypeDatum, Owner: d.author.owner, Timestamp: max(links.Now, links.Timestamp), Links: links.Links,
		Names: []protocol.NamePoint{{Name: name}}, Value: d.value,
	})
	if err != nil {
		return nil, err
	}
	unpaid, err := p.network.Sign(unsigned, d.author.key)
	if err != nil {
		return nil, err
	}
	return p.network.Pay(unpaid, 0, p.solver(ctx))
}

// retryWhileAway repeats what fails because a node is away.
func (p *writeRun) retryWhileAway(ctx context.Context, m *node, do func(NodeAPI) error) error {
	for {
		if client := m.api(); client != nil {
			if err := do(client); err == nil || !isAway(err) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(awayPause):
		}
	}
}

// isAway reports whether a call failed in a way in which no running node lets it fail.
func isAway(err error) bool {
	var unreachable *api.UnreachableError
	var answered *api.Error
	switch {
	case errors.As(err, &unreachable), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return true
	case errors.As(err, &answered):
		return answered.Status == http.StatusServiceUnavailable || answered.Status == http.StatusTooManyRequests
	}
	return false
}
