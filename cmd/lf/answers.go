package main

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/lf-store/lf"
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
	Alive       *jsonAlive       `json:"alive,omitempty"`
	Older       []jsonRevision   `json:"older,omitempty"`
	Others      []jsonRevision   `json:"others,omitempty"`
	Explanation *api.Explanation `json:"explanation,omitempty"`
}

type jsonAnswers struct {
	Answers []jsonAnswer       `json:"answers"`
	More    bool               `json:"more"`
	Lapsed  int                `json:"lapsed,omitempty"`
	Damaged []*lf.DamagedError `json:"damaged,omitempty"`
	// Comparison tells how a proxy came to the answers.
	Comparison *api.Comparison `json:"comparison,omitempty"`
}

func answersJSON(q question, found *lf.Result) jsonAnswers {
	out := jsonAnswers{Answers: make([]jsonAnswer, len(found.Answers)), More: found.More, Lapsed: found.Lapsed, Damaged: found.Damaged, Comparison: found.Comparison}
	for i, a := range found.Answers {
		out.Answers[i] = answerJSON(q, a)
	}
	return out
}

func answerJSON(q question, a *lf.Answer) jsonAnswer {
	out := jsonAnswer{
		Selectors:    a.KeyAsSet().Expressions(),
		Further:      len(a.Header().Selectors) - len(a.Ordinals),
		Composite:    a.Header().CompositeID(),
		Claims:       a.Claims,
		jsonRevision: revisionJSON(&a.Version),
		Others:       revisionsJSON(a.Others),
		Alive:        aliveJSON(a.Alive),
		Explanation:  a.Explanation,
	}
	if q.history {
		out.Older = revisionsJSON(a.Older)
	}
	return out
}

func revisionsJSON(versions []lf.Version) []jsonRevision {
	out := make([]jsonRevision, len(versions))
	for i := range versions {
		out[i] = revisionJSON(&versions[i])
	}
	return out
}

func revisionJSON(v *lf.Version) jsonRevision {
	out := jsonRevision{
		Sealed: v.Sealed, Deleted: v.Deleted, Damaged: v.Damaged != nil, Owner: v.Owner, Timestamp: v.Header().Timestamp,
		Time: v.Time.Format(time.RFC3339Nano), Record: v.Record, Effort: v.Header().Effort(), Weight: v.Weight,
	}
	switch text := v.Text(); {
	case v.Sealed || out.Deleted || out.Damaged:
	case utf8.ValidString(text):
		out.Value = &text
	default:
		out.ValueBase64 = v.Value
	}
	return out
}

// printRaw writes values as they are: one alone byte for byte, of several each with a newline.
func (c *cli) printRaw(q question, answers []*lf.Answer) error {
	var values [][]byte
	for _, a := range answers {
		switch {
		case a.Sealed:
			return fmt.Errorf("%s: %w", a.Key, lf.ErrSealed)
		case !a.Deleted:
			values = append(values, a.Value)
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
func answersTable(g *getFlags, q question, answers []*lf.Answer, width int) string {
	var head []string
	for _, e := range q.key.Selectors() {
		head = append(head, shorten(text.Printable(e.Name), 24))
	}
	if q.open {
		head = append(head, "FURTHER")
	}
	if q.history {
		head = append(head, "CLAIM")
	}
	head = append(head, "OWNER", "TIME")
	alive := showsAlive(q, answers)
	if alive {
		head = append(head, "ALIVE")
	}
	if g.wide {
		head = append(head, "WEIGHT", "EFFORT", "CLAIMS", "RECORD")
	}
	rows := [][]string{append(head, "VALUE")}
	for _, a := range answers {
		row := func(v *lf.Version, claim string) []string { return answerRow(g, q, a, v, claim, alive) }
		rows = append(rows, row(&a.Version, "current"))
		if !q.history {
			continue
		}
		for i := range a.Older {
			rows = append(rows, row(&a.Older[i], "older"))
		}
		for i := range a.Others {
			rows = append(rows, row(&a.Others[i], "other"))
		}
	}
	cutLast(rows, width)
	return table(rows)
}

// answerRow shows one version of an answer.
func answerRow(g *getFlags, q question, a *lf.Answer, v *lf.Version, claim string, alive bool) []string {
	var row []string
	for _, ordinal := range a.Ordinals {
		row = append(row, strconv.FormatUint(ordinal, 10))
	}
	if q.open {
		row = append(row, strconv.Itoa(len(v.Header().Selectors)-len(a.Ordinals)))
	}
	if q.history {
		row = append(row, claim)
	}
	row = append(row, shortOwner(v.Owner), text.LocalTime(v.Header().Timestamp))
	switch {
	case alive && v.Record == a.Record:
		row = append(row, aliveCell(a))
	case alive:
		row = append(row, "")
	}
	if g.wide {
		row = append(row, wideCells(a, v)...)
	}
	return append(row, shownVersion(v))
}

// wideCells are what is known of a version beside what everybody wants to know. How many claims
// there are stands beside the one that answers.
func wideCells(a *lf.Answer, v *lf.Version) []string {
	claims := ""
	if v.Record == a.Record {
		claims = strconv.Itoa(a.Claims)
	}
	return []string{
		strconv.FormatUint(v.Weight, 10), strconv.FormatUint(uint64(v.Header().Effort()), 10), claims, v.Record.String(),
	}
}

func shownVersion(v *lf.Version) string {
	switch {
	case v.Deleted:
		return "(deleted)"
	case v.Sealed:
		return "(sealed)"
	case v.Damaged != nil:
		return "(damaged)"
	}
	return shown(v.Value)
}
