package main

import (
	"regexp"
	"strings"
	"unicode"
)

const maxWords = 25

// sentence is a sentence and the line on which its paragraph begins.
type sentence struct {
	line int
	text string
}

// words is how many words a sentence has: what has a letter in it.
func (s sentence) words() (n int) {
	for _, w := range strings.Fields(s.text) {
		if strings.IndexFunc(w, unicode.IsLetter) >= 0 {
			n++
		}
	}
	return n
}

var item = regexp.MustCompile(`^\s*([-*] |\d+\. )`)

// sentences takes a text apart: into paragraphs and items of lists, and those into sentences.
func (t text) sentences() (all []sentence) {
	var paragraph []string
	begun, inList := 0, false
	end := func() {
		if len(paragraph) > 0 {
			all = append(all, cut(begun, strings.Join(paragraph, " "))...)
		}
		paragraph = nil
	}
	for _, l := range t.lines {
		body := strings.TrimSpace(l.text)
		indented := strings.HasPrefix(l.text, "\t") || strings.HasPrefix(l.text, "    ")
		switch {
		case body == "" || indented && !inList: // the end, or code
			end()
			inList = false
			continue
		case item.MatchString(l.text):
			end()
			inList = true
		case !indented && !strings.HasPrefix(l.text, " "):
			inList = false
		}
		if len(paragraph) == 0 {
			begun = l.number
		}
		paragraph = append(paragraph, body)
	}
	end()
	return all
}

var (
	ending       = regexp.MustCompile(`[.!?]\s+|[:;]\s+`)
	abbreviation = regexp.MustCompile(`(e\.g|i\.e|vs|cf)\.$`)
)

// cut takes a paragraph apart into sentences. A colon or semicolon ends one only where the next
// begins like a sentence or a list.
func cut(number int, paragraph string) (all []sentence) {
	begin := 0
	for _, at := range ending.FindAllStringIndex(paragraph, -1) {
		before, after := paragraph[:at[0]+1], paragraph[at[1]:]
		clause := strings.ContainsAny(paragraph[at[0]:at[0]+1], ":;")
		switch {
		case after == "" || abbreviation.MatchString(before):
			continue
		case clause && !unicode.IsUpper(rune(after[0])) && !strings.ContainsAny(after[:1], "`[("):
			continue
		}
		all = append(all, sentence{number, paragraph[begin : at[0]+1]})
		begin = at[1]
	}
	return append(all, sentence{number, paragraph[begin:]})
}
