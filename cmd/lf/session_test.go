package main

import (
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var updateSession = flag.Bool("update", false, "record docs/session.svg again")

const sessionFile = "../../docs/session.svg"

// sessionCommands are what docs/session.svg shows.
var sessionCommands = []string{
	"export LF_HOME=try",
	"lf node --dev --home try &",
	"lf owner new me",
	"lf set horse#0 'Bad Horse, Bad Horse'",
	"lf set bad horse#2 'He rides across the nation'",
	"lf get bad horse#",
	"lf owner new mallory",
	"lf set horse#0 'I am Bad Horse' --owner mallory",
	"lf get horse --explain",
}

// TestSession holds the recorded session of README to a real one: go test -run TestSession -update
// records it again.
func TestSession(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	var lines []string
	for i, command := range sessionCommands {
		lines = append(lines, "$ "+command)
		if strings.HasSuffix(command, "&") || strings.HasPrefix(command, "export ") {
			s.try(t, example{i, command, nil})
			continue
		}
		for _, line := range s.run(t, command) {
			lines = append(lines, strings.ReplaceAll(line, s.dir, "~"))
		}
	}
	if *updateSession {
		if err := os.WriteFile(sessionFile, []byte(sessionSVG(lines)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	recorded := readSession(t)
	if got, want := anonymous(lines), anonymous(recorded); !slices.Equal(got, want) {
		t.Errorf("the session is now\n%s\nand was recorded as\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if again := sessionSVG(recorded); again != readText(t, sessionFile) {
		t.Error("docs/session.svg is not drawn as now: record it again")
	}
}

// anonymous takes out of lines what differs each time: keys, times, weights, and widths of columns.
func anonymous(lines []string) (same []string) {
	varies := regexp.MustCompile(`bafyrei\w+|12D3KooW\w+(…\w+)?|…\w{8}|\d{4}-\d\d-\d\d [\d:.]+|\b\d+( ✗)? +%|  +`)
	for _, line := range lines {
		line = varies.ReplaceAllString(line, " % ")
		line = regexp.MustCompile(`\b\d+( ✗)? +%`).ReplaceAllString(line, "W$1 %")
		same = append(same, strings.Join(strings.Fields(line), " "))
	}
	return same
}

// What the picture of a terminal is drawn with, in pixels.
const (
	columnWidth = 7.83
	lineHeight  = 19
	sessionSide = 18 // the margin on each side
	sessionTop  = 44
)

// sessionSVG draws lines as a terminal shows them. Its fonts are the reader's.
func sessionSVG(lines []string) string {
	columns := 0
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(line))
	}
	width, height := int(columnWidth*float64(columns))+2*sessionSide, sessionTop+lineHeight*len(lines)+8
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="A session in a terminal">
<style>
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; white-space: pre; }
.command { fill: #ffffff; font-weight: 600; } .note { fill: #8b949e; } .prompt { fill: #7ee787; }
</style>
<rect width="100%%" height="100%%" rx="9" fill="#161b22"/>
<circle cx="20" cy="19" r="6" fill="#f85149"/><circle cx="40" cy="19" r="6" fill="#d29922"/><circle cx="60" cy="19" r="6" fill="#3fb950"/>
`, width, height, width, height)
	for i, line := range lines {
		fmt.Fprintf(&b, `<text x="%d" y="%d" xml:space="preserve">`, sessionSide, sessionTop+lineHeight*i+4)
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand:
			fmt.Fprintf(&b, `<tspan class="prompt">$ </tspan><tspan class="command">%s</tspan>`, escapeXML(command))
		case strings.HasPrefix(line, "lf: "):
			fmt.Fprintf(&b, `<tspan class="note">%s</tspan>`, escapeXML(line))
		default:
			b.WriteString(escapeXML(line))
		}
		b.WriteString("</text>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func escapeXML(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err) // a strings.Builder takes everything
	}
	return b.String()
}

// readSession returns the lines that the recorded session shows.
func readSession(t *testing.T) (lines []string) {
	t.Helper()
	var picture struct {
		Text []struct {
			Inner string `xml:",innerxml"`
		} `xml:"text"`
	}
	if err := xml.Unmarshal([]byte(readText(t, sessionFile)), &picture); err != nil {
		t.Fatal(err)
	}
	tag := regexp.MustCompile(`<[^>]*>`)
	for _, text := range picture.Text {
		var line struct {
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal([]byte("<t>"+tag.ReplaceAllString(text.Inner, "")+"</t>"), &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line.Text)
	}
	return lines
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
