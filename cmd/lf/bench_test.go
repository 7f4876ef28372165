package main

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestBenchPow(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := &cli{stdout: &out, stderr: &out, json: true}
	cmd := c.benchCommand()
	cmd.SetArgs([]string{"pow", "372", "--threads", "1", "--time", "700ms"})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var m powMeasurement
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	if m.SolutionsPerSecond <= 0 || m.Threads != 1 || len(m.Records) != 1 || m.Records[0].Effort != 500 {
		t.Errorf("got %+v", m)
	}
	used := slices.DeleteFunc(slices.Clone(m.Paths), func(p powPath) bool { return !p.Chosen })
	if len(used) != 1 || used[0].AttemptSeconds <= 0 || used[0].Wrong {
		t.Errorf("the paths are %+v", m.Paths)
	}
	m.Paths = append(m.Paths, powPath{Name: "other", Wrong: true})
	for _, want := range []string{" 500 ", " ms  used\n", "other                   -  wrong on this processor, never used\n"} {
		if text := m.table(); !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

func TestBenchPowUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"pow", "x"}, {"pow", "131072"}, {"pow", "--threads", "-1"}, {"pow", "--time", "0s"}} {
		var out bytes.Buffer
		cmd := (&cli{stdout: &out, stderr: &out}).benchCommand()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(args)
		if err := cmd.ExecuteContext(t.Context()); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestCostOf(t *testing.T) {
	t.Parallel()
	c := costOf(896, 1024, 512)
	if c.Effort != 1024 || c.Expected != 2 || math.Abs(c.Median-1.386) > 1e-3 || math.Abs(c.Percent-5.991) > 1e-3 {
		t.Errorf("got %+v", c)
	}
	if c := costOf(131071, 1<<32-1, 1); c.Effort != math.MaxUint32 {
		t.Errorf("got %+v", c)
	}
}
