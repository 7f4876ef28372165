package reconcile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/transcript"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// TestPlan replays the transcripts of testdata/plan, which look like those of package fetch
// (see its TestPlan).
//
//	self PEER [seed=N]                who this node is; before anything else
//	limits NAME=NUMBER|DURATION...
//	ready                             this node's set is complete
//	up PEER, down PEER                a peer comes or goes
//	tick TIME                         the clock shows TIME since the start
//	until TIME                        the clock ticks every 200 ms until then, and each session begun finds equal sets
//	deep PEER|SESSION                 our session with it, or the one with that number, turns out to be long
//	ended PEER|SESSION equal|differing|interrupted|cut|busy|failed|guilty [done=N] [listed=N]
//	served PEER differs|equal|cut     a session of the peer's has ended
//	guilty PEER                       it broke another protocol
//	demand                            everybody is to be compared with now
//	backlog much|little               so much of what peers listed is on its way
//	came                              some of what peers listed has come
//	caughtup                          all of it has
//	show                              the peers and what is planned with them
func TestPlan(t *testing.T) {
	transcript.ReplayAll(t, "plan", func() func(*testing.T, string, []string) string { return new(planScript).do })
}

type planScript struct {
	*planner
	bans map[peer.ID]time.Duration // until when
}

// penalize bans a peer, as if it were not the first violation: far longer than all else.
func (s *planScript) penalize(p peer.ID) {
	s.bans[p] = s.now + 15*time.Minute
	s.ban(p)
}

func (s *planScript) do(t *testing.T, command string, args []string) string {
	words, options := transcript.ParseArgs(args)
	switch command {
	case "self":
		seed, _ := strconv.ParseUint(options["seed"], 10, 64)
		limits := defaultLimits()
		s.planner, s.bans = newPlanner(limits, peer.ID(words[0]), rand.New(rand.NewPCG(seed, 0))), make(map[peer.ID]time.Duration)
		s.banned = func(p peer.ID) bool { return s.now < s.bans[p] }
	case "limits":
		for key, value := range options {
			if number, err := strconv.Atoi(value); err == nil {
				*map[string]*int{"sessions": &s.limits.sessions, "absent": &s.limits.absent}[key] = number
				continue
			}
			*map[string]*time.Duration{"leadTime": &s.limits.leadTime, "barrenTime": &s.limits.barrenTime}[key] = transcript.Duration(t, value)
		}
	case "ready":
		s.rebuilt()
	case "up":
		s.peerUp(peer.ID(words[0]))
	case "down":
		s.peerDown(peer.ID(words[0]))
	case "tick":
		s.tick(transcript.Duration(t, words[0]))
	case "until":
		return s.until(transcript.Duration(t, words[0]))
	case "deep":
		if !s.deepen(s.session(t, words[0])) {
			return "it does not lead\n" + s.print(s.take())
		}
	case "ended":
		i := slices.Index(resultNames[:], words[1])
		if i < 0 {
			t.Fatalf("unknown result %q", words[1])
		}
		listed, _ := strconv.Atoi(options["listed"])
		done, _ := strconv.ParseUint(options["done"], 10, 64)
		session := s.session(t, words[0])
		if p := s.planner.sessions[session]; p != nil && result(i) == resultViolation {
			s.penalize(p.id)
			s.dropHalt(session)
		}
		s.ended(session, outcome{result: result(i), listed: listed, done: negentropy.Bound{Timestamp: done}})
	case "served":
		s.served(peer.ID(words[0]), words[1] == "differs", words[1] == "equal")
	case "guilty":
		s.penalize(peer.ID(words[0]))
	case "demand":
		s.demand()
	case "backlog":
		s.backlog = words[0] == "much"
	case "came":
		s.came(s.now)
	case "caughtup":
		s.caughtUp()
	case "show":
		return s.show()
	default:
		t.Fatalf("unknown command %q", command)
	}
	return s.print(s.take())
}

// until lets time pass in a network that is in sync.
func (s *planScript) until(end time.Duration) string {
	var out strings.Builder
	for s.now < end {
		s.tick(s.now + tickEvery)
		actions := s.take()
		for _, d := range actions {
			if d, ok := d.(compare); ok {
				fmt.Fprintf(&out, "%s: ", s.now)
				out.WriteString(s.print([]action{d}))
				s.ended(d.session, outcome{result: resultEqual, done: negentropy.Infinity})
			}
		}
	}
	return out.String()
}

// session is one that is named by its number or by the peer.
func (s *planScript) session(t *testing.T, text string) sessionID {
	t.Helper()
	for id, p := range s.sessions {
		if string(p.id) == text {
			return id
		}
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return sessionID(n)
}

func (s *planScript) print(actions []action) string {
	var out strings.Builder
	for _, d := range actions {
		switch d := d.(type) {
		case compare:
			fmt.Fprintf(&out, "session %d: compare with %s", d.session, string(d.peer))
			if d.from != (negentropy.Bound{}) {
				fmt.Fprintf(&out, " from %d, begun at %s", d.from.Timestamp, d.since)
			}
			out.WriteString("\n")
		case halt:
			fmt.Fprintf(&out, "halt session %d\n", d.session)
		}
	}
	return out.String()
}

func (s *planScript) show() string {
	var out strings.Builder
	for _, p := range s.peers {
		fmt.Fprintf(&out, "%s:", string(p.id))
		switch {
		case p.session != 0 && s.leader == p.session:
			fmt.Fprintf(&out, " leads by session %d", p.session)
		case p.session != 0:
			fmt.Fprintf(&out, " session %d", p.session)
		case p.waits:
			out.WriteString(" waits for the lead")
		case p.due != never:
			fmt.Fprintf(&out, " due at %s", max(p.due, p.pausedTo, s.bans[p.id]))
		}
		if p.again != never {
			fmt.Fprintf(&out, " again at %s", p.again)
		}
		out.WriteString("\n")
	}
	fmt.Fprintf(&out, "pace %s\n", s.interval)
	return out.String()
}
