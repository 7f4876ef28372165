package proxy

import (
	"context"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// rememberedPaid is how many records are remembered that were paid for. A client whose connection
// broke asks again, and gets what was found.
const rememberedPaid = 1024

// paidRecords remembers the records of degree (b) that were worked for, by the hash of the signed
// record. It is safe for concurrent use.
type paidRecords struct {
	frames *lru.Cache[[32]byte, []byte]

	mu   sync.Mutex
	busy map[[32]byte]chan struct{} // closed at the end of the request that works for it
}

func newPaidRecords() *paidRecords {
	frames, err := lru.New[[32]byte, []byte](rememberedPaid)
	if err != nil {
		panic(err) // the size is above 0
	}
	return &paidRecords{frames: frames, busy: map[[32]byte]chan struct{}{}}
}

// begin waits until no other request works for a signed record. The caller must call end.
func (p *paidRecords) begin(ctx context.Context, signed [32]byte) (end func(), err error) {
	for {
		p.mu.Lock()
		busy, ok := p.busy[signed]
		if !ok {
			p.busy[signed] = make(chan struct{})
			p.mu.Unlock()
			return func() { p.end(signed) }, nil
		}
		p.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (p *paidRecords) end(signed [32]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.busy[signed])
	delete(p.busy, signed)
}

// frame returns the finished record, nil where it is not known.
func (p *paidRecords) frame(signed [32]byte) []byte {
	frame, _ := p.frames.Get(signed)
	return frame
}

func (p *paidRecords) add(signed [32]byte, frame []byte) { p.frames.Add(signed, frame) }

// clock is the wall clock in milliseconds, as records have it.
func clock() uint64 { return uint64(max(time.Now().UnixMilli(), 0)) }
