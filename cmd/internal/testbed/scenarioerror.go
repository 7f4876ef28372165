package testbed

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/lf-store/lf/internal/text"
)

// ScenarioError is what is wrong at one place of a scenario, and what to do about it.
type ScenarioError struct {
	File         string
	Line, Column int // from 1; the column counts characters
	Text         string
	Source       string // the line
}

// ScenarioErrors is everything that is wrong with a scenario, in the order of its lines.
type ScenarioErrors []*ScenarioError

// Error is the whole list, three lines each.
func (m ScenarioErrors) Error() string {
	texts := make([]string, len(m))
	for i, one := range m {
		texts[i] = one.String()
	}
	return strings.Join(texts, "\n")
}

// String is where, what, and the line with a mark under the place.
func (m *ScenarioError) String() string {
	head := fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, m.Text)
	if m.Source == "" {
		return head
	}
	number := fmt.Sprintf("%5d | ", m.Line)
	return head + "\n" + number + m.Source + "\n" + strings.Repeat(" ", len(number)-2) + "| " + m.mark()
}

// mark stands under the place. What is as wide as two characters, and tabs, are kept as wide above
// and below.
func (m *ScenarioError) mark() string {
	var under strings.Builder
	for i, r := range []rune(m.Source) {
		if i+1 >= m.Column {
			break
		}
		if r == '\t' {
			under.WriteByte('\t')
			continue
		}
		under.WriteString(strings.Repeat(" ", runewidth.RuneWidth(r)))
	}
	return under.String() + "^"
}

// nearest returns the candidate that a misspelt word probably means, "" for none.
func nearest(word string, candidates []string) string {
	best, least := "", min(len(word), 1+max(1, (len(word)+1)/3))
	for _, c := range candidates {
		if d := text.Distance(strings.ToLower(word), c); d < least {
			best, least = c, d
		}
	}
	return best
}

// listing is "a, b and c"; a long one is cut.
func listing(words []string) string {
	const most = 12
	if n := len(words); n > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), n-most)
	}
	return text.Join(words, "and")
}
