package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// memory is a fake node that keeps its records, and the home of its user.
func memory(t *testing.T) (home string) {
	t.Helper()
	return serveFakeNode(t, nil, func(*fakeNode) api.Service {
		f, err := apitest.NewFake()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}).home
}

// batchOf writes keys as --batch takes them, each with its names in an order of its own.
func batchOf(t *rapid.T, keys []lf.Key) string {
	var b strings.Builder
	for _, key := range keys {
		line, err := json.Marshal(rapid.Permutation(key.Expressions()).Draw(t, "question"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", line)
	}
	return b.String()
}

// drawEntries makes records to set, under names that no other call makes: with anything in them
// that a name may have.
func drawEntries(t *rapid.T, call int) (list []lf.Entry) {
	for i := range rapid.IntRange(1, 4).Draw(t, "entries") {
		var texts []string
		for j := range rapid.IntRange(1, 3).Draw(t, "names") {
			name := fmt.Sprintf("%d %d %d", call, i, j) + rapid.StringN(0, 5, 20).Draw(t, "name")
			ordinal := rapid.Uint64Range(0, protocol.MaxOrdinal).Draw(t, "ordinal")
			texts = append(texts, protocol.Expression{Name: name, From: ordinal, To: ordinal}.String())
		}
		value := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 40), rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) })).Draw(t, "value")
		list = append(list, lf.Entry{Key: lf.MustKey(texts...), Value: value})
	}
	return list
}

// TestRoundTrip sets what there can be, takes it out with lf get in both forms, and loads that into
// another home. The same keys and values come out there, with the primary name first. Values of a
// masking key are sealed with it again.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	from, to := memory(t), memory(t)
	mask := writeFile(t, "sesame")
	db, err := lf.Open(t.Context(), lf.WithHome(from))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	call := 0
	rapid.Check(t, func(r *rapid.T) {
		call++
		entries := drawEntries(r, call)
		keys := make([]lf.Key, len(entries))
		var want []loadLine
		masked := rapid.Bool().Draw(r, "masked")
		options := []lf.LoadOption{}
		flags := []string{}
		if masked {
			options, flags = append(options, lf.MaskingKey("sesame")), append(flags, "--mask-file", mask)
		}
		if err := db.Load(context.Background(), lf.Entries(entries...), options...); err != nil {
			r.Fatal(err)
		}
		for i, e := range entries {
			keys[i] = e.Key
			want = append(want, lineOf(e))
		}
		form := rapid.SampledFrom([]string{"--jsonl", "--json"}).Draw(r, "form")
		out := mustRun(t, batchOf(r, keys), append([]string{"--home", from, "get", "--batch", "-", form}, flags...)...)
		how := rapid.SampledFrom([][]string{{"load", "-"}, {"load", "-", "--changed"}}).Draw(r, "command")
		if form == "--jsonl" && rapid.Bool().Draw(r, "as a batch") {
			how = []string{"set", "--batch", "-"}
		}
		mustRun(t, out, slices.Concat([]string{"--home", to}, how, flags)...)
		got := mustRun(t, batchOf(r, keys), append([]string{"--home", to, "get", "--batch", "-", "--jsonl"}, flags...)...)
		if lines := linesIn(t, got); !reflect.DeepEqual(lines, want) {
			r.Fatalf("%s with %q: got\n%swant %+v", form, how, got, want)
		}
		if o := lfRun(t, batchOf(r, keys), "--home", to, "get", "--batch", "-", "--raw"); masked && (o.code != exitFailed || o.stdout != "") {
			r.Fatalf("without the masking key: %+v", o)
		}
	})
}

// lineOf is an entry as lf get --jsonl writes it, with the names after the first one sorted: their
// order means nothing.
func lineOf(e lf.Entry) loadLine {
	line := loadLine{Selectors: e.Key.Expressions(), ValueBase64: &e.Value}
	if text := string(e.Value); utf8.ValidString(text) {
		line.Value, line.ValueBase64 = &text, nil
	}
	slices.Sort(line.Selectors[1:])
	return line
}

func linesIn(t *testing.T, out string) (lines []loadLine) {
	t.Helper()
	for text := range strings.Lines(out) {
		line := decode[loadLine](t, text)
		slices.Sort(line.Selectors[1:])
		lines = append(lines, line)
	}
	return lines
}
