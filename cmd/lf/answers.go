package main

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// jsonRevision is a record in JSON output. Programs rely on the names: add, never change.
type jsonRevision struct {
	Value       *string        `json:"value,omitempty"`
	ValueBase64 []byte         `json:"valueBase64,omitempty"`
	Sealed      bool           `json:"sealed,omitempty"`
	Deleted     bool           `json:"deleted,omitempty"`
	Damaged     bool           `json:"damaged,omitempty"`
	Owner       protocol.Owner `json:"owner"`
	Time        string         `json:"time"`
	Timestamp   uint64         `json:"timestamp"`
	Record      protocol.ID    `json:"record"`
	Effort      uint32         `json:"effort"`
	Weight      uint64         `json:"weight,omitempty"`
}

type jsonAnswer struct {
	Selectors []string             `json:"selectors"`
	Further   int                  `json:"further,omitempty"`
	Composite protocol.CompositeID `json:"composite"`
	Claims    int                  `json:"claims"`
	jsonRevision
	Older       []jsonRevision   `json:"older,omitempty"`
	Others      []jsonRevision   `json:"others,omitempty"`
	Explanation *api.Explanation `json:"explanation,omitempty"`
}

type jsonAnswers struct {
	Answers []jsonAnswer    `json:"answers"`
	More    bool            `json:"more"`
	Damaged []*damagedError `json:"damaged,omitempty"`
}

func answersJSON(q question, found asked) jsonAnswers {
	out := jsonAnswers{Answers: make([]jsonAnswer, len(found.answers)), More: found.more, Damaged: found.damaged}
	for i, a := range found.answers {
		out.Answers[i] = jsonAnswer{
			Selectors:    expressions(a.selectors),
			Further:      len(a.winner.record.Selectors) - len(q.selectors),
			Composite:    a.winner.record.CompositeID(),
			Claims:       a.claims,
			jsonRevision: a.winner.json(),
			Others:       revisionsJSON(a.others),
			Explanation:  a.explanation,
		}
		if q.history {
			out.Answers[i].Older = revisionsJSON(a.older)
		}
	}
	return out
}

func revisionsJSON(revisions []revision) []jsonRevision {
	out := make([]jsonRevision, len(revisions))
	for i, v := range revisions {
		out[i] = v.json()
	}
	return out
}

func (v revision) json() jsonRevision {
	r := v.record
	out := jsonRevision{
		Sealed: v.sealed, Deleted: r.Tombstone(), Damaged: v.damaged != nil, Owner: r.Owner, Timestamp: r.Timestamp,
		Time: timeOf(r.Timestamp).Format(time.RFC3339Nano), Record: r.ID(), Effort: r.Effort(), Weight: v.weight,
	}
	switch text := string(v.value); {
	case v.sealed || out.Deleted || out.Damaged:
	case utf8.ValidString(text):
		out.Value = &text
	default:
		out.ValueBase64 = v.value
	}
	return out
}

// printRaw writes values as they are: one alone byte for byte, of several each with a newline.
func (c *cli) printRaw(q question, answers []answer) error {
	var values [][]byte
	for i := range answers {
		switch a := &answers[i]; {
		case a.winner.sealed:
			return fmt.Errorf("%s: the value is sealed: it needs its primary name among those asked for, or its masking key", written(a.selectors))
		case !a.deleted():
			values = append(values, a.winner.value)
		}
	}
	for _, v := range values {
		if !q.exact() {
			v = append(v[:len(v):len(v)], '\n')
		}
		if err := c.print(string(v)); err != nil {
			return err
		}
	}
	return nil
}

// answersTable writes answers as a table with a column for each name's ordinals. A width of 0 does
// not cut values.
func answersTable(g *getFlags, q question, answers []answer, width int) string {
	head := make([]string, 0, len(q.selectors)+9)
	for _, e := range q.selectors {
		head = append(head, shorten(text.Printable(e.Name), 24))
	}
	if q.open {
		head = append(head, "FURTHER")
	}
	if q.history {
		head = append(head, "CLAIM")
	}
	head = append(head, "OWNER", "TIME")
	if g.wide {
		head = append(head, "WEIGHT", "EFFORT", "CLAIMS", "RECORD")
	}
	rows := [][]string{append(head, "VALUE")}
	for i := range answers {
		a := &answers[i]
		rows = append(rows, a.row(g, q, a.winner, "current"))
		if !q.history {
			continue
		}
		for _, v := range a.older {
			rows = append(rows, a.row(g, q, v, "older"))
		}
		for _, v := range a.others {
			rows = append(rows, a.row(g, q, v, "other"))
		}
	}
	cutLast(rows, width)
	return table(rows)
}

func (a *answer) row(g *getFlags, q question, v revision, claim string) []string {
	var row []string
	for _, e := range a.selectors {
		row = append(row, strconv.FormatUint(e.From, 10))
	}
	if q.open {
		row = append(row, strconv.Itoa(len(v.record.Selectors)-len(a.selectors)))
	}
	if q.history {
		row = append(row, claim)
	}
	row = append(row, shortOwner(v.record.Owner), localTime(v.record.Timestamp))
	if g.wide {
		row = append(row, a.wide(v)...)
	}
	return append(row, v.shown())
}

// wide is what is known of a version beside what everybody wants to know. How many claims there are
// stands beside the one that answers.
func (a *answer) wide(v revision) []string {
	claims := ""
	if v.record == a.winner.record {
		claims = strconv.Itoa(a.claims)
	}
	return []string{
		strconv.FormatUint(v.weight, 10), strconv.FormatUint(uint64(v.record.Effort()), 10), claims, v.record.ID().String(),
	}
}

func (v revision) shown() string {
	switch {
	case v.record.Tombstone():
		return "(deleted)"
	case v.sealed:
		return "(sealed)"
	case v.damaged != nil:
		return "(damaged)"
	}
	return shown(v.value)
}
