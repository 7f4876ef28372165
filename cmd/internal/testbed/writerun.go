package testbed

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/protocol"
)

// inFlight is how many records a write step makes at once.
const inFlight = 16

// author writes at one node with a key of its own.
type author struct {
	at     *node
	writer *lf.Client // of the node
	key    ed25519.PrivateKey
}

// authorKey makes the key of one owner at a node, always the same in runs with the same seed.
func (r *runner) authorKey(node string, i int) ed25519.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "lf testbed owner\x00%d\x00%s\x00%d", r.seed, node, i))
	return ed25519.NewKeyFromSeed(seed[:])
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
	writers := map[string]*lf.Client{}
	for _, node := range w.On {
		writer, err := r.newWriter(node)
		if err != nil {
			return err
		}
		writers[node] = writer
	}
	for i := range w.Owners {
		for _, node := range w.On {
			p.authors = append(p.authors, &author{r.nodes[node], writers[node], r.authorKey(node, i)})
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
	key, err := lf.KeyOf(protocol.Expression{Name: d.name})
	if err != nil {
		return err
	}
	at := d.author.at
	_, err = d.author.writer.Set(ctx, key, d.value, lf.AsKey(d.author.key), lf.Fresh(), lf.Threads(1), lf.Patience(math.MaxInt64),
		lf.OnWritten(func(r *protocol.Record, done *lf.Written) {
			p.ledger.acknowledge(done.ID, at.spec.Name, len(r.EncodeFrame()))
		}))
	if err != nil {
		return err
	}
	p.wrote(p.step, at.spec.Name, d.name)
	return nil
}
