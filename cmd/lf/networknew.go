package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// parameter is one property of a new network: a flag, and a question on a terminal.
type parameter struct {
	flag, help, question string
	read                 func(string) error
	now                  func() string
}

// String, Set and Type make a parameter a flag.
func (p *parameter) String() string {
	if p.now == nil {
		return ""
	}
	return p.now()
}
func (p *parameter) Set(s string) error { return p.read(s) }
func (p *parameter) Type() string       { return "value" }

func parameters(p *protocol.Params) []*parameter {
	text := func(flag, help, question string, to *string) *parameter {
		return &parameter{flag, help, question, func(s string) error { *to = s; return nil }, func() string { return *to }}
	}
	number := func(flag, help, question string, to *uint32) *parameter {
		return &parameter{flag, help, question, func(s string) error { return readNumber(s, to) },
			func() string { return strconv.FormatUint(uint64(*to), 10) }}
	}
	return []*parameter{
		text("name", "the network's name", "Name of the network", &p.Name),
		text("contact", "whom to ask about it: an address, a URL", "Contact, for people (an address, a URL; may be empty)", &p.Contact),
		text("comment", "what it is for", "Comment, for people (may be empty)", &p.Comment),
		number("work-per-kib", "proof of work for each KiB of a record; 0: none, for networks that strangers cannot reach",
			"Proof of work for each KiB of a record (0: none, for networks that strangers cannot reach)", &p.WorkPerKiB),
		number("max-value", "largest value, in bytes when sealed", "Largest value, in bytes when sealed", &p.MaxValue),
		number("min-links", "how many older records a record links to, at least", "How many older records a record links to, at least", &p.MinLinks),
		number("names-memory", "memory to hide a name with (Argon2id), in KiB", "Memory to hide a name with, in KiB (more makes guessing names dearer)", &p.NameHardening.MemoryKiB),
		number("names-passes", "passes to hide a name with (Argon2id)", "Passes to hide a name with", &p.NameHardening.Passes),
		{"clock-drift", "how far ahead of the clock a record may be", "How far ahead of the clock a record may be",
			func(s string) error { return readDrift(s, &p.ClockDrift) },
			func() string { return (time.Duration(p.ClockDrift) * time.Millisecond).String() }},
	}
}

func readNumber(s string, to *uint32) error {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return fmt.Errorf("%q is not a number from 0 to 2^32-1", s)
	}
	*to = uint32(n)
	return nil
}

func readDrift(s string, to *uint64) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a duration such as 30s or 2m", s)
	}
	*to = uint64(d.Milliseconds()) // not negative
	return nil
}

func (c *cli) networkNewCommand() *cobra.Command {
	p := protocol.DefaultParams()
	all := parameters(&p)
	var m newNetworkFlags
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a network and write its file",
		Long: `Make a network and write its file, which others need to join. On a terminal and without --name, lf asks for the parameters.
They are fixed forever: for other ones, make another network.

--private draws a secret for the network and writes it into the file. Nodes without it cannot connect, nor see that there is anything
to connect to. It is for networks of one's own machines. Their nodes talk over TCP and WebSocket only, and nobody finds them
through the public network. To replace a secret that got around, put another one into the file and start every node with it.

--ca also makes a CA for the network. The holder of its file can certify owners (lf owner authorize). Certified owners write with
less work (--work-per-kib-certified), and their claims go first (policy criterion "certified"). With --auth-required nobody else can
write at all. The CA's file has its secret key. It is readable by you alone: keep it in a safe place, apart from the network file that
you hand around.`,
		Example: `  lf network new                                        # asks
  lf network new -o team.lfnet --name team --seed /dns4/lf.example.org/tcp/9908/p2p/12D3KooW...
  lf network new -o test.lfnet --name test --work-per-kib 0
  lf network new -o home.lfnet --name home --private --work-per-kib 0
  lf network new --name team --ca --auth-required        # and team.ca.pem
  lf network new --name team2 --authority team-ca.crt    # of the same CA (lf network show --certificates)`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("name") {
				if _, ok := terminal(c.stdin); !ok {
					return usage("a network needs a --name (see %s --help)", cmd.CommandPath())
				}
				if err := c.askParameters(cmd.Context(), &p, all); err != nil {
					return err
				}
			}
			if err := m.check(cmd.Flags().Changed, &p); err != nil {
				return err
			}
			return c.newNetwork(&p, &m)
		},
	}
	for _, parameter := range all {
		cmd.Flags().Var(parameter, parameter.flag, parameter.help)
	}
	cmd.Flags().StringArrayVar(&m.seeds, "seed", nil, "where to find a peer: a multiaddr with peer ID (repeatable)")
	cmd.Flags().StringVarP(&m.out, "output", "o", "", "write to this new file (default: NAME.lfnet; - for standard output)")
	m.addFlags(cmd, &p)
	return cmd
}

func (c *cli) newNetwork(p *protocol.Params, m *newNetworkFlags) error {
	if err := checkSeeds(m.seeds); err != nil {
		return err
	}
	ca, err := m.newCA(p)
	if err != nil {
		return err
	}
	f, err := lf.NewNetwork(*p, m.seeds, m.private)
	if err != nil {
		return err
	}
	if err := c.noteAuthorities(p, time.Now()); err != nil {
		return err
	}
	if ca == nil {
		return c.writeNetwork(&f, m)
	}
	// The CA first: a network that is there without it would be one that nobody can ever certify
	// for.
	file := m.caFile(p.Name)
	if err := createFile(file, ca, 0o600); err != nil {
		return err
	}
	if err := c.writeNetwork(&f, m); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	c.note("wrote the CA's secret key and certificate to %s: keep it safe, its holder can certify owners", file)
	return nil
}

func (c *cli) writeNetwork(f *protocol.NetworkFile, m *newNetworkFlags) error {
	mode := os.FileMode(0o644)
	if m.private {
		mode = 0o600
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the network: %w", err)
	}
	text = append(text, '\n')
	if m.out == "-" {
		return c.print(string(text))
	}
	if err := createFile(m.file(f.Params.Name), text, mode); err != nil {
		return err
	}
	c.note("wrote network %q (%s) to %s", f.Params.Name, f.ID, m.file(f.Params.Name))
	if m.private {
		c.note("the network's secret is in that file: nodes with it can read and write, others get no answer")
	}
	if c.json {
		return c.printJSON(f)
	}
	return nil
}

var notInFileNames = regexp.MustCompile(`[^\pL\pN._-]+`)

// fileNameOf makes a file name from a network's name.
func fileNameOf(name, suffix string) string {
	return strings.TrimLeft(notInFileNames.ReplaceAllString(name, "-"), ".-") + suffix
}

// askParameters asks for each parameter; an empty answer takes what is offered.
func (c *cli) askParameters(ctx context.Context, p *protocol.Params, all []*parameter) error {
	lines := bufio.NewReader(c.stdin)
	for _, parameter := range all {
		for {
			fmt.Fprintf(c.stderr, "%s: ", parameter.prompt())
			line, err := readLine(ctx, lines)
			if err != nil {
				fmt.Fprintln(c.stderr)
				return err
			}
			if err = parameter.answer(strings.TrimSpace(line), p); err == nil {
				break
			}
			fmt.Fprintln(c.stderr, "  "+text.Line(err.Error()))
		}
	}
	return nil
}

func (p *parameter) prompt() string {
	if offered := p.now(); offered != "" {
		return fmt.Sprintf("%s [%s]", p.question, text.Printable(offered))
	}
	return p.question
}

// readLine reads a line from a terminal until the context ends. A read that waits for a key cannot
// be ended: it goes on until the process ends.
func readLine(ctx context.Context, lines *bufio.Reader) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := lines.ReadString('\n')
		got <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case a := <-got:
		if errors.Is(a.err, io.EOF) {
			return "", errors.New("no answer: no network was made")
		}
		return a.text, a.err
	}
}

func (p *parameter) answer(s string, all *protocol.Params) error {
	before := *all
	if s != "" {
		if err := p.read(s); err != nil {
			return err
		}
	}
	err := all.Check()
	if err != nil {
		*all = before
	}
	return err
}
