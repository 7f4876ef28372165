// Package trust follows whom the user of a home believes: the policy by which claims are ranked,
// and the oracles whose objections count. A node and a proxy go by it where a query does not say.
package trust

import (
	"encoding/hex"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// maxAge is how old what is known of a home's trust may be: `lf oracle add` works at once for a
// person, and a busy node looks at the file once a second.
const maxAge = time.Second

// Trust is whom a home's user believes, as the home says it; it may change at any time.
type Trust struct {
	home *home.Home
	// policy is the configuration's and wins over the home's; nil: there is none.
	policy protocol.Policy
	log    *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	stamp   home.TrustStamp
	known   Effective
	problem error // why the home's trust cannot be read now; what was read before then stays
}

// Effective is what a query goes by that does not say. It must not be changed.
type Effective struct {
	Policy  protocol.Policy
	Oracles []protocol.Owner
}

// New reads a home's trust. To start with none at all, where the user has elected somebody,
// would be wrong silently.
func New(h *home.Home, policy protocol.Policy, log *slog.Logger) (*Trust, error) {
	t := &Trust{home: h, policy: policy, log: log, looked: time.Now(), stamp: h.TrustStamp()}
	if err := t.read(); err != nil {
		return nil, err
	}
	return t, nil
}

// Effective returns what holds, and what is wrong with the home's file if something is. A file that
// became unreadable is told of once, and changes nothing until it is mended.
func (t *Trust) Effective() (Effective, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.looked) < maxAge {
		return t.known, t.problem
	}
	t.looked = time.Now()
	stamp := t.home.TrustStamp() // before it is read: what changes meanwhile is read again
	if stamp.Equal(t.stamp) {
		return t.known, t.problem
	}
	t.stamp = stamp
	err := t.read()
	switch {
	case err != nil && t.problem == nil:
		t.log.Error("the home's choice of oracles and policy cannot be read: the last one stays in use", "error", err)
	case err == nil:
		t.log.Info("the home's choice of oracles and policy has changed", "oracles", len(t.known.Oracles), "policy", t.known.Policy.String())
	}
	t.problem = err
	return t.known, err
}

func (t *Trust) read() error {
	read, err := t.home.Trust()
	if err != nil {
		return err
	}
	known := Effective{Policy: t.policy, Oracles: slices.Clip(read.Oracles)}
	if len(known.Policy) == 0 {
		known.Policy = read.Policy
	}
	if len(known.Policy) == 0 {
		known.Policy = protocol.DefaultPolicy()
	}
	known.Policy = known.Policy.Total()
	t.known = known
	return nil
}

// Status is what a status says about whom the reader trusts, and what it could. problem is what is
// wrong with the home's file, nil if nothing is.
func Status(n *protocol.Network, b Effective, problem error) api.Trust {
	t := api.Trust{
		Policy: b.Policy, Oracles: append([]protocol.Owner{}, b.Oracles...), Authorities: []api.AuthorityInfo{},
		AuthRequired: n.Params().AuthRequired,
	}
	for _, a := range n.Authorities() {
		fingerprint := a.Fingerprint()
		t.Authorities = append(t.Authorities, api.AuthorityInfo{
			Name: a.Name(), Fingerprint: hex.EncodeToString(fingerprint[:]), NotBefore: a.NotBefore(), NotAfter: a.NotAfter(),
		})
	}
	if problem != nil {
		t.Warnings = append(t.Warnings, problem.Error())
	}
	if w := Warning(n, b.Oracles); w != "" {
		t.Warnings = append(t.Warnings, w)
	}
	return t
}

// Warning says that on such a network nothing but the order of time stands between an owner
// and an impostor, if that is so.
func Warning(n *protocol.Network, oracles []protocol.Owner) string {
	p := n.Params()
	if p.WorkPerKiB > 0 || len(p.Authorities) > 0 || len(oracles) > 0 {
		return ""
	}
	return "this network asks for no work and has no certificate authorities, and no oracle is elected. So anybody can outweigh an owner: elect an oracle with lf oracle add, or name a CA when reading"
}
