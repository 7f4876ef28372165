package oracle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs/go-datastore"

	"github.com/lf-store/lf/protocol"
)

// stateKey is where a commentator keeps its state.
var stateKey = datastore.NewKey("state")

// closeTime bounds the last save.
const closeTime = 2 * time.Second

// Commentator publishes what an oracle has to say. It is safe for concurrent use.
type Commentator struct {
	config Config
	owner  protocol.Owner

	started time.Time // the machine's 0
	notice  chan struct{}
	stop    context.CancelFunc
	done    chan struct{}

	// The goroutine's own.
	machine *machine
	frame   []byte // of the record on its way
	timer   *time.Timer
	// complained is what was logged last.
	complained string

	mu     sync.Mutex // guards what follows
	status Status
}

// New reads how far an earlier run came and begins to follow the store. Close ends it.
func New(c Config) (*Commentator, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	perRecord := protocol.MaxWords(c.Network.Params().MaxValue)
	if perRecord == 0 {
		return nil, fmt.Errorf("this network's values, %d bytes, have no room for a commentary: it cannot have oracles", c.Network.Params().MaxValue)
	}
	ctx, stop := context.WithCancel(context.Background())
	o := &Commentator{
		config: c, owner: protocol.OwnerOf(c.Key), started: time.Now(),
		notice: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
	}
	s, err := o.load(ctx)
	if err != nil {
		stop()
		return nil, err
	}
	o.machine = newMachine(defaultLimits(perRecord, c.PerHour), s)
	o.report()
	go o.run(ctx)
	return o, nil
}

// load reads the state. One that cannot be read is begun again: what was said is in the store, and
// a wrong cursor would be worse than none.
func (o *Commentator) load(ctx context.Context) (state, error) {
	raw, err := o.config.Memory.Get(ctx, stateKey)
	switch {
	case errors.Is(err, datastore.ErrNotFound):
		return state{}, nil
	case err != nil:
		return state{}, fmt.Errorf("read how far the oracle is: %w", err)
	}
	s, err := decodeState(raw, o.owner, o.config.Clock())
	if err != nil {
		o.config.Logger.Warn("the oracle begins again", "error", err)
	}
	return s, nil
}

// Notify tells that records were attached. It is cheap and never blocks.
func (o *Commentator) Notify() {
	select {
	case o.notice <- struct{}{}:
	default:
	}
}

// Status tells how the commentator stands.
func (o *Commentator) Status() Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.status
}

// Close stops at once whatever is under way, a search for work too, and waits until it has stopped.
// It may be called more than once.
func (o *Commentator) Close() error {
	o.stop()
	<-o.done
	return nil
}

// run drives the machine.
func (o *Commentator) run(ctx context.Context) {
	defer close(o.done)
	defer o.saveLast(ctx)
	o.timer = time.NewTimer(0)
	defer o.timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-o.notice:
			o.machine.attached()
		default:
		}
		o.machine.tick(time.Since(o.started))
		o.perform(ctx, o.machine.next())
		o.report()
	}
}

// perform does what the machine says and tells it what came of it. What failed because of Close is
// no failure.
func (o *Commentator) perform(ctx context.Context, a action) {
	switch a := a.(type) {
	case scan:
		found, next, err := o.scan(ctx, a)
		o.answer(ctx, func() { o.machine.scanned(found, next, err) })
	case prepare:
		r, err := o.compose(ctx, a.words, a.after)
		o.answer(ctx, func() {
			if err != nil {
				o.machine.prepared(nil, 0, err)
				return
			}
			o.frame = r.EncodeFrame()
			o.machine.prepared(a.words, r.Timestamp, nil)
		})
	case save:
		err := o.save(ctx, a.state)
		o.answer(ctx, func() { o.machine.saved(a.state, err) })
	case submit:
		err := o.config.Submit(ctx, o.frame)
		if err == nil {
			o.config.Logger.Debug("the oracle published a commentary")
		}
		o.answer(ctx, func() { o.machine.submitted(err) })
	case wait:
		o.wait(ctx, a.until)
	}
}

// answer tells the machine the time, which has gone on, and then what happened.
func (o *Commentator) answer(ctx context.Context, tell func()) {
	if ctx.Err() == nil {
		o.machine.tick(time.Since(o.started))
		tell()
	}
}

func (o *Commentator) scan(ctx context.Context, a scan) (found []judged, next uint64, err error) {
	list, next, err := o.config.Store.Collisions(ctx, a.after, a.limit)
	if err != nil {
		return nil, 0, err
	}
	for _, c := range list {
		said, err := o.config.Store.Words(ctx, o.owner, c.Composite)
		if err != nil {
			return nil, 0, err
		}
		found = append(found, judged{c, said})
	}
	return found, next, nil
}

func (o *Commentator) save(ctx context.Context, s state) error {
	raw, err := encodeState(o.owner, s, o.machine.now, o.config.Clock())
	if err != nil {
		return err
	}
	return o.config.Memory.Put(ctx, stateKey, raw)
}

// saveLast spares the next run what this one did since the last save. Nothing is lost when it
// fails.
func (o *Commentator) saveLast(ctx context.Context) {
	if !o.machine.changed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := o.save(ctx, o.machine.snapshot()); err != nil {
		o.config.Logger.Debug("could not save how far the oracle is", "error", err)
	}
}

// wait waits for the time, a notice or the end.
func (o *Commentator) wait(ctx context.Context, until time.Duration) {
	o.timer.Reset(until - time.Since(o.started))
	select {
	case <-ctx.Done():
	case <-o.notice:
		o.machine.attached()
	case <-o.timer.C:
	}
}

// report makes the status what the machine says, and logs what is wrong, once.
func (o *Commentator) report() {
	m := o.machine
	s := Status{Commentaries: m.commentaries, Words: m.words, Waiting: m.waiting(), Silent: m.silent()}
	if m.published > 0 {
		s.Last = time.UnixMilli(int64(m.published)).UTC() // at most 2^53-1
	}
	o.mu.Lock()
	o.status = s
	o.mu.Unlock()
	if complaint := m.complaint(); complaint != "" && complaint != o.complained {
		o.complained = complaint
		o.config.Logger.Warn("the oracle is silent", "reason", complaint, "waiting", s.Waiting)
	}
}

// wall is the time of day, as records have it.
func (o *Commentator) wall() uint64 { return uint64(max(o.config.Clock().UnixMilli(), 0)) }
