package testbed

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lf-store/lf/protocol"
)

// Options say how to run a scenario.
type Options struct {
	Bin      string // lf: the program to run as the nodes
	Self     string // lf-testbed: the program to run as hostile nodes and peers of the public DHT
	Fabric   Fabric // what links them; Run closes it
	Dir      string // the report's directory; it is made
	Keep     bool   // keep the nodes' homes and logs, in the report's directory
	Seed     uint64 // of all that is chosen at random; 0: another one each time
	Observer Observer
}

// Observer follows a run. It is called from one goroutine at a time and must not block.
type Observer interface {
	// Begun tells that the nodes' places are ready.
	Begun(s *Scenario, r *Report)
	// Step tells that a step begins or, with its outcome, has ended.
	Step(i int, step *StepReport)
	// Tick shows how the nodes are, several times a second.
	Tick(at time.Duration, nodes []NodeView)
	// Ended tells that all is over.
	Ended(r *Report)
}

// NodeView is a node as an observer sees it.
type NodeView struct {
	Name     string
	Up       bool
	Hostile  bool
	Group    int // among those that can reach each other, from 0; -1 while down
	Attached uint64
	Most     uint64 // records that any node has
	Peers    int
	State    string
	In, Out  uint64
}

const (
	// tick is how often every node is asked how it is.
	tick = 200 * time.Millisecond
	// askTime bounds one question.
	askTime = 10 * time.Second
)

// runner runs one scenario.
type runner struct {
	scenario *Scenario
	observer Observer
	network  *protocol.Network
	names    *protocol.NameCache
	seed     uint64
	fabric   Fabric
	machines machineFactory
	nodes    map[string]*node
	ledger   *recordLedger
	report   *Report
	start    time.Time
	facts    atomic.Int64 // names that are somebody's own
	services services

	fail     context.CancelCauseFunc
	jobs     jobs
	watchers sync.WaitGroup // goroutines that watch

	linking sync.Mutex // held while links are changed
	links   *topology

	mu              sync.Mutex // of the report, the observer, and what follows
	linksTextBefore string     // the last thing that the links were called
	marks           []map[string]nodeMark
	lastActionEnd   time.Duration // when the last step that did something had ended
	contestedNames  int           // names that several owners claim
}

// nodeMark is what a node had before a step.
type nodeMark struct {
	mark    mark
	traffic traffic
	wrote   int
}

// Run runs a scenario. An error says that it could not be run. The report, which exists once a step
// has begun, says whether the run came out as expected, and why not.
func Run(ctx context.Context, s *Scenario, o Options) (report *Report, err error) {
	r, err := newRunner(s, o)
	if err != nil {
		return nil, errors.Join(err, o.Fabric.Close())
	}
	homes, err := r.prepare(ctx, o)
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	r.run(ctx)
	err = r.close()
	r.report.Duration = r.now().Seconds()
	r.observer.Ended(r.report)
	return r.report, errors.Join(err, r.report.Write(o.Dir), r.tidy(o, homes))
}

func newRunner(s *Scenario, o Options) (*runner, error) {
	p := protocol.DefaultParams()
	p.Name, p.Comment, p.WorkPerKiB, p.WorkPerKiBCertified = "testbed", "made by lf testbed", s.Work, s.Work
	p.NameHardening.MemoryKiB, p.MaxValue = 64, maxValue+protocol.SealOverhead
	network, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("a network for the testbed: %w", err)
	}
	r := &runner{
		scenario: s, observer: o.Observer, network: network, names: protocol.NewNameCache(network, maxConflicts),
		seed: o.Seed, fabric: o.Fabric, nodes: map[string]*node{}, ledger: newRecordLedger(network), start: time.Now(),
	}
	if r.observer == nil {
		r.observer = noObserver{}
	}
	for r.seed == 0 {
		var b [4]byte
		_, _ = rand.Read(b[:]) // never fails
		r.seed = uint64(binary.BigEndian.Uint32(b[:]))
	}
	r.links = newTopology(s.names(), s.Links)
	r.report = r.newReport()
	return r, nil
}

// names are those of all nodes.
func (s *Scenario) names() []string {
	names := make([]string, len(s.Nodes))
	for i, n := range s.Nodes {
		names[i] = n.Name
	}
	return names
}

// newReport is the report before anything has happened.
func (r *runner) newReport() *Report {
	s := r.scenario
	report := &Report{
		Title: s.Title, About: s.About, File: s.File, Seed: r.seed, Started: r.start.UTC().Truncate(time.Millisecond), Lost: []string{}, Cuts: []CutReport{}, Course: []Point{},
	}
	if report.Title == "" {
		report.Title = strings.TrimSuffix(filepath.Base(s.File), filepath.Ext(s.File))
	}
	for _, n := range s.Nodes {
		report.Nodes = append(report.Nodes, &NodeReport{Name: n.Name, Role: n.role(), Hostile: !n.Honest(), Course: []Point{}, Runs: []Interval{}})
	}
	for _, step := range s.Steps {
		report.Steps = append(report.Steps, &StepReport{
			Name: step.Name, Word: wordOf(step.Do), Text: textOf(step.Do), Line: step.Line, Outcome: OutcomeSkipped,
		})
	}
	return report
}

// prepare makes the places and homes of all nodes.
func (r *runner) prepare(ctx context.Context, o Options) (homes string, err error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil { // a report is no secret
		return "", fmt.Errorf("a place for the report: %w", err)
	}
	if homes = filepath.Join(o.Dir, "nodes"); !o.Keep {
		if homes, err = os.MkdirTemp("", "lf-testbed-*"); err != nil {
			return "", fmt.Errorf("a place for the nodes: %w", err)
		}
	}
	places, err := r.fabric.Prepare(ctx, r.scenario)
	if err != nil {
		return homes, fmt.Errorf("prepare the links: %w", err)
	}
	all, err := newProcesses(o.Bin, o.Self, homes, filepath.Join(o.Dir, "logs"), r.network.File(nil))
	if err != nil {
		return homes, err
	}
	return homes, r.makeMachines(all, places)
}

// makeMachines gives every node its machine.
func (r *runner) makeMachines(h machineFactory, places []Place) error {
	r.machines = h
	machines, err := h.machines(r.scenario.Nodes, places)
	if err != nil {
		return err
	}
	for i, n := range r.scenario.Nodes {
		r.nodes[n.Name] = &node{spec: n, machine: machines[n.Name], clock: n.Clock}
		r.report.Nodes[i].Peer = machines[n.Name].peer()
	}
	return nil
}

// run executes the steps until one fails, and completes the report.
func (r *runner) run(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.scenario.Limit, fmt.Errorf("the scenario took longer than its limit of %s", r.scenario.Limit))
	defer cancel()
	ctx, r.fail = context.WithCancelCause(ctx)
	defer r.fail(nil)
	r.observer.Begun(r.scenario, r.report)
	r.watchers.Go(func() { r.watch(ctx) })
	err := r.runSteps(ctx)
	_ = r.jobs.wait() // they end with ctx, and a job that failed has ended it
	r.summarize(ctx, err)
}

// runSteps runs the steps. When one fails, those in the background end, too.
func (r *runner) runSteps(ctx context.Context) error {
	for i, step := range r.scenario.Steps {
		if err := r.runStep(ctx, i, step); err != nil {
			err = fmt.Errorf("%s:%d: %s: %w", r.scenario.File, step.Line, step.Name, cause(ctx, err))
			r.fail(err)
			return err
		}
	}
	if err := r.jobs.wait(); err != nil {
		return fmt.Errorf("%s: in the background: %w", r.scenario.File, cause(ctx, err))
	}
	return nil
}

// cause is the reason for the end of the context, if it has ended, else the error.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil {
		err = why
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

// runStep runs one step and reports it.
func (r *runner) runStep(ctx context.Context, i int, step *Step) error {
	r.markStep(ctx)
	report := r.report.Steps[i]
	r.update(func() {
		report.From, report.Outcome = r.now().Seconds(), OutcomeRunning
		r.observer.Step(i, report)
	})
	err := r.execute(ctx, i, step.Do)
	r.pollAll(ctx)
	r.update(func() {
		report.To, report.Outcome = r.now().Seconds(), OutcomePassed
		if err != nil {
			report.Outcome, report.Failure = OutcomeFailed, cause(ctx, err).Error()
		}
		r.noteCourse()
		r.nodeSteps(i)
		if settles(step.Do) {
			r.lastActionEnd = r.now()
		}
		r.observer.Step(i, report)
	})
	return err
}

// settles reports whether an action changes something, so that times count from its end.
func settles(a Action) bool {
	switch a := a.(type) {
	case Wait:
		return a.Background
	case Expect:
		return false
	}
	return true
}

// now is the time since the run began.
func (r *runner) now() time.Duration { return time.Since(r.start) }

// update calls change with the report locked: to change it, or to show it to the observer.
func (r *runner) update(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// random is the source of a step's choices.
func (r *runner) random(step int) *mathrand.Rand {
	return mathrand.New(mathrand.NewPCG(r.seed, uint64(step))) // repeatable, on purpose
}

// wrote notes an acknowledged record.
func (r *runner) wrote(step *StepReport, node, name string) {
	r.update(func() {
		step.Written++
		r.nodeReport(node).Wrote++
	})
}

func (r *runner) nodeReport(name string) *NodeReport {
	for _, n := range r.report.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// close ends all nodes, and then the fabric.
func (r *runner) close() error {
	var errs []error
	if r.machines != nil {
		errs = append(errs, r.machines.close())
	}
	r.watchers.Wait() // for those that wait for nodes to end
	return errors.Join(append(errs, r.fabric.Close())...)
}

// tidy removes what nobody needs after a run that passed.
func (r *runner) tidy(o Options, homes string) error {
	if o.Keep {
		return nil
	}
	err := os.RemoveAll(homes)
	if r.report.Passed {
		err = errors.Join(err, os.RemoveAll(filepath.Join(o.Dir, "logs")))
	}
	return err
}

// jobs are what goes on in the background.
type jobs struct {
	running sync.WaitGroup
	mu      sync.Mutex
	err     error
}

func (j *jobs) start(do func() error, failed func(error)) {
	j.running.Go(func() {
		err := do()
		if err == nil {
			return
		}
		j.mu.Lock()
		if j.err == nil {
			j.err = err
		}
		j.mu.Unlock()
		failed(err)
	})
}

func (j *jobs) wait() error {
	j.running.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// noObserver is an observer that does nothing.
type noObserver struct{}

func (noObserver) Begun(*Scenario, *Report)       {}
func (noObserver) Step(int, *StepReport)          {}
func (noObserver) Tick(time.Duration, []NodeView) {}
func (noObserver) Ended(*Report)                  {}
