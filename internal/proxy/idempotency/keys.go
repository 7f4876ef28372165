package idempotency

import (
	"container/list"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/linelog"
)

const (
	// Kept is how long a key is remembered.
	Kept = 24 * time.Hour
	// MaxKey is how long a key may be, in bytes.
	MaxKey = 256
)

// ErrOther says that the key belongs to another request.
var ErrOther = errors.New("the idempotency key belongs to another request: give each request a key of its own")

// Limits bound what is remembered. What is older is forgotten first.
type Limits struct {
	PerClient int // keys of one client
	Total     int // of all clients: the one that has most loses the oldest
}

// DefaultLimits are those of a proxy: about 30 MB in memory.
var DefaultLimits = Limits{PerClient: 10_000, Total: 100_000}

// digest is a keyed hash.
type digest [sha256.Size]byte

func keyed(key, purpose string, data []byte) (d digest) {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write(data)
	mac.Sum(d[:0])
	return d
}

// entry is what is known of one key. All but busy is guarded by Keys.mu.
type entry struct {
	client *client
	place  *list.Element // in the client's order; nil once it is forgotten
	key    digest
	body   digest
	at     time.Time
	frame  []byte // of the record that was made; nil: none yet, or it was answered
	answer []byte
	busy   chan struct{} // closed when the request under way ends; nil: none is
}

// client is the keys of one client, the oldest first.
type client struct {
	name  string
	order *list.List
}

// Keys remembers requests by their keys. Its methods are safe for concurrent use.
type Keys struct {
	limits Limits
	now    func() time.Time
	file   *linelog.File

	mu      sync.Mutex
	entries map[digest]*entry
	clients map[string]*client
	expired time.Time // when the old ones were dropped last
}

// Open reads what a file remembers. There need not be one yet. now is the clock. The caller must
// Close it.
func Open(path string, limits Limits, now func() time.Time) (*Keys, error) {
	k := &Keys{limits: limits, now: now, entries: map[digest]*entry{}, clients: map[string]*client{}}
	var err error
	if k.file, err = linelog.Open(path, maxLine, k.replay); err != nil {
		return nil, fmt.Errorf("the keys of requests: %w", err)
	}
	k.expire()
	if err := k.compact(); err != nil {
		return nil, errors.Join(err, k.file.Close())
	}
	return k, nil
}

// Close closes the file.
func (k *Keys) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.file.Close()
}

// Len counts the keys.
func (k *Keys) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.entries)
}

// Request is a request with a key. Its holder must call End.
type Request struct {
	keys  *Keys
	entry *entry
}

// Begin takes a client's key for a request. body is all that the request says. While another
// request with the same key is under way, Begin waits for its end, or that of ctx. It returns
// [ErrOther] where the key belongs to another request.
func (k *Keys) Begin(ctx context.Context, clientName, key string, body []byte) (*Request, error) {
	id, mark := keyed(key, "key\x00"+clientName, nil), keyed(key, "request", body)
	for {
		e, busy := k.take(clientName, id, mark)
		if e.body != mark {
			return nil, ErrOther
		}
		if busy == nil {
			return &Request{k, e}, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// take marks a key as busy and returns its entry. If it is busy already, busy is closed when that
// has ended.
func (k *Keys) take(clientName string, id, mark digest) (e *entry, busy chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire()
	e, known := k.entries[id]
	if known && k.isOver(e) {
		k.forget(e)
		known = false
	}
	if !known {
		e = k.add(clientName, id, mark, k.now())
	}
	if e.body == mark && e.busy == nil {
		e.busy = make(chan struct{})
		return e, nil
	}
	return e, e.busy
}

// Frame is the record that an earlier request with the key made and whose acknowledgment is not
// known; nil for none.
func (r *Request) Frame() []byte {
	r.keys.mu.Lock()
	defer r.keys.mu.Unlock()
	return r.entry.frame
}

// Answer is what [Request.Done] noted of an earlier request; nil: there is no answer yet.
func (r *Request) Answer() []byte {
	r.keys.mu.Lock()
	defer r.keys.mu.Unlock()
	return r.entry.answer
}

// Made notes on disk the record that is about to be handed in.
func (r *Request) Made(frame []byte) error {
	r.keys.mu.Lock()
	defer r.keys.mu.Unlock()
	r.entry.frame = frame
	return r.keys.note(r.entry, true)
}

// Done notes the answer, which is JSON.
func (r *Request) Done(answer []byte) error {
	r.keys.mu.Lock()
	defer r.keys.mu.Unlock()
	r.entry.frame, r.entry.answer = nil, answer
	if err := r.keys.note(r.entry, false); err != nil {
		return err
	}
	return r.keys.compact()
}

// End ends the request. A key for which nothing was made is free again.
func (r *Request) End() {
	r.keys.mu.Lock()
	defer r.keys.mu.Unlock()
	e := r.entry
	if e.busy == nil {
		return
	}
	close(e.busy)
	e.busy = nil
	if e.frame == nil && e.answer == nil {
		r.keys.forget(e)
	}
}
