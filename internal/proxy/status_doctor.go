package proxy

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Doctor implements api.Service. It asks each node how it is, and whether it takes records.
func (s *Service) Doctor(ctx context.Context) (*api.Checkup, error) {
	if err := s.nodes.meet(ctx); err != nil {
		return nil, err
	}
	nodes := s.nodes.show()
	problems := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, n := range s.nodes.list {
		if state := nodes[i].State; state != api.NodeSynced && state != api.NodeUnsynced {
			continue
		}
		all.Go(func() { nodes[i].Token, problems[i] = n.tryToken(ctx) })
	}
	all.Wait()
	findings := []api.Finding{foundNetwork(s.config), foundComparison(s.config, nodes)}
	for i := range nodes {
		findings = append(findings, foundNode(&nodes[i], problems[i]))
	}
	if waiting, oldest := s.writes.outbox.Waiting(); waiting > 0 {
		findings = append(findings, foundOutbox(waiting, time.Since(oldest)))
	}
	if s.cert != nil {
		findings = append(findings, foundCertificate(s.cert.State()))
	}
	failed := func(f api.Finding) bool { return f.State == api.FindingFailure }
	return &api.Checkup{Healthy: !slices.ContainsFunc(findings, failed), Findings: findings, Facts: s.facts(ctx, nodes)}, ctx.Err()
}

// facts are what a checkup shows of a proxy: it has no peers, and nothing of what a node has.
func (s *Service) facts(ctx context.Context, nodes []api.ProxyNode) api.Facts {
	p, state := s.config.Network.Params(), api.SyncStatus{State: api.SyncAlone}
	if first := s.firstStatus(ctx); first != nil {
		state = first.Sync
	}
	return api.Facts{
		Now: api.Millis(time.Now()), RunningMS: uint64(time.Since(s.started).Milliseconds()), Network: p.Name, Profile: profile,
		AuthRequired: p.AuthRequired, Nodes: nodes,
		Listening: []string{}, Authorities: []api.AuthorityInfo{}, Dials: []api.DialState{}, Banned: api.BannedPeers{Peers: []api.Ban{}},
		Reach: api.ReachFacts{Reachability: api.ReachUnknown, Transports: []api.TransportFacts{}}, Relays: []string{}, Punches: api.Punches{Last: []api.Punch{}},
		DHT: api.DHTFacts{Mode: api.DHTOff}, Sync: state, Clock: api.ClockFacts{DriftMS: p.ClockDrift}, Drops: []api.DropCount{},
		Damage: api.DamageFacts{Records: []protocol.ID{}},
	}
}

func foundNetwork(c *Config) api.Finding {
	return api.Finding{Area: "network", State: api.FindingOK, Text: fmt.Sprintf("a proxy on network %q (%s)", c.Network.Params().Name, c.Network.ID())}
}

// foundComparison says how many nodes are compared.
func foundComparison(c *Config, nodes []api.ProxyNode) api.Finding {
	synced := 0
	for i := range nodes {
		if nodes[i].State == api.NodeSynced {
			synced++
		}
	}
	f := api.Finding{Area: "comparison", State: api.FindingNote}
	switch asked := min(synced, c.Compare); {
	case synced == 0:
		f.State, f.Text = api.FindingFailure, fmt.Sprintf("none of %s is in sync", text.Count(len(nodes), "node", "nodes"))
		f.Advice = "look at the nodes below; lf doctor at a node says what keeps it from being in sync"
	case asked == 1:
		f.Text, f.Advice = "one node is asked: answers are verified, and not compared", "give two more nodes with --node, run by others, and --compare 3"
	case asked == 2:
		f.Text, f.Advice = "2 nodes are compared: where they differ, there is no majority", "give a third node with --node"
	default:
		f.State, f.Text = api.FindingOK, fmt.Sprintf("%d nodes are asked the same and compared, %d are in sync", asked, synced)
	}
	return f
}

// waitsLong is how long finished records may wait for nodes until the doctor warns.
const waitsLong = time.Minute

// foundOutbox says how many finished records wait for nodes.
func foundOutbox(waiting int, since time.Duration) api.Finding {
	f := api.Finding{
		Area: "outbox", State: api.FindingNote,
		Text:   fmt.Sprintf("%s to be attached by enough nodes, for %s", text.Count(waiting, "finished record waits", "finished records wait"), text.Duration(since)),
		Advice: "none: they are handed in again by themselves",
	}
	if since > waitsLong {
		f.State, f.Advice = api.FindingWarning, "look at the nodes below, and at lf doctor of each: they are handed in again for a day"
	}
	return f
}

// certificateLeft is how long before its end the doctor warns of a certificate. Tools that renew
// certificates do so a month before.
const certificateLeft = 7 * 24 * time.Hour

// foundCertificate says how the certificate of the API is.
func foundCertificate(until time.Time, problem string) api.Finding {
	f := api.Finding{Area: "certificate", State: api.FindingOK, Text: "the API's certificate is valid until " + until.Local().Format(time.DateTime)}
	switch left := time.Until(until); {
	case left <= 0:
		f.State, f.Text = api.FindingFailure, "the API's certificate has ended on "+until.Local().Format(time.DateTime)+": clients refuse it"
		f.Advice = "put a new one into the files of --tls-cert and --tls-key: it is used at once"
	case problem != "":
		f.State, f.Text = api.FindingWarning, f.Text+"; the one in its files cannot be used: "+problem
		f.Advice = "correct the files of --tls-cert and --tls-key: they are loaded again by themselves"
	case left < certificateLeft:
		f.State, f.Advice = api.FindingWarning, "renew it: a new one in the files of --tls-cert and --tls-key is used at once"
	}
	return f
}

// foundNode says how one node is.
func foundNode(n *api.ProxyNode, token error) api.Finding {
	f := api.Finding{Area: n.Address, State: api.FindingWarning, Text: n.Problem}
	switch n.State {
	case api.NodeSynced:
		f.State = api.FindingOK
		f.Text = fmt.Sprintf("in sync, %s, answers in %.1f ms", text.Count(n.Attached, "record", "records"), n.LatencyMS)
	case api.NodeUnsynced:
		f.Advice = "wait, or ask lf doctor at that node"
	case api.NodeDown:
		f.Advice = "start the node, or correct its address (--node)"
	case api.NodeSlow:
		f.Advice = "ask lf doctor at that node; it is tried again by itself"
	case api.NodeRefuses:
		f.Advice = "make a token at that node (lf token add proxy --submit) and name it in the file of --node-token-file"
	case api.NodeForeign:
		f.State, f.Advice = api.FindingFailure, "give another --node: this one can never answer for this network"
	}
	switch {
	case n.Lied != "":
		f.State, f.Text = api.FindingFailure, "it answered falsely: "+n.Lied
		f.Advice = "do not ask this node: its program or its disk is broken, or its operator lies"
	case f.State == api.FindingOK && token != nil:
		f.State, f.Text = api.FindingWarning, f.Text+"; it takes no records from this proxy: "+token.Error()
		f.Advice = "make a token at that node (lf token add proxy --submit) and name it in the file of --node-token-file"
	case f.State == api.FindingOK && n.Differed > 0:
		f.State, f.Text = api.FindingWarning, fmt.Sprintf("%s; on %s it answered something else than the others", f.Text, text.TimeOf(n.Differed).Format(time.RFC3339))
		f.Advice = "lf get --explain says which node differs about a key; the log of the proxy lists them"
	}
	return f
}
