package testbed

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Namespaces gives each node a network namespace of its own. A bridge in another namespace joins
// them. The bridge drops the packets of a link that is cut both ways. A link that is cut one way is
// closed by the firewall of the node that must not be reached. Connections hang, as they do when a
// cable is pulled, and neither end is told.
//
// The namespaces have no names: they end with the last process in them. So nothing is left over,
// however the testbed ends.
type Namespaces struct {
	mu     sync.Mutex
	bridge *namespace
	nodes  map[string]*namespace
	closed map[string]string // the one-way cuts in force, by the node that is not reached
}

// namespace is a network namespace, held by an open file.
type namespace struct {
	file    *os.File
	address string // of its end of the link to the bridge
}

// listenPort is where every node listens, each at an address of its own.
const listenPort = 9908

// NewNamespaces returns a fabric of network namespaces, or says what is missing for it.
func NewNamespaces() (*Namespaces, error) {
	if err := canHaveNamespaces(); err != nil {
		return nil, err
	}
	return &Namespaces{nodes: map[string]*namespace{}, closed: map[string]string{}}, nil
}

// canHaveNamespaces says what is missing for network namespaces, nil for nothing.
func canHaveNamespaces() error {
	if os.Geteuid() != 0 {
		return errors.New("--netns makes network namespaces, which takes root")
	}
	for tool, source := range map[string]string{"ip": "iproute2", "nft": "nftables", "nsenter": "util-linux"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("--netns needs the program %s: install %s", tool, source)
		}
	}
	return nil
}

// Prepare makes the bridge, and a namespace for each node with a link to it.
func (f *Namespaces) Prepare(ctx context.Context, s *Scenario) ([]Place, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	if f.bridge, err = newNamespace(); err != nil {
		return nil, err
	}
	links := []string{"link add br0 type bridge", "link set br0 up"}
	var places []Place
	for i, n := range s.Nodes {
		ns, err := newNamespace()
		if err != nil {
			return nil, err
		}
		f.nodes[n.Name] = ns
		ns.address = fmt.Sprintf("10.66.%d.%d", (i+1)/250, (i+1)%250+1)
		links = append(links, fmt.Sprintf("link add v%d type veth peer name eth0 netns %s", i, ns.path()),
			fmt.Sprintf("link set v%d master br0 up", i))
		places = append(places, ns.place(n))
	}
	if err := f.bridge.batch(ctx, links); err != nil {
		return nil, err
	}
	if err := f.bridge.run(ctx, bridgeRules(nil), "nft", "-f", "-"); err != nil {
		return nil, err
	}
	for _, n := range s.Nodes {
		ns := f.nodes[n.Name]
		err := ns.batch(ctx, []string{"link set lo up", "addr add " + ns.address + "/16 dev eth0", "link set eth0 up"})
		// also where nothing is closed: from now on the kernel tracks who opened which connection
		if err == nil {
			err = ns.run(ctx, nodeRules(nil), "nft", "-f", "-")
		}
		if err != nil {
			return nil, err
		}
	}
	return places, nil
}

func (ns *namespace) place(n *Node) Place {
	p := Place{
		APIListen: "127.0.0.1:0", Profile: "default", Anywhere: true,
		Command: ns.command(), Dial: ns.dial,
	}
	if n.Via == "" {
		p.Listen = []string{fmt.Sprintf("/ip4/%s/tcp/%d", ns.address, listenPort)}
		p.At = p.Listen
	}
	return p
}

// Cut drops the packets of the links that are cut, all at once where they are cut both ways.
func (f *Namespaces) Cut(ctx context.Context, cuts []Cut, _ []LinkedNode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var both [][2]string
	oneWay := map[string][]string{}
	for _, c := range cuts {
		from, to := f.nodes[c.From], f.nodes[c.To]
		if from == nil || to == nil {
			return fmt.Errorf("cut the link from %s to %s: there is no such node", c.From, c.To)
		}
		if slices.Contains(cuts, Cut{c.To, c.From}) {
			both = append(both, [2]string{from.address, to.address})
		} else {
			oneWay[c.To] = append(oneWay[c.To], from.address)
		}
	}
	if err := f.bridge.run(ctx, bridgeRules(both), "nft", "-f", "-"); err != nil {
		return err
	}
	for name, ns := range f.nodes {
		slices.Sort(oneWay[name])
		rules := nodeRules(oneWay[name])
		if rules == cmp.Or(f.closed[name], nodeRules(nil)) {
			continue
		}
		if err := ns.run(ctx, rules, "nft", "-f", "-"); err != nil {
			return err
		}
		f.closed[name] = rules
	}
	return nil
}

// bridgeRules drop what passes between pairs of addresses; they replace those before as a whole.
func bridgeRules(pairs [][2]string) string {
	var elements []string
	for _, p := range pairs {
		elements = append(elements, p[0]+" . "+p[1])
	}
	return "table bridge lf\ndelete table bridge lf\ntable bridge lf {\n" + addressSet("cut", "ipv4_addr . ipv4_addr", elements) + `
	chain forward {
		type filter hook forward priority 0;
		ip saddr . ip daddr @cut drop
	}
}
`
}

// nodeRules let no connection pass that these addresses have opened.
func nodeRules(closed []string) string {
	return "table ip lf\ndelete table ip lf\ntable ip lf {\n" + addressSet("closed", "ipv4_addr", closed) + `
	chain in {
		type filter hook input priority 0;
		ip saddr @closed ct direction original drop
	}
	chain out {
		type filter hook output priority 0;
		ip daddr @closed ct direction reply drop
	}
}
`
}

func addressSet(name, kind string, elements []string) string {
	set := "\tset " + name + " {\n\t\ttype " + kind + "\n"
	if len(elements) > 0 {
		set += "\t\telements = { " + strings.Join(elements, ", ") + " }\n"
	}
	return set + "\t}"
}

// Move is for a fabric with routers.
func (*Namespaces) Move(context.Context, string, string) error { return errNoRouters }

// Close lets the namespaces go; the kernel takes them away when the last process in them has ended.
func (f *Namespaces) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, ns := range f.nodes {
		errs = append(errs, ns.file.Close())
	}
	if f.bridge != nil {
		errs = append(errs, f.bridge.file.Close())
	}
	f.bridge, f.nodes = nil, map[string]*namespace{}
	return errors.Join(errs...)
}

// newNamespace makes a namespace and comes back.
func newNamespace() (ns *namespace, err error) {
	err = onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		file, err := os.Open("/proc/thread-self/ns/net")
		ns = &namespace{file: file}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("network namespaces do not work here: %w", err)
	}
	return ns, nil
}

// onOwnThread calls do, which may leave its thread in another namespace, and brings the thread
// back.
func onOwnThread(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return // and the thread ends, as it is locked
		}
		defer home.Close()
		err = do()
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			done <- errors.Join(err, back)
			return // and the thread ends in the wrong place, where it does no harm
		}
		runtime.UnlockOSThread()
		done <- err
	}()
	return <-done
}

// dial opens a connection from within the namespace. A socket stays in the namespace where it was
// made.
func (ns *namespace) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = onOwnThread(func() error {
		if err := unix.Setns(int(ns.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the node's network namespace: %w", err)
		}
		// an IP address: no other thread looks up a name
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// path is where other processes find the namespace.
func (ns *namespace) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), ns.file.Fd()) }

// command is what a command line begins with to run in the namespace.
func (ns *namespace) command() []string { return []string{"nsenter", "--net=" + ns.path(), "--"} }

// run runs a program in the namespace.
func (ns *namespace) run(ctx context.Context, stdin string, args ...string) error {
	line := append(ns.command(), args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func (ns *namespace) batch(ctx context.Context, lines []string) error {
	return ns.run(ctx, strings.Join(lines, "\n")+"\n", "ip", "-batch", "-")
}
