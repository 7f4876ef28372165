package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/lf-store/lf"
)

var crashes = flag.Int("crashes", 5, "how often to kill the node while a file is loaded")

// TestCrashes kills the node at random moments while a file is loaded into it, checks its database
// each time and starts it again. Once it kills load as well. Load writes no acknowledged line
// twice, so if all lines are there in the end, none was lost.
func TestCrashes(t *testing.T) {
	if testing.Short() {
		t.Skip("killing a node many times takes a while")
	}
	lines := 500 * *crashes
	dir, file := t.TempDir(), writeFile(t, facts(lines))
	node := startNode(t, dir, "--network", newNetworkFile(t), "--offline")
	load := startLoad(t, dir, file)
	midway := 0
	for i := range *crashes {
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
		if i == *crashes/2 {
			load.kill(t)
			load = startLoad(t, dir, file)
		}
		node.stop(os.Kill)
		if load.cmd.ProcessState == nil {
			midway++
		}
		mustRun(t, "", "--home", dir, "check")
		node = startNode(t, dir, "--offline")
	}
	if err := load.cmd.Wait(); err != nil {
		t.Fatalf("load: %v\n%s", err, load.output.String())
	}
	t.Logf("%d of %d crashes came while load was running", midway, *crashes)
	checkFacts(t, dir, lines)
	node.stop(os.Interrupt)
	mustRun(t, "", "--home", dir, "check")
}

// loadProcess is lf load as a process of its own.
type loadProcess struct {
	cmd    *exec.Cmd
	output bytes.Buffer
}

// startLoad returns when load has begun to write, or has ended: to begin with, it wants a node that
// is there.
func startLoad(t *testing.T, dir, file string) *loadProcess {
	t.Helper()
	journalSize := func() (size int64) {
		if found, err := filepath.Glob(filepath.Join(dir, "load", "*")); err == nil {
			for _, name := range found {
				if info, err := os.Stat(name); err == nil {
					size += info.Size()
				}
			}
		}
		return size
	}
	before := journalSize()
	l := &loadProcess{cmd: command(t, "--home", dir, "load", file, "--patience", "10m")}
	l.cmd.Stdout, l.cmd.Stderr = &l.output, &l.output
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.kill(t) })
	for start := time.Now(); journalSize() == before; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > readyWithin {
			t.Fatalf("load does not begin\n%s", l.output.String())
		}
	}
	return l
}

func (l *loadProcess) kill(t *testing.T) {
	t.Helper()
	if l.cmd.ProcessState == nil {
		_ = l.cmd.Process.Kill()
		_ = l.cmd.Wait()
	}
}

// checkFacts reads all lines back, in pieces of what one question can ask for.
func checkFacts(t *testing.T, dir string, lines int) {
	t.Helper()
	for from := 0; from < lines; from += lf.MaxAnswers {
		to := min(from+lf.MaxAnswers, lines) - 1
		out := mustRun(t, "", "--home", dir, "get", "--json", "--limit", fmt.Sprint(lf.MaxAnswers), fmt.Sprintf("fact#%d#%d", from, to))
		answers := decode[jsonAnswers](t, out).Answers
		if len(answers) != to-from+1 {
			t.Fatalf("facts %d to %d: %d are there", from, to, len(answers))
		}
		for i, a := range answers {
			if want := fmt.Sprintf("value %d", from+i); a.Value == nil || *a.Value != want {
				t.Fatalf("%v: %+v, want %q", a.Selectors, a, want)
			}
		}
	}
}
