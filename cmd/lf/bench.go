package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/pow"
)

// recordOverhead is what every record is billed on top of its bytes.
const recordOverhead = 128

// bench measures proofs of work on this computer.
type bench struct {
	*cli
	threads    int
	workPerKiB uint32
	duration   time.Duration
	sizes      []uint64
}

func (c *cli) benchCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure this computer", Args: subcommandOnly, RunE: help}
	cmd.AddCommand(c.benchPowCommand())
	return cmd
}

func (c *cli) benchPowCommand() *cobra.Command {
	b := &bench{cli: c}
	cmd := &cobra.Command{
		Use:   "pow [BYTES]...",
		Short: "Measure what a record's proof of work costs on this computer",
		Long: `Measure how many solutions this computer finds in a second, and say how long the proof of work of records of the
given sizes takes: on average, in half of all cases, and in 19 of 20. A size is that of the value and of the record without
signature and work. The search has no memory, so its time varies as much as the waiting time for a rare event.

The command also lists the ways to compute that the processor has, with the processor time of one attempt in each. LF takes
the fastest one whose known answers are right.`,
		Example: `  lf bench pow
  lf bench pow 300 4096 --threads 1
  lf bench pow --work-per-kib 64 --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := b.parse(args); err != nil {
				return err
			}
			return b.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.IntVar(&b.threads, "threads", 0, "threads to measure with (default: all processors)")
	f.Uint32Var(&b.workPerKiB, "work-per-kib", 1024, "effort that the network asks for each KiB")
	f.DurationVar(&b.duration, "time", 3*time.Second, "how long to measure")
	return cmd
}

func (b *bench) parse(args []string) error {
	switch {
	case b.threads < 0:
		return usage("--threads must be at least 1, not %d", b.threads)
	case b.duration <= 0:
		return usage("--time must be positive, not %s", b.duration)
	case b.threads == 0:
		b.threads = runtime.GOMAXPROCS(0)
	}
	if len(args) == 0 {
		b.sizes = []uint64{256, 384, 512, 1024, 4096}
	}
	for _, arg := range args {
		size, err := strconv.ParseUint(arg, 10, 17) // the largest record is smaller
		if err != nil {
			return usage("%q is not a number of bytes up to 131071", arg)
		}
		b.sizes = append(b.sizes, size)
	}
	return nil
}

// powMeasurement is the result; times are in seconds.
type powMeasurement struct {
	Threads            int          `json:"threads"`
	AttemptsPerSecond  float64      `json:"attemptsPerSecond"`
	SolutionsPerSecond float64      `json:"solutionsPerSecond"`
	WorkPerKiB         uint32       `json:"workPerKiB"`
	Paths              []powPath    `json:"paths"`
	Records            []recordCost `json:"records"`
}

// pathAttempts is how many attempts each path makes; the best one counts.
const pathAttempts = 5

// powPath is a way to compute. Its time is 0 where it was not measured.
type powPath struct {
	Name           string  `json:"name"`
	AttemptSeconds float64 `json:"attemptSeconds,omitempty"`
	Wrong          bool    `json:"wrong,omitempty"`
	Chosen         bool    `json:"chosen,omitempty"`
}

type recordCost struct {
	Bytes    uint64  `json:"bytes"`
	Effort   uint32  `json:"effort"`
	Expected float64 `json:"expected"`
	Median   float64 `json:"median"`
	Percent  float64 `json:"percent95"`
}

func (b *bench) run(ctx context.Context) error {
	pow.Paths() // they are proved before the time that is measured
	p, err := b.search(ctx)
	if err != nil {
		return err
	}
	if p.Solutions == 0 {
		return fmt.Errorf("no solution in %s: measure longer, with --time", b.duration)
	}
	m := powMeasurement{
		Threads:            b.threads,
		AttemptsPerSecond:  float64(p.Attempts) / p.Elapsed.Seconds(),
		SolutionsPerSecond: float64(p.Solutions) / p.Elapsed.Seconds(),
		WorkPerKiB:         b.workPerKiB,
	}
	for _, p := range pow.Paths() {
		one := powPath{Name: p.Name, Wrong: p.Wrong, Chosen: p.Chosen}
		if !p.Wrong {
			one.AttemptSeconds = p.Measure(pathAttempts).Seconds()
		}
		m.Paths = append(m.Paths, one)
	}
	for _, size := range b.sizes {
		m.Records = append(m.Records, costOf(size, b.workPerKiB, m.SolutionsPerSecond))
	}
	if b.json {
		return b.printJSON(m)
	}
	return b.print(m.table())
}

// search solves a puzzle that has practically no solution until the time is up.
func (b *bench) search(ctx context.Context) (last pow.Progress, err error) {
	limited, cancel := context.WithTimeout(ctx, b.duration)
	defer cancel()
	_, err = pow.Solve(limited, []byte("lf bench pow"), math.MaxUint32, b.threads, func(p pow.Progress) { last = p })
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil
	}
	if err != nil {
		return last, fmt.Errorf("measure: %w", err)
	}
	return last, nil
}

// costOf is what a record costs. The time of a search is distributed exponentially.
func costOf(size uint64, workPerKiB uint32, rate float64) recordCost {
	effort := min(((size+recordOverhead)*uint64(workPerKiB)+1023)/1024, math.MaxUint32)
	expected := float64(effort) / rate
	return recordCost{size, uint32(effort), expected, expected * math.Ln2, expected * math.Log(20)}
}

func (m *powMeasurement) table() string {
	var t strings.Builder
	fmt.Fprintf(&t, "%.1f attempts and %.1f solutions a second on %d threads\n\n", m.AttemptsPerSecond, m.SolutionsPerSecond, m.Threads)
	fmt.Fprintf(&t, "%8s %10s %12s %12s %12s\n", "bytes", "effort", "on average", "half within", "95 % within")
	for _, r := range m.Records {
		fmt.Fprintf(&t, "%8d %10d %12s %12s %12s\n", r.Bytes, r.Effort, seconds(r.Expected), seconds(r.Median), seconds(r.Percent))
	}
	fmt.Fprintf(&t, "\n%-12s %12s\n", "path", "attempt")
	for _, p := range m.Paths {
		fmt.Fprintf(&t, "%-12s %12s%s\n", p.Name, p.time(), p.note())
	}
	return t.String()
}

func (p *powPath) time() string {
	if p.AttemptSeconds == 0 {
		return "-"
	}
	return strconv.FormatFloat(1000*p.AttemptSeconds, 'f', 2, 64) + " ms"
}

func (p *powPath) note() string {
	switch {
	case p.Wrong:
		return "  wrong on this processor, never used"
	case p.Chosen:
		return "  used"
	}
	return ""
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 2, 64) + " s" }
