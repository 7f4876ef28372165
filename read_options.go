package lf

import (
	"strings"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// ReadOption narrows a question, or says whom the reader trusts.
type ReadOption interface {
	WatchOption
	read(q *query)
}

type readOption func(*query)

func (o readOption) read(q *query)     { o(q) }
func (o readOption) watch(w *watching) { o(w.query) }

// Policy ranks the claims of several owners by these criteria, with commas between, such as
// "certified,weight". The node's own policy ranks them otherwise.
func Policy(criteria string) ReadOption {
	return readOption(func(q *query) {
		p, err := protocol.ParsePolicy(strings.ReplaceAll(criteria, " ", ""))
		if err != nil {
			q.err = wrongInput("policy %q: %v", criteria, err)
			return
		}
		q.policy = p
	})
}

// Oracles counts the objections of these nodes, given by their peer IDs, in place of those that the
// node's user elected. Without any, nobody's count.
func Oracles(peers ...string) ReadOption {
	return readOption(func(q *query) {
		q.oracles = []protocol.Owner{}
		if len(peers) > api.MaxOracles {
			q.err = wrongInput("%d oracles, at most %d can be asked about", len(peers), api.MaxOracles)
		}
		for _, text := range peers {
			oracle, err := protocol.ParseOwner(text)
			if err != nil {
				q.err = wrongInput("%q is not a peer ID (12D3KooW…): an oracle is a node, whose status names it", text)
			} else if oracle.SmallOrder() {
				q.err = wrongInput("%q is nobody's key: anybody can sign for it", text)
			}
			q.oracles = append(q.oracles, oracle)
		}
	})
}

// Authorities trusts these CAs and the network's: certificates in DER.
func Authorities(certificates ...[]byte) ReadOption {
	return readOption(func(q *query) { q.authorities = append(q.authorities, certificates...) })
}

// By asks only for what these owners set: peer IDs, or names of owners in the home.
func By(owners ...string) ReadOption {
	return readOption(func(q *query) { q.owners = append(q.owners, owners...) })
}

// AsOf answers from the versions up to a time.
func AsOf(t time.Time) ReadOption { return readOption(func(q *query) { q.until = max(msOf(t), 1) }) }

// Since asks only for versions of this time or later.
func Since(t time.Time) ReadOption { return readOption(func(q *query) { q.since = msOf(t) }) }

// Limit bounds the answers of [Client.Query]: 1 to [MaxAnswers], 100 unless it is given.
func Limit(n int) ReadOption { return readOption(func(q *query) { q.limit = n }) }

// Further asks also for records that have further names.
func Further() ReadOption { return readOption(func(q *query) { q.open = true }) }

// History asks also for older versions and for other owners' claims, the 100 best.
func History() ReadOption { return readOption(func(q *query) { q.history = true }) }

// Explain asks also why the best claim won, and for the others.
func Explain() ReadOption { return readOption(func(q *query) { q.explain = true }) }

// Synced has the node compare its records with its peers' first, and waits until it is in sync. It
// waits at most this long, up to an hour. If it is not by then, the call ends with [ErrNotSynced].
func Synced(within time.Duration) ReadOption {
	return readOption(func(q *query) { q.synced = syncWait{wanted: true, within: within} })
}

// maskingOption seals with a masking key, and opens with it.
type maskingOption string

func (o maskingOption) read(q *query)        { q.maskingKey = string(o) }
func (o maskingOption) watch(w *watching)    { o.read(w.query) }
func (o maskingOption) write(w *writing)     { w.maskingKey = string(o) }
func (o maskingOption) load(l *loadSettings) { o.write(&l.writing) }
func (o maskingOption) pulse(p *pulsing)     { o.write(&p.writing) }

// Masking is an option for reading and writing.
type Masking interface {
	ReadOption
	WriteOption
	LoadOption
	PulseOption
}

// MaskingKey seals a value with this text in place of its primary name, and opens such values. It
// must be 1 to 1,024 bytes; "" is no masking key.
func MaskingKey(text string) Masking { return maskingOption(text) }
