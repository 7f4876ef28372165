package testbed

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/text"
)

// TestScenarioErrors compares the errors in each scenario of testdata/errors with the file beside
// it.
func TestScenarioErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(filepath.Base(file), text)
			if err == nil {
				t.Fatal("no error was found")
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, wrong := os.ReadFile(golden)
			if wrong != nil {
				t.Fatal(wrong)
			}
			if got := err.Error() + "\n"; got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestScenarios reads every scenario that comes with LF.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("../../lf-testbed/scenarios/*.yaml")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if _, err := Read(file); err != nil {
			t.Errorf("%v", err)
		}
	}
}

func TestParse(t *testing.T) {
	s, err := Parse("all.yaml", []byte(`
title: All words
limit: 2m
work: 3
nodes:
  n1..n3: {flags: [--oracle]}
  hub: {relay: true, clock: -2m}
  shy: {via: hub}
  mallory: {hostile: slow-reader, seeds: [n1]}
steps:
  - start: honest
  - start: mallory
  - write: {on: n1..n2, count: 10, rate: 90/m, owners: 2, conflicts: 3, size: 10..1KiB}
  - {name: cut, partition: [[n1, n2], others]}
  - isolate: {nodes: n1, from: [n2, n3], way: out}
  - heal
  - flap: {groups: [[n1], others], down: 100ms, up: 1s, times: 2}
  - churn: {nodes: [n1, n2], for: 2s, every: 1s, down: 1s..2s, kill: true, background: true}
  - wait: background
  - skew: {nodes: n3, offset: +90s}
  - restart: {nodes: n3, kill: true, after: 1s}
  - kill: n3
  - wipe: n3
  - start: stopped
  - wait: 10ms
  - expect: {converged: true, bytes: {factor: 1.15x, slack: 2KiB, since: cut}, dropped: mallory, within: 5s}
  - expect: nothing-lost
`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Title != "All words" || s.Limit != 2*time.Minute || s.Work != 3 || len(s.Nodes) != 6 {
		t.Errorf("%+v", s)
	}
	if want := (Node{Name: "n2", Seeds: []string{"n3", "hub", "shy", "n1"}, Flags: []string{"--oracle"}}); !reflect.DeepEqual(*s.Nodes[1], want) {
		t.Errorf("%+v, want %+v", *s.Nodes[1], want)
	}
	if shy := s.Node("shy"); shy.Via != "hub" || !reflect.DeepEqual(shy.Seeds, []string{"hub"}) {
		t.Errorf("%+v", shy)
	}
	honest := []string{"n1", "n2", "n3", "hub", "shy"}
	for i, want := range map[int]Action{
		0:  Start{honest},
		2:  Write{On: []string{"n1", "n2"}, Count: 10, Rate: 1.5, Owners: 2, Conflicts: 3, Size: Range{10, 1024}},
		3:  Partition{[][]string{{"n1", "n2"}, {"n3", "hub", "shy", "mallory"}}},
		4:  Isolate{[]string{"n1"}, []string{"n2", "n3"}, Out},
		5:  Heal{s.names()},
		7:  Churn{[]string{"n1", "n2"}, 2 * time.Second, time.Second, Span{time.Second, 2 * time.Second}, true, true},
		13: Start{[]string{"n3"}},
		15: Expect{Nodes: honest, Within: 5 * time.Second, Converged: true, Bytes: &Bytes{Factor: 1.15, Slack: 2048, Since: 3}, Dropped: []string{"mallory"}},
		16: Expect{Nodes: honest, Within: defaultWithin, NothingLost: true},
	} {
		if got := s.Steps[i].Do; !reflect.DeepEqual(got, want) {
			t.Errorf("step %d: %+v, want %+v", i, got, want)
		}
	}
}

// TestErrorLines checks the line of an error with each way to end a line.
func TestErrorLines(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		text := strings.Join([]string{"nodes: [a]", "", "steps:", "  - start: b", ""}, end)
		_, err := Parse("x.yaml", []byte(text))
		var found ScenarioErrors
		if !errors.As(err, &found) {
			t.Fatalf("%q: %v", text, err)
		}
		if m := found[0]; m.Line != 4 || m.Source != "  - start: b" {
			t.Errorf("lines that end with %q: %+v", end, m)
		}
	}
}

// FuzzParse checks that every text is a scenario, or has errors with a place in it.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"../../lf-testbed/scenarios/*.yaml", "testdata/errors/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := Parse("x.yaml", file)
		found, ok := err.(ScenarioErrors)
		switch {
		case err == nil && (len(s.Nodes) == 0 || len(s.Steps) == 0):
			t.Fatal("a scenario without nodes or steps")
		case err != nil && (!ok || len(found) == 0):
			t.Fatalf("%T: %v", err, err)
		}
		lines := regexp.MustCompile("\r\n|\r|\n").FindAllIndex(file, -1)
		for _, m := range found {
			if m.Line < 1 || m.Line > len(lines)+1 || m.Column < 1 || m.Text == "" || m.Text != text.Line(m.Text) || strings.ContainsRune(m.String(), '\x1b') {
				t.Fatalf("%+v", m)
			}
		}
	})
}
