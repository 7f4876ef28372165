package main

import "regexp"

// A dialectMarker is a turn of phrase that slows a reader down, and what to write in its place.
type dialectMarker struct {
	pattern, allowed *regexp.Regexp // allowed: a sentence that it is right in
	better           string
}

var markers = []dialectMarker{
	{
		regexp.MustCompile(`\bbehind\b`),
		regexp.MustCompile(`(?i)\bahead\b|clock|back\b|router|^behind$|` +
			`\bbehind ((a|the|an|its|their|two|one) )?(same )?(nat|router|firewall|provider|office|proxy|nginx|load|home|relay)`),
		`"behind": write "after", unless it is a router or a clock`,
	},
	{regexp.MustCompile(`\banew\b`), nil, `"anew": write "again"`},
	{regexp.MustCompile(`\bfor ever\b`), nil, `"for ever": write "forever" or "without limit"`},
	{regexp.MustCompile(`\bsome \d`), nil, `"some 200": write "about 200"`},
	{
		regexp.MustCompile(`\b[Ww]ho(m|ever)? (is|are|has|knows|comes|can|wants|names|runs|writes)\b([^?]*[.:;]|[^?]*$)`),
		nil,
		"a clause with who as the subject: name the actor",
	},
	{regexp.MustCompile(`\bso many\b`), nil, `"so many": write "as many as"`},
	{regexp.MustCompile(`\bbesides\b`), nil, `"besides": write "also" or "apart from"`},
}

// quotation is what a sentence quotes, which is not its own words.
var quotation = regexp.MustCompile(`"[^"]*"`)

// markerIn says what is wrong with a sentence's words, "" if nothing is.
func markerIn(s string) string {
	s = quotation.ReplaceAllString(s, `""`)
	for _, m := range markers {
		if m.pattern.MatchString(s) && (m.allowed == nil || !m.allowed.MatchString(s)) {
			return m.better
		}
	}
	return ""
}
