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
	// inFlight is how many records one write step has on their way at once.
	inFlight = 16
	// awayPause is how often a node that is away is tried again.
	awayPause = 50 * time.Millisecond
)

// author is a client of one node with a key of its own.
type author struct {
	at    *member
	key   ed25519.PrivateKey
	owner protocol.Owner
}

// author makes the key of one owner at a node, always the same in runs with the same seed.
func (r *runner) author(node string, i int) *author {
	seed := sha256.Sum256(fmt.Appendf(nil, "lf testbed owner\x00%d\x00%s\x00%d", r.seed, node, i))
	key := ed25519.NewKeyFromSeed(seed[:])
	return &author{r.members[node], key, protocol.OwnerOf(key)}
}

// pen is one write step at work.
type pen struct {
	*runner
	Write
	step    *StepReport
	authors []*author
	limiter *rate.Limiter // nil: as fast as records are taken
	random  *rand.Rand    // of the one who hands out
}

// draft is a record to be made.
type draft struct {
	author *author
	name   string
	value  []byte
}

func (r *runner) write(ctx context.Context, w Write, step int) error {
	p := &pen{runner: r, Write: w, step: r.report.Steps[step], random: r.random(step)}
	for i := range w.Owners {
		for _, node := range w.On {
			p.authors = append(p.authors, r.author(node, i))
		}
	}
	if w.Rate > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(w.Rate), 1)
	}
	return p.all(ctx)
}

// all hands out drafts to workers.
func (p *pen) all(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	drafts := make(chan draft)
	group.Go(func() error {
		defer close(drafts)
		return p.handOut(ctx, drafts)
	})
	for range inFlight {
		group.Go(func() error {
			for d := range drafts {
				if err := p.one(ctx, d); err != nil {
					return fmt.Errorf("write at %s: %w", d.author.at.node.Name, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (p *pen) handOut(ctx context.Context, drafts chan<- draft) error {
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
		case drafts <- p.draft(i):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// draft is the i-th record of the step. Authors take turns; where they fight for names, all do for
// one before the next.
func (p *pen) draft(i int) draft {
	d := draft{author: p.authors[i%len(p.authors)]}
	if p.Conflicts > 0 {
		d.name = contested(i / len(p.authors) % p.Conflicts)
	} else {
		d.name = fmt.Sprintf("fact-%d", p.facts.Add(1))
	}
	d.value = make([]byte, p.Size.From+p.random.IntN(p.Size.To-p.Size.From+1))
	for j := range d.value {
		d.value[j] = byte(p.random.Uint32())
	}
	return d
}

// contested is a name that owners fight for.
func contested(i int) string { return fmt.Sprintf("contested-%d", i) }

// one makes a record and returns when a node has acknowledged it. A node that is away is waited
// for.
func (p *pen) one(ctx context.Context, d draft) error {
	var record *protocol.Record
	err := p.persist(ctx, d.author.at, func(door Door) (err error) {
		record, err = p.compose(ctx, door, d)
		return err
	})
	if err != nil {
		return err
	}
	frame := record.EncodeFrame()
	err = p.persist(ctx, d.author.at, func(door Door) error {
		done, err := door.Submit(ctx, frame)
		if err == nil && done.ID != record.ID() {
			err = fmt.Errorf("it acknowledged %s in place of %s", done.ID, record.ID())
		}
		return err
	})
	if err != nil {
		return err
	}
	p.books.acknowledge(record.ID(), d.author.at.node.Name, len(frame))
	p.wrote(p.step, d.author.at.node.Name, d.name)
	return nil
}

// compose makes a record as a client of the node does, by the node's clock.
func (p *pen) compose(ctx context.Context, door Door, d draft) (*protocol.Record, error) {
	links, err := door.Links(ctx, api.LinksQuery{Owner: &d.author.owner})
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

// persist repeats what fails because a node is away.
func (p *pen) persist(ctx context.Context, m *member, do func(Door) error) error {
	for {
		if door := m.access(); door != nil {
			if err := do(door); err == nil || !isAway(err) {
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

// isAway reports whether a call failed in a way that a node which runs would not have it fail.
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
