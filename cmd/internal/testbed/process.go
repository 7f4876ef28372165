package testbed

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

const (
	// startTime is how long a node may take until it answers, on a machine that is busy with
	// others.
	startTime = 60 * time.Second
	// stopTime is how long it may take to end in good order.
	stopTime = 20 * time.Second
	// pollInterval is the pause between two looks at a node that starts.
	pollInterval = 20 * time.Millisecond
)

// process is a node as a process of its own, with a home of its own: the real program.
type process struct {
	factory *processes
	node    *Node
	place   Place
	home    *home.Home
	id      string
	log     string // the file of its log

	mu     sync.Mutex
	cmd    *exec.Cmd
	done   chan struct{}
	client *api.Client
}

// processes makes them.
type processes struct {
	bin     string // lf
	self    string // lf-testbed, for the nodes that are not honest
	dir     string // under which the homes are
	logs    string // under which the logs are
	network string // the network's file
	starter *childStarter
	all     map[string]*process
}

func newProcesses(bin, self, dir, logs string, file protocol.NetworkFile) (*processes, error) {
	text, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("encode the network: %w", err)
	}
	for _, made := range []string{dir, logs} {
		if err := os.MkdirAll(made, 0o700); err != nil {
			return nil, fmt.Errorf("a place for the nodes: %w", err)
		}
	}
	network := filepath.Join(dir, "testbed.lfnet")
	if err := os.WriteFile(network, text, 0o600); err != nil {
		return nil, fmt.Errorf("the network's file: %w", err)
	}
	return &processes{bin: bin, self: self, dir: dir, logs: logs, network: network, starter: newChildStarter(), all: map[string]*process{}}, nil
}

// machines gives every node a home with an identity, so that all addresses are known before the
// first node starts.
func (h *processes) machines(nodes []*Node, places []Place) (map[string]machine, error) {
	all := map[string]machine{}
	for i, n := range nodes {
		p := &process{factory: h, node: n, place: places[i], log: filepath.Join(h.logs, n.Name+".log")}
		if err := p.openHome(); err != nil {
			return nil, fmt.Errorf("a home for %s: %w", n.Name, err)
		}
		h.all[n.Name], all[n.Name] = p, p
	}
	return all, nil
}

// close ends what still runs.
func (h *processes) close() error {
	var ending sync.WaitGroup
	for _, p := range h.all {
		ending.Go(func() { _ = p.stop() }) // in the end by killing, which does not fail
	}
	ending.Wait()
	h.starter.close()
	return nil
}

// openHome opens the node's home, and makes what it lacks.
func (p *process) openHome() (err error) {
	if p.home, err = home.Open(filepath.Join(p.factory.dir, p.node.Name)); err != nil {
		return err
	}
	key, err := p.home.Identity()
	if err != nil {
		return err
	}
	p.id = protocol.OwnerOf(key).String()
	_, err = p.home.Token()
	return err
}

func (p *process) peer() string { return p.id }

// addresses are where others find the node.
func (p *process) addresses() (all []string) {
	at := p.place.At
	if p.node.Via != "" {
		for _, relay := range p.factory.all[p.node.Via].addresses() {
			at = append(at, relay+"/p2p-circuit")
		}
	}
	for _, a := range at {
		all = append(all, a+"/p2p/"+p.id)
	}
	return all
}

// arguments are those of the program.
func (p *process) arguments(testbed string) []string {
	args := []string{"node", "--profile", p.place.Profile, "--api-listen", p.place.APIListen, "--testbed", testbed}
	switch {
	case p.node.PublicDHT:
		args = []string{"public-dht"}
	case p.node.Hostile != "":
		args = []string{"hostile", p.node.Hostile}
	}
	args = append(args, "--home", p.home.Dir(), "--network", p.factory.network)
	args = append(args, each("--listen", p.place.Listen)...)
	args = append(args, each("--seed", p.factory.addressesOf(p.node.Seeds))...)
	args = append(args, each("--rendezvous", p.factory.addressesOf(p.node.Rendezvous))...)
	return append(args, p.node.Flags...)
}

// each gives a flag once for every value.
func each(flag string, values []string) (args []string) {
	for _, v := range values {
		args = append(args, flag, v)
	}
	return args
}

// addressesOf are where some nodes are found.
func (h *processes) addressesOf(names []string) (all []string) {
	for _, name := range names {
		all = append(all, h.all[name].addresses()...)
	}
	return all
}

// writeOptions writes the file for the node's flag --testbed.
func (p *process) writeOptions(clock time.Duration) (file string, err error) {
	options := map[string]any{"relayService": p.node.Relay, "anywhere": p.place.Anywhere}
	if clock != 0 {
		options["clockOffset"] = clock.String()
	}
	if p.node.Via != "" {
		options["relayOnly"] = p.factory.all[p.node.Via].addresses()
	}
	text, err := json.Marshal(options)
	if err != nil {
		return "", fmt.Errorf("encode the testbed's options: %w", err)
	}
	file = filepath.Join(p.home.Dir(), "testbed.json")
	return file, os.WriteFile(file, text, 0o600)
}

func (p *process) start(ctx context.Context, clock time.Duration) (NodeAPI, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := os.Remove(filepath.Join(p.home.Dir(), "api")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the address that was: %w", err) // of a node that was killed
	}
	testbed, err := p.writeOptions(clock)
	if err != nil {
		return nil, err
	}
	begun, err := p.launch(p.arguments(testbed))
	if err != nil {
		return nil, err
	}
	if !p.node.Honest() { // no API
		return nil, p.awaitOutput(ctx, begun)
	}
	client, err := p.awaitAPI(ctx)
	if err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return client, nil
}

// launch starts the process. begun is closed when it has written a line.
func (p *process) launch(args []string) (begun <-chan struct{}, err error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("its log: %w", err)
	}
	bin, name := p.factory.bin, "lf"
	if !p.node.Honest() {
		bin, name = p.factory.self, "lf-testbed"
	}
	argv := append(slices.Clone(p.place.Command), bin)
	cmd := exec.Command(argv[0], append(argv[1:], args...)...)
	if len(p.place.Command) == 0 {
		cmd.Args[0] = name
	}
	cmd.Env = environment()
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("its output: %w", err), log.Close())
	}
	fmt.Fprintf(log, "--- %s %s\n", name, strings.Join(args, " "))
	if err := p.factory.starter.start(cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", p.node.Name, err), log.Close())
	}
	first, done := make(chan struct{}), make(chan struct{})
	p.mu.Lock()
	p.cmd, p.done = cmd, done
	p.mu.Unlock()
	go func() {
		copyLines(log, out, first)
		err := cmd.Wait()
		fmt.Fprintf(log, "--- ended (%v)\n", err)
		_ = log.Close()
		close(done)
	}()
	return first, nil
}

// copyLines copies what a process writes, and closes first after the first line.
func copyLines(to io.Writer, from io.Reader, first chan<- struct{}) {
	lines := bufio.NewReader(from)
	for begun := false; ; {
		line, err := lines.ReadSlice('\n')
		_, _ = to.Write(line) // a log that is not written is no reason to stop
		if !begun && len(line) > 0 {
			begun = true
			close(first)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// environment is the testbed's own, without variables that could override the flags of a node or
// client.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LF_") })
}

// awaitOutput waits for a hostile node to begin.
func (p *process) awaitOutput(ctx context.Context, begun <-chan struct{}) error {
	select {
	case <-begun:
		return nil
	case <-p.ended():
		return p.diedAtStart()
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%s does not begin: %w", p.node.Name, context.Cause(ctx)), p.kill())
	}
}

// awaitAPI waits until the node's API answers.
func (p *process) awaitAPI(ctx context.Context) (*api.Client, error) {
	token, err := p.home.ReadToken()
	if err != nil {
		return nil, err
	}
	for {
		if url, err := p.home.API(); err == nil {
			client := p.place.client(url, token)
			if _, err := client.Status(ctx); err == nil {
				p.mu.Lock()
				p.client = client
				p.mu.Unlock()
				return client, nil
			}
			_ = client.Close() // nothing is lost
		}
		select {
		case <-p.ended():
			return nil, p.diedAtStart()
		case <-ctx.Done():
			return nil, fmt.Errorf("%s does not answer: %w; it said last:\n%s", p.node.Name, context.Cause(ctx), p.tail())
		case <-time.After(pollInterval):
		}
	}
}

func (p *process) diedAtStart() error {
	return fmt.Errorf("%s ended while it was starting; it said last:\n%s", p.node.Name, p.tail())
}

func (p *process) ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		p.done = make(chan struct{})
		close(p.done)
	}
	return p.done
}

func (p *process) stop() error {
	if p.signal(os.Interrupt) {
		select {
		case <-p.ended():
		case <-time.After(stopTime):
			return errors.Join(fmt.Errorf("%s did not end within %s after it was asked to, and was killed", p.node.Name, stopTime), p.kill())
		}
	}
	p.closeClient()
	return nil
}

func (p *process) kill() error {
	if p.signal(os.Kill) {
		<-p.ended()
	}
	p.closeClient()
	return nil
}

// signal reports whether there was a process to send it to.
func (p *process) signal(s os.Signal) bool {
	done := p.ended()
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-done:
		return false
	default:
		return p.cmd.Process.Signal(s) == nil
	}
}

func (p *process) closeClient() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		_ = p.client.Close() // idle connections
		p.client = nil
	}
}

// keptByWipe is what a home keeps when its node is wiped: the node's identity.
var keptByWipe = []string{"identity", "api.token"}

func (p *process) wipe() error {
	entries, err := os.ReadDir(p.home.Dir())
	if err != nil {
		return fmt.Errorf("wipe %s: %w", p.node.Name, err)
	}
	for _, e := range entries {
		if slices.ContainsFunc(keptByWipe, func(name string) bool { return strings.HasPrefix(e.Name(), name) }) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(p.home.Dir(), e.Name())); err != nil {
			return fmt.Errorf("wipe %s: %w", p.node.Name, err)
		}
	}
	return nil
}

// memory is the process's resident memory, which only Linux tells.
func (p *process) memory() (bytes uint64, known bool) {
	p.mu.Lock()
	cmd := p.cmd
	p.mu.Unlock()
	if cmd == nil {
		return 0, false
	}
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "status"))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}

// tailLines is how much of a log an error shows.
const tailLines = 8

func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(shownLines(string(text))), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// shownLines keeps what a log says from steering the terminal.
func shownLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = shown(lines[i])
	}
	return strings.Join(lines, "\n")
}
