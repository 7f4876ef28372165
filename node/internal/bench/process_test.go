package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/home"
)

// homeVariable makes the test binary a node on the home that it names, so that the node's memory is
// its own and not the benchmark's.
const homeVariable = "LF_BENCH_HOME"

// seedVariable names the peers that such a node dials, with spaces between.
const seedVariable = "LF_BENCH_SEED"

// profileVariable names a folder for a profile of the processor time of each such node.
const profileVariable = "LF_BENCH_PROFILES"

func TestMain(m *testing.M) {
	if dir := os.Getenv(putVariable); dir != "" {
		if err := putFrames(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv(homeVariable); dir != "" {
		run := serve
		if nodes := os.Getenv(proxyVariable); nodes != "" {
			run = func(dir string) error { return serveProxy(dir, nodes) }
		}
		if err := run(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	for _, sets := range []map[int]*dataset{datasets, hardened} {
		for _, d := range sets {
			os.RemoveAll(d.dir)
		}
	}
	os.RemoveAll(paidData.dir)
	os.Exit(code)
}

// serve runs a node until standard input ends. It says where its API is once that listens.
func serve(dir string) error {
	if err := profile(); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	h, err := home.Open(dir)
	if err != nil {
		return err
	}
	network, _, err := h.Network()
	if err != nil {
		return err
	}
	config := node.Config{Home: h, Network: network, Profile: node.ProfileLocal, APIListen: "127.0.0.1:0"}
	config.Seeds = strings.Fields(os.Getenv(seedVariable))
	n, err := node.Start(context.Background(), config)
	if err != nil {
		return err
	}
	fmt.Println(n.APIURL())
	_, err = io.Copy(io.Discard, os.Stdin)
	if closed := n.Close(); closed != nil {
		return closed
	}
	return err
}

// profile takes a profile of this process's processor time where [profileVariable] asks for one.
func profile() error {
	dir := os.Getenv(profileVariable)
	if dir == "" {
		return nil
	}
	file, err := os.Create(filepath.Join(dir, fmt.Sprintf("node-%d.prof", os.Getpid())))
	if err != nil {
		return err
	}
	return pprof.StartCPUProfile(file)
}

// process is a running node.
type process struct {
	address string
	pid     int
	begun   time.Time
	started time.Duration // from the start of the process until the API listened
	stop    func()
	kill    func() // without a warning, and waits for its end
}

func startNode(tb testing.TB, dir string) *process {
	tb.Helper()
	return startPeer(tb, dir)
}

// startPeer starts a node that dials others.
func startPeer(tb testing.TB, dir string, seeds ...string) *process {
	tb.Helper()
	return startProcess(tb, homeVariable+"="+dir, seedVariable+"="+strings.Join(seeds, " "))
}

// startProcess starts this test binary with variables that tell what it is to be.
func startProcess(tb testing.TB, variables ...string) *process {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variables...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		tb.Fatalf("the node did not come up: %v", err)
	}
	return &process{
		address: strings.TrimPrefix(strings.TrimSpace(line), "http://"),
		pid:     cmd.Process.Pid,
		begun:   begin,
		started: time.Since(begin),
		stop: func() {
			stdin.Close()
			if err := cmd.Wait(); err != nil {
				tb.Errorf("the node ended with %v", err)
			}
		},
		kill: func() {
			if err := cmd.Process.Kill(); err != nil {
				tb.Error(err)
			}
			_ = cmd.Wait()
			stdin.Close()
		},
	}
}

// resident returns the process's resident memory in bytes, or 0 where the system does not tell.
func (p *process) resident() float64 {
	m, err := usage.MemoryOf(p.pid)
	if err != nil {
		return 0
	}
	return float64(m.Resident)
}

// used is how many seconds of processor time the process has taken, 0 where the system does not
// tell.
func (p *process) used() float64 {
	u, err := usage.Of(p.pid)
	if err != nil {
		return 0
	}
	return u.Processor.Seconds()
}
