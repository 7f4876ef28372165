package main

import (
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
)

// TestDoctorOfFailure holds that a failure is exit code 1, and that what a node says cannot steer
// the terminal.
func TestDoctorOfFailure(t *testing.T) {
	t.Parallel()
	n := newFakeNode(t, nil)
	n.checkup = api.Checkup{Findings: []api.Finding{
		{Area: "peers", State: api.FindingOK, Text: "5 peers"},
		{Area: "punching", State: api.FindingWarning, Text: "failed:\n\x1b[31mred\u202e", Advice: "a\rb"},
		{Area: "reach", State: api.FindingNote, Text: "not known yet", Advice: "wait"},
		{Area: "clock", State: api.FindingFailure, Text: "3 min behind", Advice: "set it"},
	}}
	want := strings.Join([]string{
		`ok    peers     5 peers`,
		`warn  punching  failed:; \x1b[31mred\u202e`,
		`                → try: a; b`,
		`note  reach     not known yet`,
		`                → try: wait`,
		`FAIL  clock     3 min behind`,
		`                → try: set it`,
		``,
		`not healthy: 1 ok, 1 note, 1 warning, 1 failure`,
		``,
	}, "\n")
	o := lfRun(t, "", "--home", n.home, "doctor")
	if o.code != exitFailed || o.stdout != want || o.stderr != "lf: not healthy: clock\n" {
		t.Errorf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	o = lfRun(t, "", "--home", n.home, "--quiet", "doctor")
	if o.code != exitFailed || strings.Count(o.stdout, "\n") != 4 || strings.Contains(o.stdout, "peers") || strings.Contains(o.stdout, "wait") {
		t.Errorf("quiet: exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	o = lfRun(t, "", "--home", n.home, "--json", "doctor")
	if c := decode[api.Checkup](t, o.stdout); o.code != exitFailed || len(c.Findings) != 4 || c.Healthy {
		t.Errorf("JSON: exit code %d, %+v", o.code, c)
	}
	n.checkup.Findings, n.checkup.Healthy = n.checkup.Findings[:3], true
	o = lfRun(t, "", "--home", n.home, "doctor")
	if o.code != exitDone || o.stderr != "" || !strings.HasSuffix(o.stdout, "\nhealthy: 1 ok, 1 note, 1 warning\n") {
		t.Errorf("healthy: exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}
