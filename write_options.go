package lf

import (
	"crypto/ed25519"
	"time"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// WriteOption says who signs a record, and how it is made.
type WriteOption interface{ write(w *writing) }

// BulkOption is an option for one record and for many.
type BulkOption interface {
	WriteOption
	LoadOption
	PulseOption
}

type writeOption func(*writing)

func (o writeOption) write(w *writing)     { o(w) }
func (o writeOption) load(l *loadSettings) { o(&l.writing) }
func (o writeOption) pulse(p *pulsing)     { o(&p.writing) }

// Join makes one option of several.
func Join(options ...BulkOption) BulkOption {
	return writeOption(func(w *writing) {
		for _, option := range options {
			option.write(w)
		}
	})
}

// writing is how records are made.
type writing struct {
	owner      string
	secret     ed25519.PrivateKey
	maskingKey string
	threads    int
	patience   time.Duration
	fresh      bool
	ifNewest   *protocol.ID
	newOwner   func(home.Key)
	composed   func(*protocol.Record)
	work       func(Work)
	written    func(*protocol.Record, *Written)
	notNoted   func(error)

	err error // of an option
}

func writingOf(options []WriteOption) *writing {
	w := &writing{}
	for _, option := range options {
		option.write(w)
	}
	return w
}

// As signs as an owner of the home: a name or a peer ID. The default owner signs otherwise; the
// first write in a home makes it.
func As(owner string) BulkOption { return writeOption(func(w *writing) { w.owner = owner }) }

// AsKey signs with a key of the program's own, which need not be in a home.
func AsKey(secret ed25519.PrivateKey) BulkOption {
	return writeOption(func(w *writing) {
		if w.secret = secret; len(secret) != ed25519.PrivateKeySize {
			w.err = wrongInput("a secret key has %d bytes, want %d", len(secret), ed25519.PrivateKeySize)
		}
	})
}

// OnWork is called about ten times a second while a proof of work is searched for, on the goroutine
// that writes.
func OnWork(report func(Work)) BulkOption { return writeOption(func(w *writing) { w.work = report }) }

// Threads is how many threads work, all processors unless it is given.
func Threads(n int) BulkOption {
	return writeOption(func(w *writing) {
		if w.threads = n; n < 0 {
			w.err = wrongInput("the number of threads must be at least 1, not %d", n)
		}
	})
}

// Patience waits so long for a node that is away, for instance while it restarts. The same record
// is handed in again, so it is never there twice.
func Patience(d time.Duration) BulkOption {
	return writeOption(func(w *writing) { w.patience = d })
}

// Fresh says that the owner has set nothing under the key that is dated in the future, so that the
// node need not be asked. It makes writing many records faster.
func Fresh() BulkOption { return writeOption(func(w *writing) { w.fresh = true }) }

// IfNewest refuses to write if the answer under the key is by now another record than this one; the
// zero ID stands for no answer. The error is an [ErrChanged]. It is no lock: somebody else may
// write at the same moment.
func IfNewest(record protocol.ID) WriteOption {
	return writeOption(func(w *writing) { w.ifNewest = &record })
}

// OnNewOwner is called when the first write in a home has made its default owner: the user should
// keep a copy of the key.
func OnNewOwner(tell func(home.Key)) BulkOption {
	return writeOption(func(w *writing) { w.newOwner = tell })
}

// OnComposed is called with the finished record before it is worked for.
func OnComposed(tell func(*protocol.Record)) BulkOption {
	return writeOption(func(w *writing) { w.composed = tell })
}

// OnWritten is called with each record that the node has taken, before the call returns. It is also
// called with the tombstone that [Client.Delete] finds in place of a value.
func OnWritten(tell func(*protocol.Record, *Written)) BulkOption {
	return writeOption(func(w *writing) { w.written = tell })
}
