package testbed

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// services are the values whose owners pulse: one for each node that has pulsed.
type services struct {
	mu      sync.Mutex
	records map[string]protocol.ID // by node
}

func serviceName(node string) string { return "service-" + node }

func (r *dryRun) pulseForm() form {
	var a Pulse
	return form{
		fields: []field{
			{name: "on", kind: "nodes", doc: "at which nodes (default: all honest ones that run)", read: r.nodes(&a.On, both(r.mustBeHonest, r.mustRun))},
			{name: "ago", kind: "time", doc: "how long ago the pulses were made, at most 10m (default: now). A service is alive for 4 minutes, so after ago: 3m50s it lapses within 10 s. Two pulses must be a minute apart", read: r.duration(&a.Ago)},
		},
		short: "on", bare: true,
		done: func(at position, _ map[string]position) Action {
			if len(a.On) == 0 {
				a.On = r.nodesWhere(func(n *Node) bool { return n.Honest() && r.running[n.Name] })
			}
			switch {
			case len(a.On) == 0:
				r.errorf(at, "no honest node runs here to pulse at: start one first")
			case a.Ago > protocol.PulsePast:
				r.errorf(at, "nodes take no pulse that is older than %s", protocol.PulsePast)
			}
			for _, name := range a.On {
				r.pulsed[name] = true
			}
			return a
		},
	}
}

// mustHavePulsed objects to a node without a service.
func (r *dryRun) mustHavePulsed(n *Node) string {
	if !r.pulsed[n.Name] {
		return fmt.Sprintf("%s has no service: a pulse step makes one first", n.Name)
	}
	return ""
}

// pulse has the service of each node pulse once.
func (r *runner) pulse(ctx context.Context, a Pulse, step int) error {
	for _, name := range a.On {
		id, err := r.service(ctx, name, r.report.Steps[step])
		if err != nil {
			return err
		}
		second := uint64(time.Now().Add(r.nodes[name].offset() - a.Ago).Unix()) // after 1970
		p := r.network.NewPulse(id, second, r.authorKey(name, 0))
		client := r.nodes[name].api()
		if client == nil {
			return fmt.Errorf("pulse at %s: %w", name, errDown)
		}
		said, err := client.Pulse(ctx, api.PulseRequest{Pulses: [][]byte{p.Encode()}})
		switch {
		case err != nil:
			return fmt.Errorf("pulse at %s: %w", name, err)
		case len(said.Pulses) != 1 || said.Pulses[0].State != api.PulseAccepted:
			return fmt.Errorf("pulse at %s: %+v", name, said.Pulses)
		}
	}
	return nil
}

// service returns the record of a node's service, and sets it at first.
func (r *runner) service(ctx context.Context, node string, step *StepReport) (protocol.ID, error) {
	r.services.mu.Lock()
	defer r.services.mu.Unlock()
	if id, ok := r.services.records[node]; ok {
		return id, nil
	}
	key, err := lf.KeyOf(protocol.Expression{Name: serviceName(node)})
	if err != nil {
		return protocol.ID{}, err
	}
	writer, err := r.newWriter(node)
	if err != nil {
		return protocol.ID{}, err
	}
	done, err := writer.Set(ctx, key, []byte(node), lf.AsKey(r.authorKey(node, 0)), lf.Fresh(), lf.Threads(1), lf.Patience(math.MaxInt64),
		lf.OnWritten(func(written *protocol.Record, done *lf.Written) {
			r.ledger.acknowledge(done.ID, node, len(written.EncodeFrame()))
		}))
	if err != nil {
		return protocol.ID{}, fmt.Errorf("set the service of %s: %w", node, err)
	}
	r.wrote(step, node, serviceName(node))
	if r.services.records == nil {
		r.services.records = map[string]protocol.ID{}
	}
	r.services.records[node] = done.ID
	return done.ID, nil
}

// alive reports whether each of some nodes answers that each of these services is alive, or, if not
// wanted, that none is.
func (r *runner) alive(ctx context.Context, nodes, services []string, wanted bool) (detail, wrong string, err error) {
	for _, service := range services {
		key, err := r.names.Derive(serviceName(service))
		if err != nil {
			return "", "", err
		}
		selector := key.Selector()
		q := api.Query{Selectors: []api.SelectorRange{{Key: &selector}}, Alive: uint64(r.network.LeastAlive() / time.Second)}
		for _, node := range nodes {
			client := r.nodes[node].api()
			if client == nil {
				return "", node + " does not run", nil
			}
			result, err := client.Query(ctx, q)
			if err != nil {
				return "", "", fmt.Errorf("ask %s: %w", node, err)
			}
			if alive := len(result.Answers) == 1; alive != wanted || alive == (result.Lapsed == 1) {
				return "", fmt.Sprintf("%s says that the service of %s is %s", node, service, aliveText(result)), nil
			}
		}
	}
	return compact(services), "", nil
}

// aliveText says what a node answered about a service.
func aliveText(result *api.QueryResult) string {
	switch {
	case len(result.Answers) > 0:
		return "alive"
	case result.Lapsed > 0:
		return "not alive"
	}
	return "not there"
}
