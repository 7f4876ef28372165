package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
)

// TestKilledInBackfill kills a node while it copies what it lacks: what it has copied stays, and it
// goes on.
func TestKilledInBackfill(t *testing.T) {
	if testing.Short() {
		t.Skip("writing thousands of records takes a while")
	}
	const lines = 3000
	network, full := newNetworkFile(t), t.TempDir()
	a := startNode(t, full, "--network", network)
	mustRun(t, "", "--home", full, "load", writeFile(t, facts(lines)))
	all := lines + 2 // and the genesis

	var kept uint64
	dir := t.TempDir()
	for range 10 { // the moment may be missed
		b := startNode(t, dir, "--network", network, "--seed", a.addr(t))
		kept = attachedAbove(t, dir, 300)
		b.stop(os.Kill)
		if kept < uint64(all) {
			break
		}
		dir = t.TempDir()
	}
	if kept >= uint64(all) {
		t.Fatal("the node was never killed in the middle")
	}
	mustRun(t, "", "--home", dir, "check")
	b := startNode(t, dir, "--seed", a.addr(t))
	if now := attachedAbove(t, dir, 0); now < kept {
		t.Errorf("of %d records %d are left", kept, now)
	}
	mustRun(t, "", "--home", dir, "status", "--wait-synced=1m")
	checkFacts(t, dir, lines)
	there, here := syncOf(t, full), syncOf(t, dir)
	if here.Attached != uint64(all) || here.Fingerprint != there.Fingerprint || here.Missing != 0 {
		t.Errorf("%+v, there %+v", here, there)
	}
	t.Logf("killed at %d of %d", kept, all)
	b.stop(os.Interrupt)
	if log := b.log.String(); strings.Contains(log, "level=ERROR") {
		t.Error(log)
	}
}

// attachedAbove waits until a node has attached more than n records, and returns how many.
func attachedAbove(t *testing.T, dir string, least uint64) uint64 {
	t.Helper()
	url, _, err := awaitNode(dir)
	if err != nil {
		t.Fatal(err)
	}
	client := api.NewClient(url, "")
	defer client.Close()
	for start := time.Now(); time.Since(start) < readyWithin; {
		s, err := client.Status(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if s.Storage.Attached > least {
			return s.Storage.Attached
		}
	}
	t.Fatalf("the node in %s never had more than %d records", dir, least)
	return 0
}

func syncOf(t *testing.T, dir string) api.SyncStatus {
	t.Helper()
	return decode[api.Status](t, mustRun(t, "", "--home", dir, "status", "--json")).Sync
}
