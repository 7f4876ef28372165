package proxy

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"runtime"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/internal/proxy/idempotency"
	"github.com/lf-store/lf/internal/proxy/outbox"
	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// maxJobs bounds the requests that wait for work, maxClientJobs those of one client.
	maxJobs, maxClientJobs = 50_000, 10_000
	// The files of the home: keysFile has requests that carry a key. outboxFile has finished
	// records that too few nodes have, and proofsFile what was worked for lately.
	keysFile, outboxFile, proofsFile = "requests.jsonl", "outbox.jsonl", "proofs.jsonl"
	// submitWithin bounds handing in one record that was paid for. A client that goes away
	// meanwhile does not end it: the work would be lost.
	submitWithin = time.Minute
	// drainWithin is how long work may go on when the proxy closes.
	drainWithin = 2 * time.Second
)

// writes is what a [Service] writes with.
type writes struct {
	pool   *workqueue.Pool
	keys   *idempotency.Keys
	client *lf.Client // writes for the clients whose keys the proxy keeps
	links  *linkOrigins
	given  chan given // links that another node may lack
	paid   *paidRecords
	outbox *outbox.Outbox
	proofs *apiwriter.Proofs
	worker *apiwriter.Worker
}

// newWrites makes what the service writes with. The service must close it.
func (s *Service) newWrites() (*writes, error) {
	w := &writes{links: newLinkOrigins(), given: make(chan given, maxSpreads), paid: newPaidRecords()}
	err := w.open(s.config)
	if err == nil {
		w.client, err = lf.New(writerService{s}, s.config.Network, lf.InHome(s.config.Home), lf.WithoutNames())
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	threads := s.config.Threads
	if threads == 0 {
		threads = max(runtime.GOMAXPROCS(0)-1, 1)
	}
	w.pool = workqueue.NewPool(workqueue.Config{
		Threads: threads, Limits: workqueue.Limits{Jobs: maxJobs, ClientJobs: maxClientJobs}, Logger: s.config.Logger,
	})
	w.worker = apiwriter.NewWorker(s.config.Network, w.pool, w.proofs)
	return w, nil
}

// open opens what the home keeps.
func (w *writes) open(c *Config) (err error) {
	in := func(name string) string { return filepath.Join(c.Home.Dir(), name) }
	if w.keys, err = idempotency.Open(in(keysFile), idempotency.DefaultLimits, time.Now); err != nil {
		return err
	}
	if w.outbox, err = outbox.Open(in(outboxFile), outbox.DefaultLimits, time.Now); err != nil {
		return err
	}
	w.proofs, err = apiwriter.OpenProofs(in(proofsFile), c.Network, verifyWork, c.Logger)
	return err
}

// close closes the files that are open.
func (w *writes) close() error {
	var failed []error
	if w.keys != nil {
		failed = append(failed, w.keys.Close())
	}
	if w.outbox != nil {
		failed = append(failed, w.outbox.Close())
	}
	if w.proofs != nil {
		failed = append(failed, w.proofs.Close())
	}
	return errors.Join(failed...)
}

// drain ends the work: what is being solved is finished if that takes no long time.
func (w *writes) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	w.pool.Drain(ctx)
	return nil
}

// writerService is the service as the client sees it that writes for the proxy's clients.
type writerService struct{ *Service }

// Hooks implements [embedder.Service].
func (s writerService) Hooks() embedder.Hooks {
	return embedder.Hooks{Name: s.names.Derive, Mask: s.names.Mask, Turn: func(ctx context.Context, effort uint32) (embedder.Turn, error) {
		return s.writes.worker.TakeTurn(ctx, effort) // the client is made before the worker
	}}
}

// Submit implements [api.Service]. A record that was made for a request with a key is noted first.
func (s writerService) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	if r := keyedRequest(ctx); r != nil {
		if err := r.Made(frame); err != nil {
			return nil, err
		}
	}
	return s.submitPaid(ctx, frame)
}

// Prepare implements api.Service.
func (s *Service) Prepare(ctx context.Context, r api.PrepareRequest) (*api.Prepared, error) {
	prepared, err := apiwriter.Prepare(ctx, s.writes.client, &r, s.writes.pool.Len())
	return prepared, s.writeFailure(err)
}

// writeFailure makes an [*api.Error] of what the caller can do something about.
func (s *Service) writeFailure(err error) error {
	var answered *api.Error
	var invalid *protocol.InvalidError
	var uncertified *lf.UncertifiedError
	var budget *workqueue.BudgetError
	switch {
	case err == nil, errors.As(err, &answered):
		return err
	case errors.As(err, &invalid):
		return api.InvalidRecord(invalid)
	case errors.As(err, &uncertified):
		return api.Conflict("%v", err)
	case errors.As(err, &budget) && budget.After > 0:
		return api.TooMany(budget.After, "%v", err)
	case budget != nil, errors.Is(err, workqueue.ErrClientFull):
		return api.NewError(http.StatusTooManyRequests, "%v", err)
	case errors.Is(err, workqueue.ErrFull):
		return api.Unavailable("%v", err)
	case errors.Is(err, workqueue.ErrClosed):
		return api.Unavailable("the proxy is closing: send the request again")
	}
	return apiwriter.Problem(err)
}
