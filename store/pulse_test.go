package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// pulseOf makes a pulse of a record that an owner of the test wrote.
func (w *world) pulseOf(r *protocol.Record, owner int, second uint64) protocol.Pulse {
	return w.NewPulse(r.ID(), second, w.owner(owner))
}

// pulsesOf lists the pulses that are kept, by their records.
func pulsesOf(t *testing.T, s *Store) map[protocol.ID]protocol.Pulse {
	t.Helper()
	all := map[protocol.ID]protocol.Pulse{}
	if err := s.Pulses(t.Context(), func(p protocol.Pulse, r intake.Pulsed) {
		if r.Record.ID() != p.Record || r.Index == 0 {
			t.Errorf("%+v comes with %+v", p, r)
		}
		all[p.Record] = p
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPulses: pulses are kept over a restart, each in place of the one before, until they are
// forgotten.
func TestPulses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s := openAt(t, w, path, Options{})
	var kept []intake.KeptPulse
	const records = 3 * pulseStep
	for i := range records {
		r := w.make(spec{at: uint64(i), sels: []sel{{"svc", uint64(i)}}, value: "here"})
		mustPut(t, s, r, Attached)
		p, ok, err := s.PulsedRecord(t.Context(), r.ID())
		if err != nil || !ok || !p.Stands || p.Record.ID() != r.ID() {
			t.Fatalf("%+v, %v, %v", p, ok, err)
		}
		kept = append(kept, intake.KeptPulse{Pulse: w.pulseOf(r, 0, 1_800_000_000+uint64(i)), Index: p.Index})
	}
	if err := s.KeepPulses(t.Context(), kept, nil); err != nil {
		t.Fatal(err)
	}
	forget := []uint64{kept[1].Index, kept[2].Index}
	kept[0].Pulse = protocol.Pulse{}
	if all := pulsesOf(t, s); len(all) != records {
		t.Fatalf("%d are kept", len(all))
	}
	newer := pulsesOf(t, s)
	for id := range newer {
		if r, _, _ := s.PulsedRecord(t.Context(), id); r.Index == 3 { // after the genesis
			p := w.pulseOf(r.Record, 0, 1_900_000_000)
			newer[id] = p
			if err := s.KeepPulses(t.Context(), []intake.KeptPulse{{Pulse: p, Index: r.Index}}, forget); err != nil {
				t.Fatal(err)
			}
		} else if r.Index == forget[0] || r.Index == forget[1] {
			delete(newer, id)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, w, path, Options{})
	all := pulsesOf(t, s)
	if len(all) != records-2 {
		t.Fatalf("%d are kept", len(all))
	}
	for id, p := range all {
		if p != newer[id] {
			t.Errorf("%+v, want %+v", p, newer[id])
		}
	}
}

// TestPulsedRecord: which records may have pulses.
func TestPulsedRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	stands := func(r *protocol.Record, want bool) {
		t.Helper()
		p, ok, err := s.PulsedRecord(t.Context(), r.ID())
		if err != nil || !ok || p.Stands != want {
			t.Errorf("record of %d: stands %v, %v, %v", r.Timestamp-testTime, p.Stands, ok, err)
		}
	}
	at := func(kind protocol.Type, owner int, time uint64, value string) *protocol.Record {
		r := w.make(spec{kind: kind, owner: owner, at: time, sels: []sel{{"svc", 1}}, value: value})
		mustPut(t, s, r, Attached)
		return r
	}
	first := at(protocol.TypeDatum, 1, 10, "first")
	stands(first, true)
	second := at(protocol.TypeDatum, 1, 20, "second")
	stands(first, true) // a pulse counts for the claim
	stands(second, true)
	at(protocol.TypeDatum, 2, 30, "another owner's")
	deleted := at(protocol.TypeDatum, 1, 40, "")
	stands(deleted, false)
	stands(second, false)
	back := at(protocol.TypeDatum, 1, 50, "back")
	stands(back, true)
	stands(second, true)
	release := at(protocol.TypeRelease, 1, 45, "") // comes late
	stands(release, false)
	stands(second, false)
	stands(back, true)
	at(protocol.TypeRelease, 1, 50, "")
	stands(back, false)
	stands(w.Genesis()[0], false)
	if _, ok, err := s.PulsedRecord(t.Context(), protocol.ID{1}); ok || err != nil {
		t.Errorf("an unknown record: %v, %v", ok, err)
	}
	pending := w.make(spec{at: 60, links: []*protocol.Record{w.make(spec{at: 1, sels: []sel{{"x", 1}}, value: "x"}), back}, sels: []sel{{"svc", 2}}, value: "pending"})
	mustPut(t, s, pending, Pending)
	if _, ok, err := s.PulsedRecord(t.Context(), pending.ID()); ok || err != nil {
		t.Errorf("a pending record: %v, %v", ok, err)
	}
}

// TestCheckPulses: the check finds pulses that nobody may have made, and those of damaged records
// disturb nobody.
func TestCheckPulses(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	at := f.index(t, "new")
	s, _ := f.open(t)
	p, ok, err := s.PulsedRecord(t.Context(), f.records[at].ID())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	good := intake.KeptPulse{Pulse: f.w.pulseOf(p.Record, 1, 1_800_000_000), Index: p.Index}
	if p.Record.Owner != f.w.ownerID(1) {
		t.Fatal("another owner's record")
	}
	for name, row := range map[string]struct {
		pulse intake.KeptPulse
		want  string
	}{
		"good":              {good, ""},
		"a stranger's":      {intake.KeptPulse{Pulse: f.w.pulseOf(p.Record, 2, 1_800_000_000), Index: p.Index}, "does not verify"},
		"another second's":  {intake.KeptPulse{Pulse: protocol.Pulse{Second: 5, Signature: good.Signature}, Index: p.Index}, "does not verify"},
		"of the genesis":    {intake.KeptPulse{Pulse: good.Pulse, Index: 1}, "may have none"},
		"of no such record": {intake.KeptPulse{Pulse: good.Pulse, Index: 1 << 40}, "is not attached"},
	} {
		if err := s.KeepPulses(t.Context(), []intake.KeptPulse{row.pulse}, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var problems []string
		if _, err := s.Check(t.Context(), func(problem string) { problems = append(problems, problem) }); err != nil && row.pulse.Index < 1<<30 {
			t.Fatal(err)
		}
		if all := fmt.Sprint(problems); (row.want == "") != (len(problems) == 0) || !strings.Contains(all, row.want) {
			t.Errorf("%s: %s", name, all)
		}
		if err := s.KeepPulses(t.Context(), nil, []uint64{row.pulse.Index}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTwoPulsesOfOneClaim: the check finds that, too.
func TestTwoPulsesOfOneClaim(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	s, _ := f.open(t)
	var kept []intake.KeptPulse
	for _, at := range []int64{f.index(t, "old"), f.index(t, "new")} {
		kept = append(kept, intake.KeptPulse{Pulse: f.w.pulseOf(f.records[at], 1, 1_800_000_000), Index: uint64(at)})
	}
	if err := s.KeepPulses(t.Context(), kept, nil); err != nil {
		t.Fatal(err)
	}
	var problems []string
	if _, err := s.Check(t.Context(), func(problem string) { problems = append(problems, problem) }); err != nil || len(problems) != 1 || !strings.Contains(problems[0], "one claim") {
		t.Errorf("%v, %v", problems, err)
	}
}

// TestMigratePulses opens a file from before there were pulses.
func TestMigratePulses(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	s, _ := f.plain(t).open(t, withoutRuns+withoutPulses+fmt.Sprintf("PRAGMA user_version = %d;", pulsesVersion-1))
	if all := pulsesOf(t, s); len(all) != 0 {
		t.Error(all)
	}
	mustBeSound(t, s)
}
