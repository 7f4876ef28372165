package lf_test

import (
	"strings"
	"testing"

	"github.com/lf-store/lf"
)

// loadText loads a text through a file, and returns what the home then answers for "a" to "c".
func loadText(t *testing.T, db *lf.Client, text string) (lf.Loaded, error) {
	t.Helper()
	file := must[*lf.BulkFile](t)(lf.OpenBulk("-", strings.NewReader(text)))
	defer file.Close()
	return db.LoadFile(t.Context(), file)
}

// TestLoadDocument loads what lf get --json writes, and the list in it.
func TestLoadDocument(t *testing.T) {
	t.Parallel()
	answers := `[{"selectors":["a#0"],"composite":"00","claims":2,"value":"one","owner":"12D3","time":"2026","others":[{"value":"two"}]},
		{"selectors":["b","c#1"],"valueBase64":"/wA="}, {"selectors":["gone"],"deleted":true}]`
	for name, text := range map[string]string{
		"document":              `{"answers": ` + answers + `, "more": true}`,
		"in another order":      `{"more":false,"damaged":[],"answers":` + answers + `}`,
		"list":                  answers,
		"byte order mark":       "\ufeff\n" + answers,
		"in one line":           strings.NewReplacer("\n", "", "\t", "").Replace(answers) + "\n\n",
		"members without a use": `{"answers":` + answers + `,"from":{"a newer":["program"]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, newFake(t))
			if loaded, err := loadText(t, db, text); err != nil || loaded.Lines != 2 || loaded.Written != 2 || !loaded.Complete {
				t.Fatalf("%+v, %v", loaded, err)
			}
			if loaded, err := loadText(t, db, text); err != nil || loaded.Before != 2 || loaded.Written != 0 {
				t.Errorf("again: %+v, %v", loaded, err)
			}
			if a, err := db.Get(t.Context(), lf.MustKey("a")); err != nil || a.Text() != "one" {
				t.Errorf("%+v, %v", a, err)
			}
			if a, err := db.Get(t.Context(), lf.MustKey("c#1", "b")); err != nil || a.Text() != "\xff\x00" || a.KeyAsSet().String() != "b#0 c#1" {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

// TestLoadWrongDocument writes nothing of a document in which anything is wrong.
func TestLoadWrongDocument(t *testing.T) {
	t.Parallel()
	good := `{"selectors":["a"],"value":"x"}`
	for name, c := range map[string]struct{ text, want string }{
		"sealed":           {`[` + good + `,{"selectors":["b"],"sealed":true}]`, "answer 2: its value is sealed"},
		"damaged":          {`[` + good + `,{"selectors":["b"],"damaged":true}]`, "answer 2: its value is damaged"},
		"further names":    {`[{"selectors":["b"],"further":1,"value":"x"}]`, "answer 1: it has further names"},
		"no value":         {`[{"selectors":["b"]}]`, "either"},
		"two values":       {`[{"selectors":["b"],"value":"x","valueBase64":"eA=="}]`, "either"},
		"other case":       {`[{"selectors":["b"],"value":"x","Value":"y"}]`, "twice"},
		"value twice":      {`[{"selectors":["b"],"value":"x","value":"y"}]`, "twice"},
		"range":            {`[{"selectors":["b#"],"value":"x"}]`, "range"},
		"same selectors":   {`[` + good + `,` + good + `]`, "the same selectors as in answer 1"},
		"no object":        {`["a"]`, "answer 1"},
		"no list":          {`{"answers":` + good + `}`, "want a list"},
		"answers twice":    {`{"answers":[` + good + `],"answers":[]}`, "twice"},
		"no answers":       {`{"more":false}`, "no list"},
		"cut off":          {`{"answers":[` + good, "ends early"},
		"goes on":          {`[` + good + `]` + "\n" + good, "goes on"},
		"half a surrogate": {`[{"selectors":["b"],"value":"\ud83d"}]`, "surrogate"},
		"too large":        {`[{"selectors":["b"],"valueBase64":"` + strings.Repeat("AAAA", 100_000) + `"}]`, "at most 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, newFake(t))
			loaded, err := loadText(t, db, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || loaded.Written != 0 {
				t.Errorf("%+v, %v", loaded, err)
			}
			if a, err := db.Get(t.Context(), lf.MustKey("a")); err == nil {
				t.Errorf("wrote %+v", a)
			}
		})
	}
}

// TestLoadTombstones deletes what is there, and says nothing where nothing is.
func TestLoadTombstones(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	set(t, db, lf.MustKey("a"), "x")
	text := `{"selectors":["a"],"deleted":true}` + "\n" + `{"selectors":["nobody"],"deleted":true}`
	if loaded, err := loadText(t, db, text); err != nil || loaded.Written != 1 || loaded.Unchanged != 1 || !loaded.Complete {
		t.Errorf("%+v, %v", loaded, err)
	}
	if a, err := db.Get(t.Context(), lf.MustKey("a")); a == nil || !a.Deleted {
		t.Errorf("%+v, %v", a, err)
	}
	if loaded, err := loadText(t, db, text+"\n"); err != nil || loaded.Written != 0 || loaded.Unchanged != 2 {
		t.Errorf("again: %+v, %v", loaded, err)
	}
	if err := db.Load(t.Context(), lf.Entries(lf.Entry{Key: lf.MustKey("never"), Deleted: true})); err != nil {
		t.Error(err)
	}
}
