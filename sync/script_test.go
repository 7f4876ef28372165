package lfsync

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

var rewrite = flag.Bool("rewrite", false, "write what the scheduler does into its transcripts")

// TestScheduler replays the transcripts of testdata/scheduler. A transcript is a list of steps,
// each a command, a line of four dashes and the actions it makes the scheduler take, with an empty
// line behind them. Lines with # are comments.
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
func TestScheduler(t *testing.T) {
	replayAll(t, "scheduler", func() func(*testing.T, string, []string) string {
		limits := defaultSchedulerLimits()
		// as if it were not the first fault: far longer than all else
		limits.faultPause = 15 * time.Minute
		return (&script{scheduler: newScheduler(limits), names: make(map[protocol.ID]string)}).do
	})
}

type script struct {
	*scheduler
	names map[protocol.ID]string
}

func (s *script) do(t *testing.T, command string, args []string) string {
	words, options := parseArgs(args)
	switch command {
	case "limits":
		s.setLimits(t, options)
		return ""
	case "up":
		s.peerUp(peer.ID(words[0]))
	case "down":
		s.peerDown(peer.ID(words[0]))
	case "tick":
		s.tick(duration(t, words[0]))
	case "want":
		depth, _ := strconv.Atoi(options["depth"])
		s.want(s.ids(words), peer.ID(options["from"]), depth, duration(t, options["delay"]))
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
		s.blame(peer.ID(words[0]))
	case "congested":
		s.congested = words[0] == "yes"
	case "done":
		n, err := strconv.Atoi(words[0])
		if err != nil {
			t.Fatal(err)
		}
		s.came(s.list(options["got"]))
		s.done(requestID(n), answer{
			lacking: s.list(options["lacking"]), pruned: s.list(options["pruned"]), unclear: s.list(options["unclear"]),
			fault: map[string]fault{"": faultNone, "failed": faultFailed, "busy": faultBusy, "guilty": faultGuilty}[options["fault"]],
		})
		s.have(s.list(options["got"]))
	case "show":
		return s.show()
	default:
		t.Fatalf("unknown command %q", command)
	}
	return s.print(s.take())
}

func parseArgs(args []string) (words []string, options map[string]string) {
	options = make(map[string]string)
	for _, a := range args {
		if key, value, ok := strings.Cut(a, "="); ok {
			options[key] = value
		} else {
			words = append(words, a)
		}
	}
	return words, options
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
		*map[string]*time.Duration{"requestTime": &s.limits.requestTime, "hopelessTime": &s.limits.hopelessTime}[key] = duration(t, value)
	}
}

func duration(t *testing.T, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
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
		case ask:
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
		case cancel:
			fmt.Fprintf(&out, "cancel request %d\n", a.request)
		case refill:
			fmt.Fprintf(&out, "refill %d\n", a.limit)
		case forgone:
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
		line := s.names[id] + map[wantState]string{stateReady: " ready", stateAsked: " asked", stateCame: " came", stateWaiting: " waiting"}[w.state]
		if w.state == stateWaiting {
			line += " until " + w.wakeAt.String()
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "") + fmt.Sprintf("%d dropped\n", s.dropped)
}
