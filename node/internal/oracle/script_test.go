package oracle

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/transcript"
)

// TestMachine replays the transcripts of testdata/machine. After the commands of a step comes what
// the machine wants to do then.
//
//	limits NAME=NUMBER|DURATION...    before anything else
//	tick TIME                         the clock shows TIME since the start
//	attached
//	found KEY [claims=OWNER,-OWNER] [said=OWNER,-OWNER]
//	                                  what the scan finds: "-" claims are not first, "-" words are withdrawals
//	scanned NEXT|REASON               the scan ends there, or fails
//	prepared TIMESTAMP|REASON         the record is made, or cannot be
//	saved [REASON]
//	submitted [REASON]
//	restart                           the process dies, and another begins 1 s later with what was saved
//	show
func TestMachine(t *testing.T) {
	transcript.ReplaySteps(t, "machine", func() func(*testing.T, string) string {
		s := &script{wall: time.UnixMilli(1_800_000_000_000), limits: defaultLimits(14, DefaultPerHour)}
		s.machine = newMachine(s.limits, state{})
		return s.step
	})
}

type script struct {
	*machine
	limits limits
	wall   time.Time // when the machine started
	found  []judged
	last   action
	disk   []byte
}

func (s *script) step(t *testing.T, commands string) string {
	out := transcript.Run(t, commands, s.do)
	s.last = s.next()
	return out + print(s.last)
}

func (s *script) do(t *testing.T, command string, args []string) string {
	rest := strings.Join(args, " ")
	switch command {
	case "limits":
		s.setLimits(t, args)
		s.machine = newMachine(s.limits, state{})
	case "tick":
		s.tick(transcript.Duration(t, rest))
	case "attached":
		s.attached()
	case "found":
		words, options := transcript.ParseArgs(args)
		s.found = append(s.found, testJudged(words[0], options["claims"], options["said"]))
	case "scanned":
		next, err := number(rest)
		s.scanned(s.found, next, err)
		s.found = nil
	case "prepared":
		timestamp, err := number(rest)
		s.prepared(s.last.(prepare).words, timestamp, err)
	case "saved":
		err := failure(rest)
		if kept := s.last.(save).state; err == nil {
			if s.disk, err = encodeState(testOwner("me"), kept, s.now, s.wall.Add(s.now)); err != nil {
				t.Fatal(err)
			}
		}
		s.saved(s.last.(save).state, err)
	case "submitted":
		_ = s.last.(submit)
		s.submitted(failure(rest))
	case "restart":
		s.restart(t)
	case "show":
		return fmt.Sprintf("said to %d, %d waiting, %d words in %d commentaries, silent: %q\n",
			s.position(), s.waiting(), s.words, s.commentaries, s.silent())
	default:
		t.Fatalf("unknown command %q", command)
	}
	return ""
}

func (s *script) restart(t *testing.T) {
	var from state
	s.wall = s.wall.Add(s.now + time.Second)
	if s.disk != nil {
		var err error
		if from, err = decodeState(s.disk, testOwner("me"), s.wall); err != nil {
			t.Fatal(err)
		}
	}
	s.machine = newMachine(s.limits, from)
}

func (s *script) setLimits(t *testing.T, args []string) {
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		if n, err := strconv.Atoi(value); err == nil {
			*map[string]*int{"perRecord": &s.limits.perRecord, "perHour": &s.limits.perHour, "queue": &s.limits.queue,
				"page": &s.limits.page, "attempts": &s.limits.attempts}[key] = n
			continue
		}
		*map[string]*time.Duration{"fresh": &s.limits.fresh, "poll": &s.limits.poll, "saveEvery": &s.limits.saveEvery}[key] = transcript.Duration(t, value)
	}
}

func number(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, errors.New(text)
	}
	return n, nil
}

func failure(reason string) error {
	if reason == "" {
		return nil
	}
	return errors.New(reason)
}

func print(a action) string {
	switch a := a.(type) {
	case scan:
		return fmt.Sprintf("scan %d keys after %d\n", a.limit, a.after)
	case prepare:
		return fmt.Sprintf("prepare, later than %d: %s\n", a.after, printWords(a.words))
	case save:
		return fmt.Sprintf("save: said to %d, %d records in the hour, open %t\n", a.state.cursor, len(a.state.records), a.state.open)
	case submit:
		return "submit\n"
	}
	return fmt.Sprintf("wait until %s\n", a.(wait).until)
}
