package main

import (
	"slices"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	const events = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:5: of no interest\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:7: nginx is not installed: apt-get\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestScripts/d","Output":"    cmd.go:380: ipfs is not installed\n"}
{"Action":"output","Package":"p","Test":"TestScripts/d","Output":"    testscript.go:609: WORK=$WORK\n"}
{"Action":"skip","Package":"p","Test":"TestScripts/d"}
{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:9: wrong\n"}
{"Action":"output","Package":"p","Test":"TestC","Output":"--- FAIL: TestC (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"Action":"output","Package":"q","Output":"PASS\n"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.2s\n"}
{"Action":"pass","Package":"q"}
{"Action":"output","Package":"r","Output":"panic: dead\n"}
{"Action":"fail","Package":"r"}
# p [build failed]
`
	const want = "    c_test.go:9: wrong\n--- FAIL: TestC (0.00s)\nFAIL\nFAIL\tp\t0.1s\nok  \tq\t0.2s\npanic: dead\n# p [build failed]\n"
	var out strings.Builder
	r := newReport(&out)
	if err := r.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("shown:\n%s\nwant:\n%s", out.String(), want)
	}
	if skipped := []string{"TestB (nginx is not installed: apt-get)", "TestScripts/d (ipfs is not installed)"}; !slices.Equal(r.skipped, skipped) {
		t.Errorf("skipped: %q", r.skipped)
	}
	if !r.failed {
		t.Error("nothing failed")
	}
	passed := newReport(&out)
	if err := passed.read(strings.NewReader(`{"Action":"pass","Package":"q"}`)); err != nil || passed.failed {
		t.Error("a run that passed failed")
	}
}
