package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

func logTo(l *testlog.Lines) func(*Config) {
	return func(c *Config) { c.Logger = l.Logger() }
}

// rot changes a byte in the database of a stopped node, in the middle of what a record has there.
// Pages that SQLite uses no more may have copies.
func rot(t testing.TB, c Config, part []byte) {
	t.Helper()
	path := c.Home.Database()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for at := bytes.Index(file, part); at >= 0; at = bytes.Index(file, part) {
		file[at+len(part)/2] ^= 0x10
		found = true
	}
	if !found {
		t.Fatal("the record is not in one piece in the file")
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

func frameOf(t testing.TB, n *Node, id protocol.ID) *protocol.Record {
	t.Helper()
	info, err := n.Service().Record(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := protocol.DecodeFrame(info.Frame)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// parts are what the file has as it is: of the header, the signature.
func parts(r *protocol.Record) map[string][]byte {
	return map[string][]byte{"value": r.ValueBytes(), "header": r.Signature[:]}
}

// filled is a node with records under "k", which wait for nothing, and a copy of it that has been
// stopped.
func filled(t *testing.T, network *protocol.Network, records int) (a *Node, copied Config, ids []protocol.ID) {
	t.Helper()
	a = start(t, config(t, network))
	for i := range records {
		ids = append(ids, set(t, a.Service(), fmt.Sprintf("the value %d", i), fmt.Sprintf("k#%d", i)).ID)
	}
	copied = config(t, network, seeds(a))
	b := start(t, copied)
	wantRead(t, b.Service(), fmt.Sprintf("the value %d", records-1), fmt.Sprintf("k#%d", records-1))
	stop(t, b)
	return a, copied, ids
}

// TestDamagedRecord damages a record of a stopped node. The node says so wherever it is asked,
// answers all else, and has the record again from a peer.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	const records, bad = 20, 9
	for _, part := range []string{"value", "header"} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			network := newNetwork(t, 0)
			a, c, ids := filled(t, network, records)
			id := ids[bad]
			rot(t, c, parts(frameOf(t, a, id))[part])
			wantProblems(t, c, network, id, true)

			log := new(testlog.Lines)
			alone := c
			alone.Offline, alone.Seeds = true, nil
			logTo(log)(&alone)
			b := start(t, alone)
			wantDamagedAnswers(t, b, id, records, bad)
			eventually(t, "the node gives up, and is ready", func() bool { return b.Ready() == nil && checkup(t, b).Facts.Damage.Unavailable == 1 })
			wantDamagedAnswers(t, b, id, records, bad)
			if n := log.Count("disk damaged a record"); n != 1 {
				t.Errorf("%d lines in the log, want 1", n)
			}
			d := checkup(t, b)
			if f := finding(d, "damage"); d.Healthy || f.State != api.FindingFailure || !strings.Contains(f.Text, id.String()) || f.Advice == "" {
				t.Errorf("doctor: %+v", f)
			}
			if text := scrape(t, b); !strings.Contains(text, `lf_store_damaged_records{state="unavailable"} 1`) {
				t.Error("the metric does not say so")
			}
			stop(t, b)

			logTo(log)(&c)
			b = start(t, c)
			eventually(t, "the record is repaired", func() bool { return checkup(t, b).Facts.Damage.Repaired == 1 })
			wantRead(t, b.Service(), fmt.Sprintf("the value %d", bad), fmt.Sprintf("k#%d", bad))
			if err := b.Ready(); err != nil {
				t.Error(err)
			}
			if f := finding(checkup(t, b), "damage"); f.State != api.FindingWarning {
				t.Errorf("doctor after the repair: %+v", f)
			}
			for _, n := range []*Node{a, b} {
				if s := checkup(t, n).Facts.Banned; s.Count > 0 {
					t.Errorf("somebody was banned: %+v", s)
				}
			}
			stop(t, b)
			wantProblems(t, c, network, id, false)
		})
	}
}

// wantDamagedAnswers asks a node with one damaged record in all ways.
func wantDamagedAnswers(t *testing.T, n *Node, id protocol.ID, records, bad int) {
	t.Helper()
	c := client(t, n)
	for _, history := range []bool{false, true} {
		res, err := c.Query(t.Context(), api.Query{Selectors: []api.SelectorRange{{Name: "k", To: 1000}}, Decrypt: true, History: history})
		if err != nil || len(res.Answers) != records {
			t.Fatalf("%d answers, %v", len(res.Answers), err)
		}
		for i, a := range res.Answers {
			if r := a.Version; (r.Error == api.ErrorDamaged) != (i == bad) || (i == bad) != (r.Record == id) || (r.Text == nil) != (i == bad) {
				t.Errorf("answer %d: %+v", i, a)
			}
		}
	}
	res, err := c.Query(t.Context(), api.Query{Selectors: []api.SelectorRange{{Name: "k", From: api.Uint64(bad), To: api.Uint64(bad)}}, Explain: true})
	if err != nil || len(res.Answers) != 1 || res.Answers[0].Error != api.ErrorDamaged {
		t.Errorf("explain: %+v, %v", res, err)
	}
	_, err = c.Record(t.Context(), id)
	var e *api.Error
	if !errors.As(err, &e) || e.Damaged == nil || *e.Damaged != id || !strings.Contains(e.Detail, "disk damaged record "+id.String()) ||
		e.Status != http.StatusServiceUnavailable && e.Status != http.StatusInternalServerError {
		t.Errorf("record: %+v, %v", e, err)
	}
}

// wantProblems checks a stopped node's database as lf check does.
func wantProblems(t *testing.T, c Config, n *protocol.Network, id protocol.ID, want bool) {
	t.Helper()
	found := false
	summary, err := store.CheckFile(context.Background(), c.Home.Database(), n, func(p string) { found = found || strings.Contains(p, id.String()) })
	if err != nil || found != want || (summary.Problems > 0) != want {
		t.Errorf("the check finds %d problems, the record is among them: %v, %v", summary.Problems, found, err)
	}
}

// TestDamagedPeer has a newcomer fetch from a node with a damaged record. Nobody is banned; the
// newcomer has the rest, and all of it when a node comes that has the record.
func TestDamagedPeer(t *testing.T) {
	t.Parallel()
	const records, bad = 20, 9
	for _, part := range []string{"value", "header"} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			network := newNetwork(t, 0)
			a, c, ids := filled(t, network, records)
			rot(t, c, parts(frameOf(t, a, ids[bad]))[part])
			home := a.config
			stop(t, a)
			c.Seeds = nil
			b := start(t, c)
			get(t, b.Service(), fmt.Sprintf("k#%d", bad))
			if resp, err := http.Get(b.APIURL() + "/readyz"); err != nil || resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("while it waits for a peer: %+v, %v", resp, err)
			} else {
				resp.Body.Close()
			}
			newcomer := start(t, config(t, network, seeds(b)))
			eventually(t, "the newcomer has asked for the damaged record, and has what comes before it", func() bool {
				return checkup(t, b).Facts.Damage.Repairing+checkup(t, b).Facts.Damage.Unavailable == 1 &&
					get(t, newcomer.Service(), fmt.Sprintf("k#%d", bad-1)) != ""
			})
			for _, n := range []*Node{b, newcomer} {
				if s := checkup(t, n).Facts.Banned; s.Count > 0 {
					t.Errorf("somebody was banned: %+v", s)
				}
			}
			home.Seeds = b.Addresses()
			a = start(t, home)
			for _, n := range []*Node{b, newcomer} {
				wantRead(t, n.Service(), fmt.Sprintf("the value %d", bad), fmt.Sprintf("k#%d", bad))
				wantRead(t, n.Service(), fmt.Sprintf("the value %d", records-1), fmt.Sprintf("k#%d", records-1))
			}
			eventually(t, "the damage is repaired", func() bool { return b.Ready() == nil && checkup(t, b).Facts.Damage.Repaired == 1 })
			for _, n := range []*Node{a, b, newcomer} {
				if s := checkup(t, n).Facts.Banned; s.Count > 0 {
					t.Errorf("somebody was banned: %+v", s)
				}
			}
		})
	}
}

// scrape reads a node's metrics.
func scrape(t *testing.T, n *Node) string {
	t.Helper()
	resp, err := http.Get(n.APIURL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSetOnDamaged has the owner write again where the disk damaged what it had written: nothing is
// built on what is not known.
func TestSetOnDamaged(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"value", "header"} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			c := config(t, newNetwork(t, 0), offline)
			n := start(t, c)
			first := set(t, n.Service(), "a value that is damaged", "x")
			frame := frameOf(t, n, first.ID)
			stop(t, n)
			rot(t, c, parts(frame)[part])
			n = start(t, c)
			text := "second"
			_, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
			var e *api.Error
			if !errors.As(err, &e) || e.Damaged == nil || *e.Damaged != first.ID {
				t.Errorf("%v", err)
			}
			set(t, n.Service(), "elsewhere", "y")
		})
	}
}
