package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manPage is the manual page of a command or of a topic. cobra's own pages take the texts for
// Markdown, and break the tables and examples in ours.
type manPage struct {
	cmd  *cobra.Command
	date string
}

func (p manPage) name() string { return strings.ReplaceAll(p.cmd.CommandPath(), " ", "-") }

// section is that of the manual: programs are in 1, topics in 7.
func (p manPage) section() string {
	if p.cmd.Runnable() {
		return "1"
	}
	return "7"
}

func (p manPage) file() string { return p.name() + "." + p.section() }

// roff returns the page in the language of man(7).
func (p manPage) roff() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s %s \"%s\" \"lf %s\" \"LF\"\n", strings.ToUpper(p.name()), p.section(), p.date, roffText(version))
	b.WriteString(".nh\n.ad l\n") // names of flags are not cut, and no line is stretched
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roffText(p.name()), roffText(p.cmd.Short))
	if p.cmd.Runnable() {
		fmt.Fprintf(&b, ".SH SYNOPSIS\n.nf\n\\fB%s\\fR\n.fi\n", roffText(p.cmd.UseLine()))
	}
	b.WriteString(".SH DESCRIPTION\n")
	b.WriteString(roffParagraphs(cmp.Or(p.cmd.Long, p.cmd.Short+".")))
	p.writeCommands(&b)
	p.writeOptions(&b)
	if p.cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n")
		b.WriteString(roffParagraphs(p.cmd.Example))
	}
	if !p.cmd.HasParent() {
		b.WriteString(manRoot)
	}
	p.writeRelated(&b)
	return b.String()
}

// manRoot is what the page of lf itself has beyond its help.
const manRoot = `.SH ENVIRONMENT
.TP
\fBLF_HOME\fR
The home, as \fB\-\-home\fR names it.
.TP
\fBLF_API\fR
The node's API, as \fB\-\-api\fR names it.
.TP
\fBLF_TOKEN\fR
The token with which to write over HTTP.
.SH FILES
.TP
\fI~/.lf\fR
The home: the node's identity, the database, and the keys of the owners. Keep copies of the owners
(\fBlf owner export\fR).
.TP
\fI/var/lib/lf\fR
The home of the node that systemd runs (\fBlf.service\fR).
.TP
\fI/etc/default/lf\fR
The flags of that node, in \fBLF_NODE_FLAGS\fR.
`

// writeCommands lists the commands below, each with its page.
func (p manPage) writeCommands(b *strings.Builder) {
	pages := manPages(p.cmd, "")[1:]
	if len(pages) == 0 {
		return
	}
	b.WriteString(".SH COMMANDS\n")
	for _, page := range pages {
		if page.cmd.Parent() == p.cmd {
			fmt.Fprintf(b, ".TP\n%s\n%s\n", page.reference(), roffText(page.cmd.Short))
		}
	}
}

// writeOptions lists the command's own flags. Those of every command are on the page of lf.
func (p manPage) writeOptions(b *strings.Builder) {
	if !p.cmd.Runnable() {
		return
	}
	p.cmd.InitDefaultHelpFlag()
	b.WriteString(".SH OPTIONS\n")
	p.cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			b.WriteString(roffFlag(f))
		}
	})
	if p.cmd.HasParent() {
		b.WriteString(".PP\n\\fBlf\\fR(1) has the options of every command.\n")
	}
}

func (p manPage) writeRelated(b *strings.Builder) {
	related := []string{"https://github.com/lf\\-store/lf"}
	if p.cmd.HasParent() {
		related = append([]string{manPage{cmd: p.cmd.Parent()}.reference()}, related...)
	}
	fmt.Fprintf(b, ".SH SEE ALSO\n%s\n", strings.Join(related, ", "))
}

// reference names the page in a text.
func (p manPage) reference() string {
	return fmt.Sprintf("\\fB%s\\fR(%s)", roffText(p.name()), p.section())
}

// roffFlag describes a flag.
func roffFlag(f *pflag.Flag) string {
	kind, usage := pflag.UnquoteUsage(f)
	name := "\\fB\\-\\-" + roffText(f.Name) + "\\fR"
	if f.Shorthand != "" {
		name = "\\fB\\-" + f.Shorthand + "\\fR, " + name
	}
	if kind != "" {
		name += " \\fI" + roffText(kind) + "\\fR"
	}
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
	default:
		usage += fmt.Sprintf(" (default %s)", f.DefValue)
	}
	return fmt.Sprintf(".TP\n%s\n%s\n", name, roffText(usage))
}

// roffParagraphs keeps the lines that are indented as they are, such as those of tables and
// commands, and fills the others.
func roffParagraphs(text string) string {
	var b strings.Builder
	verbatim, apart := false, false // the first paragraph follows a heading
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			apart = true
			continue
		}
		indented := strings.HasPrefix(line, "  ")
		if verbatim && (!indented || apart) {
			b.WriteString(".fi\n")
		}
		if b.Len() > 0 && (apart || indented != verbatim) {
			b.WriteString(".PP\n")
		}
		if indented && (!verbatim || apart) {
			b.WriteString(".nf\n")
		}
		b.WriteString(roffText(line) + "\n")
		verbatim, apart = indented, false
	}
	if verbatim {
		b.WriteString(".fi\n")
	}
	return b.String()
}

var roffEscapes = strings.NewReplacer(
	`\`, `\e`, `-`, `\-`, "^", `\(ha`, "~", `\(ti`, "`", `\(ga`, "'", `\(aq`, `"`, `\(dq`,
)

// roffText is a line as roff shows it unchanged, so that commands can be copied from a page.
func roffText(s string) string {
	s = roffEscapes.Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
