package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// TestPulseCommand keeps values alive, and asks which are.
func TestPulseCommand(t *testing.T) {
	t.Parallel()
	f := serveFakeNode(t, nil, func(f *fakeNode) api.Service {
		fake, err := apitest.NewFakeOn(f.network)
		if err != nil {
			t.Fatal(err)
		}
		return fake
	})
	lf := func(args ...string) outcome { return lfRun(t, "svc#1\nsvc#2\n", append(args, "--home", f.home)...) }
	if got := lf("pulse", "svc#1", "--once"); got.code != exitNotFound {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"svc#1", "svc#2", "svc#3"} {
		if got := lf("set", name, "value"); got.code != 0 {
			t.Fatalf("%+v", got)
		}
	}
	if got := lf("get", "svc#1", "--alive", "5m"); got.code != exitNotFound || !strings.Contains(got.stderr, "svc#1: not alive within 5m0s") {
		t.Errorf("%+v", got)
	}
	once := lf("pulse", "--batch", "-", "--once", "--json")
	lines := strings.Split(strings.TrimSpace(once.stdout), "\n")
	if once.code != 0 || len(lines) != 2 {
		t.Fatalf("%+v", once)
	}
	p := decode[jsonPulse](t, lines[1])
	if !p.Alive || !p.New || p.Record == nil || p.Selectors[0] != "svc#2" || time.Since(time.Unix(p.Second, 0)) > time.Minute || p.Ends != "" {
		t.Errorf("%+v", p)
	}
	table := lf("get", "svc#", "--alive", "5m")
	if table.code != 0 || !strings.Contains(table.stderr, "1 answer is not alive") || strings.Count(table.stdout, " ago") != 2 || !strings.Contains(table.stdout, "ALIVE") {
		t.Errorf("%+v", table)
	}
	if got := lf("get", "svc#"); strings.Count(got.stdout, " ago") != 2 || strings.Count(got.stdout, "value") != 3 {
		t.Errorf("what is alive is shown unasked: %+v", got)
	}
	found := decode[jsonAnswers](t, lf("get", "svc#", "--alive", "5m", "--json").stdout)
	if len(found.Answers) != 2 || found.Lapsed != 1 || found.Answers[0].Alive == nil || found.Answers[0].Alive.Age > 60 {
		t.Errorf("%+v", found)
	}
	if got := lf("get", "--batch", "-", "--alive", "5m"); got.code != 0 || strings.Count(got.stdout, " ago") != 2 {
		t.Errorf("%+v", got)
	}
	if got := lf("ls"); strings.Count(got.stdout, " ago") != 2 || !strings.Contains(got.stdout, "ALIVE") {
		t.Errorf("%+v", got)
	}
	for _, wrong := range [][]string{{"get", "svc#1", "--alive", "1m"}, {"get", "svc#1", "--alive", "0"}, {"get", "svc#1", "--alive", "5m", "--as-of", "2026-01-01"}, {"pulse", "svc#1", "--every", "10s"}, {"pulse", "svc#"}} {
		if got := lf(wrong...); got.code != exitUsage {
			t.Errorf("%q: %+v", wrong, got)
		}
	}
	pulseUntilInterrupted(t, f.home)
}

// pulseUntilInterrupted: lf pulse goes on until Ctrl-C, which is no failure.
func pulseUntilInterrupted(t *testing.T, home string) {
	t.Helper()
	cmd := command(t, "pulse", "svc#3", "--json", "--home", home)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	var p jsonPulse
	if err != nil || json.Unmarshal([]byte(line), &p) != nil || !p.Alive {
		t.Errorf("%q, %v", line, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
