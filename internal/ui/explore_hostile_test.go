package ui_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/protocol"
)

// hostile are values and names that try to be HTML, or to look like something else.
var hostile = []string{
	`<img src=x onerror="window.broken=1"><script>window.broken=1</script>`,
	`"><b id="broken">bold</b>`,
	`</pre></td></table><a id="broken" href="javascript:window.broken=1">click</a>`,
	`${window.broken=1} {{constructor.constructor('window.broken=1')()}} &lt;b id=broken&gt;`,
	`<svg onload=window.broken=1><animate onbegin=window.broken=1>`,
}

// TestExploreHostile shows an attacker's values and names as the texts that they are.
func TestExploreHostile(t *testing.T) {
	t.Parallel()
	n := startNode(t, testNetwork(t))
	db := clientOf(t, n)
	b := uitest.Open(t, n.APIURL())
	for i, text := range hostile {
		if _, err := db.Set(t.Context(), lf.MustKey(protocol.Expression{Name: text}.String()), []byte(text), lf.AsKey(newKey(t))); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Set(t.Context(), lf.MustKey(fmt.Sprintf("hostile#%d", i)), []byte(text)); err != nil {
			t.Fatal(err)
		}
		explore(b, strings.ReplaceAll(text, "#", `\#`))
		b.UntilText("#answer", text)
		b.UntilText("#key", text)
		b.Until(`document.querySelectorAll("#claims tbody tr").length === 1`)
		wantNoNames(t, b, text, "broken")
	}
	explore(b, "hostile#")
	b.UntilText("#answer-count", fmt.Sprintf("%d answers", len(hostile)))
	b.UntilText("#answers", hostile[0])
	if what := uitest.Eval[string](b, `String(window.broken) + document.querySelectorAll("#broken, main img, main script, main b, main a").length`); what != "undefined0" {
		t.Errorf("a value became part of the page: %s", what)
	}
	wantUnseen(t, b, db)
}

// wantUnseen writes out what a reader of a value could not see.
func wantUnseen(t *testing.T, b *uitest.Tab, db *lf.Client) {
	t.Helper()
	explore(b, "unseen")
	for value, shown := range map[string]string{
		"pay \u202e001\u202c to me":                  `pay \u{202e}001\u{202c} to me`,
		"zero\u200bwidth\x1b[31mred\x00\u2066\u2069": `zero\u{200b}width\u{1b}[31mred\u{0}\u{2066}\u{2069}`,
		"tag \U000e0041 \u3164":                      `tag \u{e0041} \u{3164}`,
	} {
		if _, err := db.Set(t.Context(), lf.MustKey("unseen"), []byte(value)); err != nil {
			t.Fatal(err)
		}
		b.UntilText("#answer", shown)
	}
	for value, shown := range map[string]string{"": "empty", "\xff\x00\x01": "ff0001"} {
		if _, err := db.Set(t.Context(), lf.MustKey("unseen"), []byte(value)); err != nil {
			t.Fatal(err)
		}
		b.UntilText("#answer", shown)
	}
}
