package p2p

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

var epoch = time.Unix(1_800_000_000, 0)

// TestRedialer runs scripts against the state machine, which has the seeds a, b and c. A line is
// "TIME EVENT ARGS". The events are tick [ROOM], with the peers that must be dialed after "->";
// fail, ok, limited, up, down and lost with a peer; changed; keep (of a connected
// peer) and remove; and next with the expected time.
func TestRedialer(t *testing.T) {
	for name, script := range map[string]string{
		"all are due at once, and each once": `
			0s tick -> a b c
			0s tick ->
			1h tick ->`,
		"room": `
			0s tick 2 -> a b
			0s tick 0 ->
			0s tick 2 -> c`,
		"the pause grows with the time": `
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
			500ms next 1s
			60s tick -> a
			60s fail a
			60s next 75s
			75s tick -> a
			75s fail a
			75s next 93.75s`,
		"the pause has an end": `
			0s tick -> a b c
			0s ok b
			0s ok c
			0s fail a
			8h tick -> a
			8h fail a
			8h next 8h2m0s`,
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
			4s next 5s`,
		"a relay that cuts a connection says nothing of the peer": `
			0s tick -> a b c
			0s ok b
			0s ok c
			0s limited a
			1s down a
			1s next 1.5s
			2s tick -> a
			2s limited a
			3s down a
			3s next 3.5s`,
		"a peer that was lost is looked for, for an hour": `
			0s tick -> a b c
			0s ok a
			0s ok b
			0s ok c
			10s lost x
			10s next 10.5s
			10s lost x
			11s tick -> x
			11s fail x
			1h9s tick -> x
			1h9s fail x
			1h10s tick ->
			1h10s next never`,
		"a lost peer that is back is left to itself after a while": `
			0s tick -> a b c
			0s ok a
			0s ok b
			0s ok c
			1s lost x
			2s tick -> x
			2s ok x
			3s down x
			3s next 3.5s
			4s tick -> x
			4s ok x
			64s tick ->
			64s down x
			64s next never`,
		"who returns says that those lost with it may be back": `
			0s tick -> a b c
			0s ok a
			0s ok b
			0s ok c
			100s down a
			110s down b
			200s down c
			260s tick -> a b c
			260s fail a
			260s fail b
			260s fail c
			260s next 275s
			265s up b
			265s next 0s
			265s tick -> a
			265s fail a
			265s next 275s`,
		"a changed network makes all due": `
			0s tick -> a b c
			0s fail a
			0s ok b
			0s fail c
			1s tick -> a c
			1s fail a
			1s fail c
			1s next 1.5s
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
			1s next 1.5s
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
		"an added peer is dialed without limit, and left alone after it was removed": `
			0s tick -> a b c
			0s ok a
			0s ok b
			0s ok c
			0s keep x
			1h down x
			1h next 1h0m0.5s
			2h tick -> x
			2h fail x
			99h tick -> x
			99h fail x
			99h remove x
			999h tick ->
			999h next never`,
		"a lost peer that is added is not forgotten": `
			0s tick -> a b c
			0s ok a
			0s ok b
			0s ok c
			0s lost x
			1s tick -> x
			2s keep x
			2s ok x
			1h down x
			99h tick -> x`,
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
	s := newRedialer([]peer.ID{"a", "b", "c", "a"}, epoch, func() float64 { return 0 })
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
		case "fail", "ok", "limited":
			s.dialed(p, now, words[1] != "fail", words[1] == "limited")
		case "up", "down":
			s.connectedness(p, now, words[1] == "up", false)
		case "lost":
			s.lost(p, now, false)
		case "changed":
			s.networkChanged(now)
		case "keep":
			s.keep(p, now, true, false)
		case "remove":
			s.remove(p)
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

// TestRedialerNeverForgets holds against every order of events that a seed is connected, being
// dialed, or due within the longest pause. Lost peers are few.
func TestRedialerNeverForgets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := []peer.ID{"a", "b", "c"}
		s := newRedialer(ids, epoch, func() float64 { return rapid.Float64Range(0, 0.999).Draw(t, "jitter") })
		now := epoch
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "pass")))
			p := peer.ID(rapid.StringMatching("[a-z]").Draw(t, "peer"))
			switch rapid.IntRange(0, 5).Draw(t, "event") {
			case 0:
				s.tick(now, rapid.IntRange(0, 3).Draw(t, "room"))
			case 1:
				if s.has(p) && s.peers[p].dialing {
					s.dialed(p, now, rapid.Bool().Draw(t, "ok"), rapid.Bool().Draw(t, "limited"))
				}
			case 2:
				s.connectedness(p, now, rapid.Bool().Draw(t, "up"), rapid.Bool().Draw(t, "limited"))
			case 3:
				s.networkChanged(now)
			case 4:
				s.lost(p, now, rapid.Bool().Draw(t, "limited"))
			}
			for _, id := range s.order {
				backoff := s.peers[id]
				if backoff.due.After(now.Add(maxBackoff)) {
					t.Fatalf("%s is due only in %s", id, backoff.due.Sub(now))
				}
				if !backoff.connected && !backoff.dialing && (s.next().IsZero() || s.next().After(backoff.due)) {
					t.Fatalf("%s is due before the next tick", id)
				}
			}
			if len(s.order) != len(s.peers) || len(s.order) > len(ids)+maxLost {
				t.Fatalf("%d peers in order, %d in all", len(s.order), len(s.peers))
			}
		}
		due := s.tick(now.Add(maxBackoff), 100)
		for _, id := range ids {
			if backoff := s.peers[id]; backoff == nil || (!backoff.connected && !backoff.dialing) {
				t.Fatalf("%s was forgotten, %v are dialed", id, due)
			}
		}
	})
}

func TestPauseBounds(t *testing.T) {
	for _, jitter := range []float64{0, 0.5, 0.999} {
		s := newRedialer(nil, epoch, func() float64 { return jitter })
		for i := range 100 {
			for _, away := range []time.Duration{0, time.Second, time.Minute, 100 * time.Hour} {
				if p := s.pause(&peerBackoff{brief: i, away: epoch}, epoch.Add(away)); p < minBackoff/2 || p > maxBackoff {
					t.Fatalf("pause %s after %s and %d brief connections", p, away, i)
				}
			}
		}
	}
	s, pauses := newRedialer(nil, epoch, nil), map[time.Duration]bool{}
	for range 100 {
		pauses[s.pause(&peerBackoff{away: epoch}, epoch.Add(time.Minute))] = true
	}
	if len(pauses) < 50 {
		t.Errorf("100 pauses of only %d lengths: no jitter", len(pauses))
	}
}

// TestLostAtOnce has a hundred peers lost at once: some are looked for, not always the same.
func TestLostAtOnce(t *testing.T) {
	chosen := map[peer.ID]bool{}
	for range 20 {
		s := newRedialer([]peer.ID{"seed"}, epoch, nil)
		for i := range 100 {
			s.lost(peer.ID(strconv.Itoa(i)), epoch, false)
		}
		dial := s.tick(epoch.Add(time.Minute), 1000)
		if len(dial) != maxLost+1 || dial[0] != "seed" {
			t.Fatalf("%d are dialed", len(dial))
		}
		for _, p := range dial[1:] {
			chosen[p] = true
		}
	}
	if len(chosen) < 2*maxLost {
		t.Errorf("only %d of 100 were ever chosen", len(chosen))
	}
}

// TestRedialerFacts holds what is told of the peers to stay connected to.
func TestRedialerFacts(t *testing.T) {
	s := newRedialer([]peer.ID{"up", "away", "dialed", "gone"}, epoch, func() float64 { return 0 })
	s.lost("lost", epoch, false)
	s.connectedness("gone", epoch, true, false)
	s.tick(epoch, 3)
	s.dialed("up", epoch, true, false)
	s.dialed("away", epoch, false, false)
	if f := s.facts()[1]; f.Failures != 1 {
		t.Errorf("a dial in vain: %+v", f)
	}
	later := epoch.Add(lasting)
	s.connectedness("gone", later, false, false)
	// forgets when it was lost, but not when it was heard of
	s.networkChanged(later.Add(time.Second))
	want := []dialFacts{
		{peer: "up", DialHistory: DialHistory{Connected: true, Since: epoch}},
		{peer: "away", DialHistory: DialHistory{Due: epoch.Add(minBackoff)}},
		{peer: "dialed", DialHistory: DialHistory{Dialing: true}},
		{peer: "gone", DialHistory: DialHistory{Since: later, Due: later.Add(minBackoff)}},
		{peer: "lost", DialHistory: DialHistory{Due: epoch.Add(minBackoff)}},
	}
	if have := s.facts(); !slices.Equal(have, want) {
		t.Errorf("have %+v\nwant %+v", have, want)
	}
}
