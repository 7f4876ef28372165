package main

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/lf-store/lf/internal/text"
)

// shown writes a value for people, so that no value looks like another one. Plain text stays as it
// is, text with anything special in it is quoted, and other bytes are in hexadecimal. What stands
// in parentheses is never a value.
func shown(value []byte) string {
	s := string(value)
	switch {
	case !utf8.ValidString(s):
		return "(hex) " + hex.EncodeToString(value)
	case s == "" || s != strings.TrimSpace(s) || strings.ContainsAny(s[:1], `("`) || s != text.Printable(s):
		return strconv.Quote(s)
	}
	return s
}

// shorten cuts text to a width in columns.
func shorten(s string, width int) string { return runewidth.Truncate(s, width, "…") }

// table writes rows under one another in columns; the last column is as wide as it comes.
func table(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i < len(row)-1 {
				cell = runewidth.FillRight(cell, widths[i]) + "  "
			}
			b.WriteString(cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// minLastColumn is the narrowest that a table's last column is cut to.
const minLastColumn = 20

// cutLast cuts the last column to what the terminal's width leaves for it; a width of 0 cuts
// nothing.
func cutLast(rows [][]string, width int) {
	if width == 0 {
		return
	}
	before := 0
	for i := range len(rows[0]) - 1 {
		widest := 0
		for _, row := range rows {
			widest = max(widest, runewidth.StringWidth(row[i]))
		}
		before += widest + 2
	}
	for _, row := range rows {
		last := &row[len(row)-1]
		*last = shorten(*last, max(width-before, minLastColumn))
	}
}
