package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// newNetworkFlags are the flags of network new that are no parameters, or not asked for.
type newNetworkFlags struct {
	out   string
	seeds []string
	// private networks get a secret.
	private bool

	ca          bool
	caDays      int
	caOut       string
	authorities []string
}

func (m *newNetworkFlags) addFlags(cmd *cobra.Command, p *protocol.Params) {
	f := cmd.Flags()
	f.BoolVar(&m.private, "private", false, "make a network that only nodes with its file can reach")
	f.BoolVar(&m.ca, "ca", false, "make a CA for the network, which can certify owners")
	f.IntVar(&m.caDays, "ca-days", 3650, "how many days the CA can certify for")
	f.StringVar(&m.caOut, "ca-output", "", "write the CA, with its secret key, to this new file (default: NAME.ca.pem beside the network file)")
	f.StringArrayVar(&m.authorities, "authority", nil, "certificates, in PEM, of CAs that are there already (repeatable)")
	f.BoolVar(&p.AuthRequired, "auth-required", false, "only owners that a CA of the network certified may write")
	certified := &parameter{
		help: "the same for records of certified owners, at most as much",
		read: func(s string) error { return readNumber(s, &p.WorkPerKiBCertified) },
		now:  func() string { return fmt.Sprint(p.WorkPerKiBCertified) },
	}
	f.Var(certified, "work-per-kib-certified", certified.help)
	mustComplete(cmd.MarkFlagFilename("authority", "pem", "crt"))
}

// check finds flags that do not go together.
func (m *newNetworkFlags) check(given func(flag string) bool, p *protocol.Params) error {
	certifies := m.ca || len(m.authorities) > 0
	switch {
	case !m.ca && (given("ca-days") || given("ca-output")):
		return usage("--ca-days and --ca-output are about a CA that --ca makes")
	case m.ca && m.out != "-" && filepath.Clean(m.file(p.Name)) == filepath.Clean(m.caFile(p.Name)):
		return usage("--output and --ca-output both name %s: the network and the CA need a file each", m.caFile(p.Name))
	case m.caDays < 1 || m.caDays > 36500:
		return usage("--ca-days must be 1 to 36500, not %d", m.caDays)
	case p.AuthRequired && !certifies:
		return usage("--auth-required needs somebody who certifies: --ca or --authority")
	case given("work-per-kib-certified") && !certifies:
		return usage("--work-per-kib-certified needs somebody who certifies: --ca or --authority")
	case given("work-per-kib-certified") && p.WorkPerKiBCertified > p.WorkPerKiB:
		return usage("--work-per-kib-certified %d is more than --work-per-kib %d, and certified owners pay less", p.WorkPerKiBCertified, p.WorkPerKiB)
	}
	return nil
}

// newCA makes the parameters name the authorities asked for, and returns the file of the one that
// it made, if any.
func (m *newNetworkFlags) newCA(p *protocol.Params) (file []byte, err error) {
	if p.Authorities, err = readAuthorities(m.authorities); err != nil || !m.ca {
		return nil, err
	}
	from := time.Now().Add(-time.Duration(p.ClockDrift) * time.Millisecond) // at most 24 h
	ca, err := lf.NewCA(p.Name+" CA", from, from.AddDate(0, 0, m.caDays))
	if err != nil {
		return nil, err
	}
	p.Authorities = append(p.Authorities, ca.Authority())
	return ca.PEM(), nil
}

// noteAuthorities notes from when to when somebody can be certified, where that is not long.
func (c *cli) noteAuthorities(p *protocol.Params, now time.Time) error {
	var first, last time.Time
	for _, der := range p.Authorities {
		a, err := protocol.ParseAuthority(der)
		if err != nil {
			return err
		}
		from, until := text.TimeOf(a.NotBefore()), text.TimeOf(a.NotAfter())
		if from.After(now) {
			c.note("CA %q is valid from %s on: until then it certifies nobody", a.Name(), from.Local().Format(time.DateTime))
		}
		if first.IsZero() || from.Before(first) {
			first = from
		}
		if until.After(last) {
			last = until
		}
	}
	if !p.AuthRequired {
		return nil
	}
	if first.After(now) {
		c.note("nobody can write on this network before %s", first.Local().Format(time.DateTime))
	}
	if last.Before(now.AddDate(1, 0, 0)) {
		c.note("nobody can write on this network after %s, when its last CA expires: a network's CAs cannot be changed", last.Local().Format(time.DateTime))
	}
	return nil
}

// file is where the network is written to.
func (m *newNetworkFlags) file(name string) string {
	if m.out == "" {
		return fileNameOf(name, ".lfnet")
	}
	return m.out
}

// caFile is where the CA is written to: beside the network's file, unless that is handed on at
// once.
func (m *newNetworkFlags) caFile(name string) string {
	switch {
	case m.caOut != "":
		return m.caOut
	case m.out == "-":
		return fileNameOf(name, ".ca.pem")
	}
	return filepath.Join(filepath.Dir(m.file(name)), fileNameOf(name, ".ca.pem"))
}
