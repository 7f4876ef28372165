package node

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

var epoch = time.Unix(1_800_000_000, 0)

// TestSchedule runs scripts against the state machine. A line is "TIME EVENT ARGS": tick [ROOM] and the seeds that it
// must want to dial after "->"; fail, ok, up and down with a seed; changed; next and the time that it must say.
func TestSchedule(t *testing.T) {
	for name, script := range map[string]string{
		"all are due at once, and each once": `
			0s tick -> a b c
			0s tick ->
			1h tick ->`,
		"room": `
			0s tick 2 -> a b
			0s tick 0 ->
			0s tick 2 -> c`,
		"the pause doubles": `
			0s tick 1 -> a
			0s fail a
			0s next 0s
			0s tick -> b c
			0s ok b
			0s ok c
			0s next 500ms
			499ms tick ->
			500ms tick -> a
			500ms fail a
			500ms next 1500ms
			1500ms tick -> a
			1500ms fail a
			1500ms next 3500ms`,
		"the pause has an end": `
			0s tick -> a b c
			0s ok b
			0s ok c
			0s fail a
			1h tick -> a
			1h fail a
			2h tick -> a
			2h fail a
			3h tick -> a
			3h fail a
			4h tick -> a
			4h fail a
			5h tick -> a
			5h fail a
			6h tick -> a
			6h fail a
			7h tick -> a
			7h fail a
			8h tick -> a
			8h fail a
			8h next 8h2m0s
			9h tick -> a
			9h fail a
			9h next 9h2m0s`,
		"a seed that is connected is left alone, and dialed when it is lost": `
			0s tick -> a b c
			0s ok a
			0s ok b
			0s ok c
			0s next never
			1h tick ->
			1h down b
			1h next 1h0m0.5s
			2h tick -> b`,
		"a seed that connects to us need not be dialed": `
			0s up b
			0s tick -> a c
			0s up b
			0s down b
			1s tick -> b`,
		"a connection that lasts makes up for failures": `
			0s tick -> a b c
			0s ok b
			0s ok c
			0s fail a
			1s tick -> a
			1s fail a
			5s tick -> a
			5s ok a
			65s down a
			65s next 65.5s`,
		"a connection that ends soon is a failure": `
			0s tick -> a b c
			0s ok b
			0s ok c
			0s ok a
			1s down a
			1s next 1.5s
			2s tick -> a
			2s ok a
			3s down a
			3s next 4s
			4s tick -> a
			4s fail a
			4s next 6s`,
		"a changed network makes all due": `
			0s tick -> a b c
			0s fail a
			0s ok b
			0s fail c
			1s tick -> a c
			1s fail a
			1s fail c
			1s next 2s
			1s changed
			1s next 0s
			1s tick -> a c
			1s fail a
			1s fail c
			1s next 1500ms`,
		"a network that flaps does not turn off the pauses": `
			0s changed
			0s tick -> a b c
			0s ok b
			0s ok c
			0s fail a
			1s tick -> a
			1s fail a
			1s changed
			1s changed
			1s next 2s
			2s tick -> a
			2s fail a
			4s tick -> a
			4s fail a
			8s tick -> a
			8s fail a
			8s next 10s
			9s tick ->
			10s tick -> a
			10s fail a
			10s next 10.5s`,
		"a dial that ends after a change": `
			0s tick -> a b c
			0s changed
			0s fail a
			0s fail b
			0s fail c
			0s next 500ms`,
		"strangers are of no interest": `
			0s up x
			0s down x
			0s fail x
			0s tick -> a b c`,
	} {
		t.Run(name, func(t *testing.T) { runScript(t, script) })
	}
}

func runScript(t *testing.T, script string) {
	s := newSchedule([]peer.ID{"a", "b", "c", "a"}, epoch, func() float64 { return 0 })
	for line := range strings.SplitSeq(strings.TrimSpace(script), "\n") {
		left, want, _ := strings.Cut(line, "->")
		words := append(strings.Fields(left), "")
		at, err := time.ParseDuration(words[0])
		if err != nil {
			t.Fatal(err)
		}
		now := epoch.Add(at)
		switch p := peer.ID(words[2]); words[1] {
		case "tick":
			room := 8
			if words[2] != "" {
				room = int(words[2][0] - '0')
			}
			var dial []string
			for _, id := range s.tick(now, room) {
				dial = append(dial, string(id))
			}
			if !slices.Equal(dial, strings.Fields(want)) {
				t.Fatalf("%s: dial %q", line, dial)
			}
		case "fail", "ok":
			s.dialed(p, now, words[1] == "ok")
		case "up", "down":
			s.connectedness(p, now, words[1] == "up")
		case "changed":
			s.networkChanged(now)
		case "next":
			have := "never"
			if next := s.next(); !next.IsZero() {
				have = next.Sub(epoch).String()
			}
			if d, err := time.ParseDuration(words[2]); err == nil {
				words[2] = d.String()
			}
			// What is due already may be due at any time before.
			if d, err := time.ParseDuration(have); have != words[2] && (err != nil || d > at || words[2] != "0s") {
				t.Fatalf("%s: %s", line, have)
			}
		default:
			t.Fatalf("what is %q?", line)
		}
	}
}

// TestScheduleNeverForgets holds against every order of events that a seed is either connected, being dialed, or due
// within the longest pause, and that the pauses are within their bounds.
func TestScheduleNeverForgets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := []peer.ID{"a", "b", "c"}
		s := newSchedule(ids, epoch, func() float64 { return rapid.Float64Range(0, 0.999).Draw(t, "jitter") })
		now := epoch
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "pass")))
			p := rapid.SampledFrom(ids).Draw(t, "peer")
			switch rapid.IntRange(0, 4).Draw(t, "event") {
			case 0:
				s.tick(now, rapid.IntRange(0, 3).Draw(t, "room"))
			case 1:
				if s.seeds[p].dialing {
					s.dialed(p, now, rapid.Bool().Draw(t, "ok"))
				}
			case 2:
				s.connectedness(p, now, rapid.Bool().Draw(t, "up"))
			case 3:
				s.networkChanged(now)
			}
			for _, id := range ids {
				st := s.seeds[id]
				if st.due.After(now.Add(maxBackoff)) {
					t.Fatalf("%s is due only in %s", id, st.due.Sub(now))
				}
				if !st.connected && !st.dialing && (s.next().IsZero() || s.next().After(st.due)) {
					t.Fatalf("%s is due before the next tick", id)
				}
			}
		}
		due := s.tick(now.Add(maxBackoff), len(ids))
		for _, id := range ids {
			if st := s.seeds[id]; !st.connected && !st.dialing {
				t.Fatalf("%s was forgotten, %v are dialed", id, due)
			}
		}
	})
}

func TestPauseBounds(t *testing.T) {
	for _, jitter := range []float64{0, 0.5, 0.999} {
		s := newSchedule(nil, epoch, func() float64 { return jitter })
		for failures := range 100 {
			if p := s.pause(failures); p < minBackoff/2 || p > maxBackoff {
				t.Fatalf("pause %s after %d failures", p, failures)
			}
		}
	}
	s, pauses := newSchedule(nil, epoch, nil), map[time.Duration]bool{}
	for range 100 {
		pauses[s.pause(5)] = true
	}
	if len(pauses) < 50 {
		t.Errorf("100 pauses of only %d lengths: no jitter", len(pauses))
	}
}
