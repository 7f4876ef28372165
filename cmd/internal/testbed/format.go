package testbed

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lf-store/lf/internal/text"
)

// role is what is particular about a node.
func (n *Node) role() string {
	var parts []string
	switch {
	case !n.Honest():
		parts = append(parts, textIf(n.PublicDHT, "public DHT")+textIf(n.Hostile != "", "hostile: "+n.Hostile))
	case n.Relay:
		parts = append(parts, "relay")
	case n.Via != "":
		parts = append(parts, "via "+n.Via)
	}
	if n.Profile != "" {
		parts = append(parts, n.Profile)
	}
	if n.Behind != "" {
		parts = append(parts, "behind "+n.Behind)
	}
	if n.Clock != 0 {
		parts = append(parts, "clock "+signed(n.Clock))
	}
	return strings.Join(append(parts, n.Flags...), ", ")
}

func signed(d time.Duration) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}

// wordOf is an action's word.
func wordOf(a Action) string {
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", a), "testbed."))
}

// textOf is an action in a line, without its word.
func textOf(a Action) string {
	switch a := a.(type) {
	case Start:
		return compact(a.Nodes)
	case Stop:
		return compact(a.Nodes)
	case Kill:
		return compact(a.Nodes)
	case Wipe:
		return compact(a.Nodes)
	case Restart:
		return compact(a.Nodes) + textIf(a.Kill, ", killed") + textIf(a.After > 0, ", after "+a.After.String())
	case Write:
		return a.text()
	case Pulse:
		return "of " + compact(a.On) + textIf(a.Ago > 0, fmt.Sprintf(", %s ago", a.Ago))
	case Partition:
		return groupsText(a.Groups)
	case Isolate:
		return compact(a.Nodes) + [...]string{" from ", ", which cannot open connections to ", ", which cannot be reached from "}[a.Way] + compact(a.From)
	case Heal:
		return "at " + compact(a.Nodes)
	case Flap:
		return fmt.Sprintf("%s, %d times for %s", groupsText(a.Groups), a.Times, a.Down) + inBackground(a.Background)
	case Churn:
		return fmt.Sprintf("%s, one each %s for %s", compact(a.Nodes), a.Every, a.For) + textIf(a.Kill, ", killed") + inBackground(a.Background)
	case Skew:
		return compact(a.Nodes) + " by " + signed(a.Offset)
	case Move:
		return compact(a.Nodes) + " behind " + a.Behind
	case Wait:
		return textIf(a.Background, "for the background") + textIf(!a.Background, a.For.String())
	case Expect:
		return a.text()
	}
	return ""
}

func textIf(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

func inBackground(background bool) string { return textIf(background, ", in the background") }

func (w Write) text() string {
	text := "records"
	if w.Count > 0 {
		text = fmt.Sprintf("%d records", w.Count)
	}
	text += " at " + compact(w.On)
	text += textIf(w.Rate > 0, fmt.Sprintf(", %s a second", strconv.FormatFloat(w.Rate, 'g', 4, 64)))
	text += textIf(w.For > 0, ", for "+w.For.String())
	text += textIf(w.Owners > 1, fmt.Sprintf(", %d owners each", w.Owners))
	text += textIf(w.Conflicts > 0, fmt.Sprintf(", all about the same %d names", w.Conflicts))
	return text + inBackground(w.Background)
}

func (e Expect) text() string {
	var parts []string
	add := func(is bool, text string) {
		if is {
			parts = append(parts, text)
		}
	}
	add(e.Converged, "converged")
	add(e.Apart, "apart")
	add(e.Synced, "synced")
	add(e.SameAnswers, "same answers")
	add(e.NothingLost, "nothing lost")
	if b := e.Bytes; b != nil {
		add(b.Factor > 0, "bytes "+factorText(b)+" the least")
		add(b.Most > 0, "bytes ≤ "+text.Size(b.Most))
	}
	add(len(e.Dropped) > 0, "no connection to "+compact(e.Dropped))
	add(len(e.Connected) > 0, "connected to "+compact(e.Connected))
	add(len(e.Direct) > 0, "direct to "+compact(e.Direct))
	add(len(e.Relayed) > 0, "relayed to "+compact(e.Relayed))
	add(len(e.Alive) > 0, "alive "+compact(e.Alive))
	add(len(e.Lapsed) > 0, "lapsed "+compact(e.Lapsed))
	add(e.Memory > 0, "memory ≤ "+text.Size(e.Memory))
	return fmt.Sprintf("%s, within %s", strings.Join(parts, ", "), e.Within)
}

func factorText(b *Bytes) string {
	factor := "≤ " + strconv.FormatFloat(b.Factor, 'g', 4, 64) + " ×"
	if b.Slack > 0 {
		factor += fmt.Sprintf(" (and %s)", text.Size(b.Slack))
	}
	return factor
}

// linksText says which nodes can reach each other, "" when all can.
func linksText(t *topology, groups [][]string) string {
	if len(t.cut) == 0 {
		return ""
	}
	if len(groups) > 1 {
		return groupsText(groups)
	}
	// All can reach each other, but not each way.
	out, in := map[string]bool{}, map[string]bool{}
	for c := range t.cut {
		out[c.From], in[c.To] = true, true
	}
	if len(out) <= len(in) {
		return compact(pick(t.nodes, out)) + " cut one way"
	}
	return compact(pick(t.nodes, in)) + " cut one way"
}

func pick(names []string, from map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !from[name] })
}

func groupsText(groups [][]string) string {
	texts := make([]string, len(groups))
	for i, g := range groups {
		texts[i] = compact(g)
	}
	return strings.Join(texts, " | ")
}

// compact writes n1, n2, n3 as n1–n3.
func compact(names []string) string {
	var parts []string
	for i := 0; i < len(names); {
		j := i
		for j+1 < len(names) && follows(names[j], names[j+1]) {
			j++
		}
		if j-i >= 2 {
			parts = append(parts, names[i]+"–"+names[j])
		} else {
			parts = append(parts, names[i:j+1]...)
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

func follows(a, b string) bool {
	i := len(strings.TrimRight(a, "0123456789"))
	n, err := strconv.Atoi(a[i:])
	return err == nil && b == a[:i]+strconv.Itoa(n+1)
}
