package testbed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Internet is a fabric of network namespaces for scenarios with routers. It has one network with
// public addresses, and a private network behind a router for each router. Everything belongs to
// this process; no packet leaves the namespaces.
//
// The public addresses are out of 11.0.0.0/8. Those set aside for documentation and tests will not
// do: nodes know that nobody can be reached there.
type Internet struct {
	mu      sync.Mutex
	core    *network
	behind  map[string]*network // by router
	nodes   map[string]*namespace
	numbers map[string]int // of nodes, the last one in their addresses
	links   int
	openers []*portOpener
}

// network is a bridge, in the namespace of what joins those on it.
type network struct {
	*namespace
	prefix  string // of an address
	bits    int
	gateway string // "" where all addresses are on the network itself
}

// NewInternet returns a fabric with routers, or says what is missing for it.
func NewInternet() (*Internet, error) {
	if err := canHaveNamespaces(); err != nil {
		return nil, err
	}
	return &Internet{behind: map[string]*network{}, nodes: map[string]*namespace{}, numbers: map[string]int{}}, nil
}

// Prepare makes the public network, the routers, and a namespace for each node, in the network that
// it belongs to.
func (f *Internet) Prepare(ctx context.Context, s *Scenario) (places []Place, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.core, err = newNetwork(ctx, "11.0.0", 8); err != nil {
		return nil, err
	}
	for i, router := range s.Routers {
		if err := f.addRouter(ctx, s, i+1, router); err != nil {
			return nil, fmt.Errorf("router %s: %w", router.Name, err)
		}
	}
	for i, n := range s.Nodes {
		ns, err := newNamespace()
		if err != nil {
			return nil, err
		}
		f.nodes[n.Name], f.numbers[n.Name] = ns, 10+i
		if err := f.join(ctx, ns, f.network(n.Behind), f.numbers[n.Name]); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		places = append(places, ns.publicPlace(n))
	}
	return places, nil
}

func (f *Internet) network(router string) *network {
	if router == "" {
		return f.core
	}
	return f.behind[router]
}

// publicPlace is that of a node with all that a node has by default: addresses of any kind, TCP and
// QUIC.
func (ns *namespace) publicPlace(n *Node) Place {
	p := Place{APIListen: "127.0.0.1:0", Profile: "default", Anywhere: true, Command: ns.command(), Dial: ns.dial}
	if n.Profile != "" {
		p.Profile = n.Profile
	}
	transports := func(address string) []string {
		return []string{
			fmt.Sprintf("/ip4/%s/tcp/%d", address, listenPort), fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", address, listenPort),
		}
	}
	p.Listen = transports("0.0.0.0")
	if n.Behind == "" {
		p.At = transports(ns.address)
	}
	return p
}

// newNetwork makes a namespace with a bridge in it.
func newNetwork(ctx context.Context, prefix string, bits int) (*network, error) {
	ns, err := newNamespace()
	if err != nil {
		return nil, err
	}
	return &network{namespace: ns, prefix: prefix, bits: bits}, ns.batch(ctx, []string{"link set lo up", "link add inside type bridge", "link set inside up"})
}

// addRouter makes a router. In its namespace eth0 leads outside, and the bridge named inside joins
// the nodes that it serves.
func (f *Internet) addRouter(ctx context.Context, s *Scenario, number int, router *Router) error {
	net, err := newNetwork(ctx, fmt.Sprintf("192.168.%d", number), 24)
	if err != nil {
		return err
	}
	f.behind[router.Name] = net
	switch {
	case router.NAT == NoNAT:
		net.prefix = fmt.Sprintf("11.%d.0", 100+number)
	case s.hasRoutersBehind(router.Name): // a provider's (RFC 6598)
		net.prefix = fmt.Sprintf("100.64.%d", number)
	}
	net.gateway = net.prefix + ".1"
	if err := f.join(ctx, net.namespace, f.network(router.Behind), 250-number); err != nil {
		return err
	}
	if err := net.batch(ctx, []string{fmt.Sprintf("addr add %s/%d dev inside", net.gateway, net.bits)}); err != nil {
		return err
	}
	// A router without NAT answers ARP at once for its nodes, whose addresses are on the public
	// network too.
	if err := net.run(ctx, "", "sh", "-c", "cd /proc/sys/net/ipv4 && echo 1 >ip_forward && echo 1 >conf/eth0/proxy_arp && echo 0 >neigh/eth0/proxy_delay"); err != nil {
		return err
	}
	if err := net.run(ctx, routerRules(router), "nft", "-f", "-"); err != nil || !router.Maps {
		return err
	}
	opener, err := openPorts(net)
	if err == nil {
		f.openers = append(f.openers, opener)
	}
	return err
}

func (s *Scenario) hasRoutersBehind(name string) bool {
	for _, r := range s.Routers {
		if r.Behind == name {
			return true
		}
	}
	return false
}

// join links a namespace's eth0 to a network, with an address there.
func (f *Internet) join(ctx context.Context, ns *namespace, to *network, number int) error {
	f.links++
	link := fmt.Sprintf("v%d", f.links)
	ns.address = fmt.Sprintf("%s.%d", to.prefix, number)
	if to == f.core { // each in a neighborhood of its own, as machines of different people are
		ns.address = fmt.Sprintf("11.%d.0.%d", f.links, number)
	}
	if err := to.batch(ctx, []string{
		fmt.Sprintf("link add %s type veth peer name eth0 netns %s", link, ns.path()), fmt.Sprintf("link set %s master inside up", link),
	}); err != nil {
		return err
	}
	lines := []string{"link set lo up", fmt.Sprintf("addr add %s/%d dev eth0", ns.address, to.bits), "link set eth0 up"}
	if to.gateway != "" {
		lines = append(lines, "route add default via "+to.gateway)
	} else {
		lines = append(lines, "route add default dev eth0") // multicast has to go somewhere
	}
	return ns.batch(ctx, lines)
}

// Move takes a node's link away, and gives it another one elsewhere.
func (f *Internet) Move(ctx context.Context, node, router string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ns := f.nodes[node]
	if err := ns.batch(ctx, []string{"link del eth0"}); err != nil {
		return err
	}
	return f.join(ctx, ns, f.network(router), f.numbers[node])
}

// Cut has nothing to do: what routers let pass never changes.
func (f *Internet) Cut(_ context.Context, cuts []Cut, _ []LinkedNode) error {
	if len(cuts) > 0 {
		return errors.New("links cannot be cut where routers are")
	}
	return nil
}

// Close lets the namespaces go.
func (f *Internet) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, o := range f.openers {
		errs = append(errs, o.close())
	}
	for _, ns := range f.nodes {
		errs = append(errs, ns.file.Close())
	}
	for _, net := range f.behind {
		errs = append(errs, net.file.Close())
	}
	if f.core != nil {
		errs = append(errs, f.core.file.Close())
	}
	f.openers, f.core, f.nodes, f.behind = nil, nil, map[string]*namespace{}, map[string]*network{}
	return errors.Join(errs...)
}

// routerRules are what a router does with packets. What it does not want it drops without a word,
// as home routers do; a refusal would end the other side's attempt at a hole.
func routerRules(r *Router) string {
	var rules strings.Builder
	rule := func(is bool, text string) {
		if is {
			rules.WriteString("\t\t" + text + "\n")
		}
	}
	chain := func(name, hook string, body func()) {
		fmt.Fprintf(&rules, "\tchain %s {\n\t\ttype %s;\n", name, hook)
		body()
		rules.WriteString("\t}\n")
	}
	rules.WriteString("table inet lf {\n")
	if r.NAT == FullCone {
		rules.WriteString("\tmap cone {\n\t\ttype inet_service : ipv4_addr\n\t\tflags dynamic,timeout\n\t\ttimeout 5m\n\t\tsize 4096\n\t}\n")
	}
	if r.Maps { // what the program for it writes to
		rules.WriteString("\tchain miniupnpd {\n\t}\n\tchain prerouting_miniupnpd {\n\t}\n\tchain postrouting_miniupnpd {\n\t}\n")
	}
	chain("inward", "nat hook prerouting priority dstnat", func() {
		rule(r.Maps, "jump prerouting_miniupnpd")
		rule(r.NAT == FullCone, `iifname "eth0" meta l4proto udp dnat ip to udp dport map @cone`)
	})
	chain("outward", "nat hook postrouting priority srcnat", func() {
		rule(r.Maps, "jump postrouting_miniupnpd")
		rule(r.NAT == FullCone || r.NAT == EndpointIndependent, `oifname "eth0" masquerade`)
		rule(r.NAT == EndpointDependent, `oifname "eth0" masquerade fully-random`)
	})
	chain("passing", "filter hook forward priority filter", func() {
		rule(r.Maps, "jump miniupnpd")
		rule(r.doesBlock(BlockUDP), `meta l4proto udp drop`)
		rule(r.doesBlock(BlockInbound), `iifname "eth0" tcp flags & (syn | ack) == syn drop`)
		rule(r.NAT == FullCone, `oifname "eth0" meta l4proto udp update @cone { udp sport : ip saddr }`)
		rule(true, `iifname "eth0" ct state new ct status & dnat == 0 drop`)
	})
	chain("knocking", "filter hook input priority filter", func() {
		rule(true, `iifname "eth0" ct state new,invalid drop`)
	})
	rules.WriteString("}\n")
	return rules.String()
}
