package fetch

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/transcript"
	"github.com/lf-store/lf/protocol"
)

// TestPlan replays the transcripts of testdata/plan. A transcript is a list of steps. Each is a
// command, a line of four dashes and the actions it makes the planner take. An empty line ends it.
// Lines with # are comments.
//
//	limits NAME=NUMBER|DURATION...    before anything else
//	up PEER, down PEER                a peer comes or goes
//	tick TIME                         the clock shows TIME since the start
//	want ID... [from=PEER] [depth=N] [delay=DURATION]
//	have ID...
//	list ID... by=PEER                a peer says that it has them attached
//	came ID..., later ID..., again ID...
//	done REQUEST [got=ID,...] [lacking=ID,...] [pruned=ID,...] [unclear=ID,...] [fault=failed|guilty]
//	                                  got: they came before and are stored after
//	blame PEER                        it broke another protocol
//	congested yes|no
//	show                              the wanted records and their state
func TestPlan(t *testing.T) {
	transcript.ReplayAll(t, "plan", func() func(*testing.T, string, []string) string {
		limits := defaultLimits()
		s := &script{planner: newPlanner(limits), names: make(map[protocol.ID]string), bans: make(map[peer.ID]time.Duration)}
		s.banned = func(p peer.ID) bool { return s.now < s.bans[p] }
		return s.do
	})
}

type script struct {
	*planner
	names map[protocol.ID]string
	bans  map[peer.ID]time.Duration // until when
}

// penalize bans a peer, as if it were not the first violation: far longer than all else.
func (s *script) penalize(p peer.ID) {
	s.bans[p] = s.now + 15*time.Minute
	s.ban(p)
}

func (s *script) do(t *testing.T, command string, args []string) string {
	words, options := transcript.ParseArgs(args)
	switch command {
	case "limits":
		s.setLimits(t, options)
		return ""
	case "up":
		s.peerUp(peer.ID(words[0]))
	case "down":
		s.peerDown(peer.ID(words[0]))
	case "tick":
		s.tick(transcript.Duration(t, words[0]))
	case "want":
		depth, _ := strconv.Atoi(options["depth"])
		s.want(s.ids(words), peer.ID(options["from"]), depth, transcript.Duration(t, options["delay"]))
	case "have":
		s.have(s.ids(words))
	case "list":
		s.listed(s.ids(words), peer.ID(options["by"]))
	case "came":
		s.came(s.ids(words))
	case "later":
		s.later(s.ids(words))
	case "again":
		s.again(s.ids(words))
	case "blame":
		s.penalize(peer.ID(words[0]))
	case "congested":
		s.congested = words[0] == "yes"
	case "done":
		n, err := strconv.Atoi(words[0])
		if err != nil {
			t.Fatal(err)
		}
		if r := s.planner.requests[requestID(n)]; r != nil && options["fault"] == "guilty" {
			s.penalize(r.peer.id)
		}
		s.came(s.list(options["got"]))
		s.done(requestID(n), answer{
			lacking: s.list(options["lacking"]), pruned: s.list(options["pruned"]), unclear: s.list(options["unclear"]),
			result: map[string]result{"": resultAnswered, "failed": resultFailed, "busy": resultBusy, "guilty": resultViolation}[options["fault"]],
		})
		s.have(s.list(options["got"]))
	case "show":
		return s.show()
	default:
		t.Fatalf("unknown command %q", command)
	}
	return s.print(s.take())
}

func (s *script) setLimits(t *testing.T, options map[string]string) {
	for key, value := range options {
		if number, err := strconv.Atoi(value); err == nil {
			if key == "wanted" {
				s.limits.named = number
			}
			*map[string]*int{"wanted": &s.limits.wanted, "requests": &s.limits.requests, "perPeer": &s.limits.perPeer,
				"named": &s.limits.named, "batch": &s.limits.batch, "minBatch": &s.limits.minBatch, "rounds": &s.limits.rounds, "firstBatch": &s.limits.firstBatch}[key] = number
			continue
		}
		*map[string]*time.Duration{"requestTime": &s.limits.requestTime, "unavailableTime": &s.limits.unavailableTime}[key] = transcript.Duration(t, value)
	}
}

func (s *script) ids(names []string) []protocol.ID {
	var ids []protocol.ID
	for _, name := range names {
		id := testID(name)
		s.names[id] = name
		ids = append(ids, id)
	}
	return ids
}

func (s *script) list(names string) []protocol.ID {
	if names == "" {
		return nil
	}
	return s.ids(strings.Split(names, ","))
}

func testID(name string) protocol.ID { return protocol.ID(sha256.Sum256([]byte(name))) }

func (s *script) print(actions []action) string {
	var out strings.Builder
	for _, a := range actions {
		switch a := a.(type) {
		case sendRequest:
			fmt.Fprintf(&out, "request %d: ask %s for", a.request, string(a.peer))
			for _, id := range a.ids {
				fmt.Fprintf(&out, " %s", s.names[id])
			}
			if a.wide {
				out.WriteString(" by their full names")
			}
			if a.ancestors > 0 {
				fmt.Fprintf(&out, " and %d ancestors", a.ancestors)
			}
			out.WriteString("\n")
		case cancelRequest:
			fmt.Fprintf(&out, "cancel request %d\n", a.request)
		case refill:
			fmt.Fprintf(&out, "refill %d\n", a.limit)
		case abandoned:
			fmt.Fprintf(&out, "wait no more for")
			for _, id := range a.ids {
				fmt.Fprintf(&out, " %s", s.names[id])
			}
			out.WriteString("\n")
		}
	}
	return out.String()
}

func (s *script) show() string {
	var lines []string
	for id, w := range s.wanted {
		line := s.names[id] + map[wantedState]string{stateReady: " ready", stateAsked: " asked", stateCame: " came", stateWaiting: " waiting"}[w.state]
		if w.state == stateWaiting {
			line += " until " + w.wakeAt.String()
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "") + fmt.Sprintf("%d dropped\n", s.dropped)
}
