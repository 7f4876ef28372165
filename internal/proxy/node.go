package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// node is a full node that the proxy asks.
type node struct {
	address string
	token   string
	client  api.Service
	network *protocol.Network
	joiner  *joiner

	mu    sync.Mutex
	state nodeState
}

// nodeState is what is known of a node.
type nodeState struct {
	state   string
	problem error // why it is passed over
	checked time.Time
	since   time.Time // when the state began
	status  *api.Status
	took    time.Duration // by the last check
	// slowUntil is when a node may be tried again that let a request wait, slowPause by how much
	// that moves the next time.
	slowUntil time.Time
	slowPause time.Duration
	// differed is when it last answered something else than most, lied what was proved false.
	differed time.Time
	lied     error
}

func newNode(a NodeAddress, c *Config) *node {
	client := api.NewClient(a.Address, a.Token)
	client.SetReadTimeout(c.Timeout)
	n := &node{address: a.Address, token: a.Token, client: client, network: c.Network, state: nodeState{state: api.NodeUnknown}}
	n.joiner = &joiner{timeout: c.Timeout, ask: func(ctx context.Context, q api.Query) (*api.QueryResult, error) { return n.client.Query(ctx, q) }}
	return n
}

func (n *node) known() nodeState {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state
}

func (n *node) set(state string, problem error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.move(state, problem)
}

func (n *node) move(state string, problem error) {
	if n.state.state != state {
		n.state.since = time.Now()
	}
	n.state.state, n.state.problem = state, problem
}

// check asks a node how it is. It bounds itself: a node that does not answer soon is down.
func (n *node) check(ctx context.Context) {
	if until := n.known().slowUntil; time.Now().Before(until) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	begin := time.Now()
	status, err := n.client.Status(ctx)
	if err == nil && n.known().state == api.NodeSlow {
		err = n.tryQuery(ctx)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state.checked, n.state.took = time.Now(), time.Since(begin)
	if err != nil {
		state, problem := stateOf(err)
		if n.state.state == api.NodeSlow && state == api.NodeDown {
			return // as it was
		}
		n.move(state, problem)
		return
	}
	n.state.status = status
	switch {
	case status.Network.ID != n.network.ID():
		n.move(api.NodeForeign, fmt.Errorf("it is on network %q (%s)", status.Network.Parameters.Name, status.Network.ID))
	case status.Sync.State != api.SyncSynced:
		n.move(api.NodeUnsynced, fmt.Errorf("it is not in sync: %s", status.Sync.State))
	default:
		n.move(api.NodeSynced, nil)
		n.state.slowPause = 0
	}
}

// tryQuery asks a node for something that is hardly there.
func (n *node) tryQuery(ctx context.Context) error {
	key := protocol.SelectorKey{1}
	_, err := n.client.Query(ctx, api.Query{Selectors: []api.SelectorRange{{Key: &key}}})
	return err
}

// late notes that a node let a request wait. It is not asked for a while, each time a longer one.
func (n *node) late(after time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state.slowPause = min(max(2*n.state.slowPause, minSlowPause), maxSlowPause)
	n.state.slowUntil = time.Now().Add(n.state.slowPause)
	n.move(api.NodeSlow, fmt.Errorf("it did not answer within %s", after.Round(time.Millisecond)))
}

// noteDifference notes that a node answered something else than most. proof is why that is false,
// nil where nothing proves it. It reports whether that is news: a node that differs may do so in
// each answer.
func (n *node) noteDifference(proof error) (news bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	news = time.Since(n.state.differed) > differsFor
	n.state.differed = time.Now()
	if proof != nil {
		n.state.lied = proof
	}
	return news
}

// failed notes what a request to a node failed at.
func (n *node) failed(err error) {
	var late *api.TimeoutError
	if errors.As(err, &late) {
		n.late(late.After)
		return
	}
	n.set(stateOf(err))
}

// stateOf tells from an error how a node is.
func stateOf(err error) (string, error) {
	var e *api.Error
	if errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status == http.StatusMisdirectedRequest) {
		return api.NodeRefuses, err
	}
	return api.NodeDown, err
}

// isAnswer reports whether an error is about what a node answers, as 404 is, and not its failure.
func isAnswer(err error) bool {
	var proof *forgedError
	if errors.As(err, &proof) {
		return true
	}
	var e *api.Error
	if !errors.As(err, &e) {
		return false
	}
	if e.Damaged != nil || e.Sync != nil {
		return true // the node is well, but for one record, or is not in sync yet
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest, http.StatusTooManyRequests:
		return false
	}
	return e.Status < http.StatusInternalServerError
}
