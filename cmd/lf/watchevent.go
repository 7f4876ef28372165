package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// eventFilter leaves out events that the flags do not ask for.
type eventFilter struct {
	flags   *watchFlags
	started bool // what answered at the start was told
	shown   bool // something was shown
	atStart map[protocol.CompositeID]protocol.ID
}

// wants reports whether an event is to be shown. It must be asked about every event in turn.
func (f *eventFilter) wants(e *lf.Event) bool {
	switch {
	case e.Kind == lf.EventPresent:
		f.started = true
		return !f.flags.once || f.shown
	case e.Kind == lf.EventSync:
		return !f.flags.once
	case e.Kind == lf.EventContested:
		return true
	case f.flags.settled > 0 && e.Kind != lf.EventSettled:
		f.note(e)
		return false
	case f.flags.settled > 0:
		return !f.flags.once || f.flags.after != "" || f.atStart[e.Composite] != recordOf(e)
	}
	return !f.flags.once || f.flags.after != "" || f.started
}

// ends reports whether --once is done after an event, which was shown or not. What has changed
// since the event of --after is shown as a whole: only then is there a cursor that covers it.
func (f *eventFilter) ends(shown bool) bool {
	f.shown = f.shown || shown
	return f.flags.once && f.shown && f.started
}

// note remembers what answers at the start.
func (f *eventFilter) note(e *lf.Event) {
	if f.started || !f.flags.once {
		return
	}
	if f.atStart == nil {
		f.atStart = map[protocol.CompositeID]protocol.ID{}
	}
	f.atStart[e.Composite] = recordOf(e)
}

// recordOf is the record that answers, zero where nothing does.
func recordOf(e *lf.Event) protocol.ID {
	switch {
	case e.Answer != nil:
		return e.Answer.Record
	case e.Damaged != nil:
		return e.Damaged.Record
	}
	return protocol.ID{}
}

// jsonEvent is an event in JSON output. Programs rely on the names: add, never change.
type jsonEvent struct {
	Event     string   `json:"event"`
	At        string   `json:"at"`
	Selectors []string `json:"selectors,omitempty"`
	*jsonAnswer
	Before    *protocol.ID       `json:"before,omitempty"`
	Decided   protocol.Criterion `json:"decided,omitempty"`
	Unsettled bool               `json:"unsettled,omitempty"`
	Lead      *uint64            `json:"lead,omitempty"`
	Rival     *jsonRevision      `json:"rival,omitempty"`
	Damage    *lf.DamagedError   `json:"damage,omitempty"`
	All       *bool              `json:"all,omitempty"`
	Synced    *bool              `json:"synced,omitempty"`
	Cursor    string             `json:"cursor"`
}

func eventJSON(e *lf.Event, now time.Time) jsonEvent {
	out := jsonEvent{
		Event: string(e.Kind), At: now.Format(time.RFC3339Nano), Decided: e.Decided, Unsettled: e.Unsettled, Damage: e.Damaged, Cursor: e.Cursor,
	}
	switch e.Kind {
	case lf.EventPresent:
		out.All = &e.All
	case lf.EventSync:
		out.Synced = &e.Synced
	case lf.EventSettled:
		out.Lead = &e.Lead
		fallthrough
	default:
		out.Selectors = e.Key.Expressions()
	}
	if e.Answer != nil {
		answer := answerJSON(question{}, e.Answer)
		out.jsonAnswer, out.Selectors = &answer, answer.Selectors
	}
	if e.Rival != nil {
		rival := revisionJSON(e.Rival)
		out.Rival = &rival
	}
	if (e.Before != protocol.ID{}) {
		out.Before = &e.Before
	}
	return out
}

// showEvent writes an event: a line for people, or one of JSON.
func (c *cli) showEvent(e *lf.Event) error {
	now := time.Now()
	if c.json {
		line := json.NewEncoder(c.stdout)
		line.SetEscapeHTML(false)
		return outputError(line.Encode(eventJSON(e, now)))
	}
	switch e.Kind {
	case lf.EventPresent:
		return nil
	case lf.EventSync:
		c.noteSync(e.Synced)
		return nil
	}
	shown, owner := "", ""
	switch version := eventVersion(e); {
	case version != nil:
		shown, owner = shownVersion(version), shortOwner(version.Owner)
	case e.Damaged != nil:
		shown = "(damaged)"
	}
	cells := []string{text.LocalTime(uint64(now.UnixMilli())), fmt.Sprintf("%-9s", e.Kind), text.Printable(e.Key.String()), owner, shown}
	line := strings.TrimRight(strings.Join(cells, "  "), " ")
	if width, ok := terminal(c.stdout); ok {
		line = shorten(line, max(width, minLastColumn))
	}
	return c.print(line + "\n")
}

// eventVersion is the version that an event is about, nil where there is none to show.
func eventVersion(e *lf.Event) *lf.Version {
	switch {
	case e.Rival != nil:
		return e.Rival
	case e.Answer != nil:
		return &e.Answer.Version
	}
	return nil
}

// noteSync tells when the node comes to be in sync, and when it no longer is. Most nodes are, so at
// the start only the other case is told.
func (c *cli) noteSync(synced bool) {
	if synced {
		c.note("the node is in sync")
		return
	}
	c.note("the node is not in sync: it may lack the newest records (see lf status)")
}
