package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/synthetic"
	"github.com/lf-store/lf/internal/synthetic/synthetichome"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/store"
	"github.com/lf-store/lf/sync/storedset"
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

// TestCheckFindsDamagedSet flips a bit in the file of the set that a stopped node leaves.
func TestCheckFindsDamagedSet(t *testing.T) {
	t.Parallel()
	dir, mix := t.TempDir(), synthetic.Series()
	mix.Unsigned = true
	if err := synthetichome.Fill(t.Context(), dir, mix, 17_000, nil); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, dir, "--offline")
	for syncOf(t, dir).Fingerprint == "" { // it reads its set
		time.Sleep(10 * time.Millisecond)
	}
	n.stop(os.Interrupt)
	file := filepath.Join(dir, "lf.db-set")
	set, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	checkSetAlone(t, dir)
	set[len(set)/2] ^= 1
	if err := os.WriteFile(file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	o := lfRun(t, "", "--home", dir, "check") // once: under the race detector it takes seconds
	if o.code != exitFailed || !strings.Contains(o.stderr, "the set's file is damaged: remove "+file) || !strings.Contains(o.stderr, "lf: 1 problem:") {
		t.Fatalf("%+v", o)
	}
}

// checkSetAlone finds nothing wrong with the file of the set, as lf check does.
func checkSetAlone(t *testing.T, dir string) {
	t.Helper()
	h, err := home.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	network, _, err := h.Network()
	if err != nil {
		t.Fatal(err)
	}
	if err := store.ReadStopped(h.Database(), network, func(s *store.Stopped) error {
		problem, err := storedset.CheckFile(t.Context(), s.SetPath(), s)
		if problem != "" {
			t.Error(problem)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
