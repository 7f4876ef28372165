package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckFindsDamage overwrites a part of a stopped node's database.
func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	n := startNode(t, t.TempDir(), "--network", newNetworkFile(t), "--offline")
	mustRun(t, "", "--home", n.home, "load", writeFile(t, facts(50)))
	n.stop(os.Interrupt)
	mustRun(t, "", "--home", n.home, "check")

	name := filepath.Join(n.home, "lf.db")
	db, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	middle := len(db) / 2
	clear(db[middle : middle+4096])
	if err := os.WriteFile(name, db, 0o600); err != nil {
		t.Fatal(err)
	}
	o := lfRun(t, "", "--home", n.home, "check")
	if o.code != exitFailed || o.stdout != "" || !strings.Contains(o.stderr, "lf: ") {
		t.Fatalf("%+v", o)
	}
	t.Log(o.stderr)
}
