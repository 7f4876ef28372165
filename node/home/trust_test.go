package home_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func newOwner(t *testing.T) protocol.Owner {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.OwnerOf(key)
}

func TestTrust(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "home"))
	if got, err := h.Trust(); err != nil || len(got.Oracles) > 0 || len(got.Policy) > 0 {
		t.Errorf("a new home trusts %+v, %v", got, err)
	}
	a, b := newOwner(t), newOwner(t)
	for _, want := range []home.Trust{
		{Oracles: []protocol.Owner{a}},
		{Oracles: []protocol.Owner{b, a}, Policy: protocol.Policy{protocol.CriterionOracles, protocol.CriterionLocal}},
		{Policy: protocol.DefaultPolicy()},
		{},
	} {
		before := h.TrustStamp()
		if err := h.SetTrust(want); err != nil {
			t.Fatal(err)
		}
		if h.TrustStamp().Equal(before) || !h.TrustStamp().Equal(h.TrustStamp()) {
			t.Error("the stamp does not tell that the file changed")
		}
		got, err := open(t, h.Dir()).Trust()
		if err != nil || !slices.Equal(got.Oracles, want.Oracles) || !slices.Equal(got.Policy, want.Policy) {
			t.Errorf("set %+v, read %+v, %v", want, got, err)
		}
	}
	if text := read(t, h, "trust.json"); !strings.Contains(text, `"oracles": []`) {
		t.Errorf("the file shows nobody where to write oracles: %s", text)
	}
	if err := os.Remove(filepath.Join(h.Dir(), "trust.json")); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Trust(); err != nil || len(got.Oracles) > 0 {
		t.Errorf("without the file: %+v, %v", got, err)
	}
}

// TestTrustChangedAtOnce has several processes change the choice at the same time: none undoes what
// another has done.
func TestTrustChangedAtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "home")
	var changes errgroup.Group
	const changers = 16
	for range changers {
		h, oracle := open(t, dir), newOwner(t)
		changes.Go(func() error {
			_, err := h.ChangeTrust(func(t *home.Trust) error {
				t.Oracles = append(t.Oracles, oracle)
				return nil
			})
			return err
		})
	}
	if err := changes.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, dir).Trust(); err != nil || len(got.Oracles) != changers {
		t.Errorf("%d oracles of %d, %v", len(got.Oracles), changers, err)
	}
	refused := errors.New("refused")
	if _, err := open(t, dir).ChangeTrust(func(t *home.Trust) error { t.Oracles = nil; return refused }); !errors.Is(err, refused) {
		t.Errorf("a change that fails: %v", err)
	}
	if got, err := open(t, dir).Trust(); err != nil || len(got.Oracles) != changers {
		t.Errorf("after a change that failed: %d oracles, %v", len(got.Oracles), err)
	}
}

// TestTrustRefused holds that what makes no sense is not written, and says why.
func TestTrustRefused(t *testing.T) {
	h := open(t, t.TempDir())
	a := newOwner(t)
	if err := h.SetTrust(home.Trust{Oracles: []protocol.Owner{a}}); err != nil {
		t.Fatal(err)
	}
	before := read(t, h, "trust.json")
	many := make([]protocol.Owner, home.MaxOracles+1)
	for i := range many {
		many[i] = newOwner(t)
	}
	for want, bad := range map[string]home.Trust{
		"elected twice": {Oracles: []protocol.Owner{a, a}},
		"at most 64":    {Oracles: many},
		"anybody":       {Oracles: []protocol.Owner{{}}},
		"heaviest":      {Policy: protocol.Policy{"heaviest"}},
		"twice":         {Policy: protocol.Policy{"weight", "weight"}},
	} {
		wantError(t, h.SetTrust(bad), want)
		if now := read(t, h, "trust.json"); now != before {
			t.Errorf("%s: the file is now %s", want, now)
		}
	}
}

// TestTrustDamaged holds that a file that is not understood is an error that names it, and stays as
// it is.
func TestTrustDamaged(t *testing.T) {
	o := newOwner(t).String()
	for why, text := range map[string]string{
		"empty":           "",
		"garbage":         "\x00\xff",
		"cut off":         `{"oracles":["` + o,
		"other case":      `{"ORACLES":["` + o + `"]}`,
		"twice there":     `{"oracles":[],"oracles":["` + o + `"]}`,
		"goes on":         `{"oracles":[]} {"oracles":["` + o + `"]}`,
		"misspelled":      `{"oracle":["` + o + `"]}`,
		"no oracle":       `{"oracles":["somebody"]}`,
		"small order":     `{"oracles":["` + protocol.Owner{}.String() + `"]}`,
		"twice":           `{"oracles":["` + o + `","` + o + `"]}`,
		"policy":          `{"policy":["weight","heaviest"]}`,
		"another kind":    `["` + o + `"]`,
		"much too large":  `{"oracles":[` + strings.Repeat(" ", 1<<20) + `]}`,
		"too many":        `{"oracles":[` + strings.Repeat(`"`+o+`",`, 64) + `"` + o + `"]}`,
		"policy as text":  `{"policy":"weight,newest"}`,
		"number":          `{"oracles":[7]}`,
		"bytes behind it": `{"oracles":[]}x`,
	} {
		t.Run(why, func(t *testing.T) {
			h := open(t, t.TempDir())
			write(t, h, "trust.json", text, 0o600)
			got, err := h.Trust()
			wantError(t, err, filepath.Join(h.Dir(), "trust.json"), "mend")
			if said := err.Error(); strings.Contains(said, ": json:") || strings.Contains(said, "Go ") || strings.Contains(said, "EOF") {
				t.Errorf("said in the words of a program: %s", said)
			}
			if len(got.Oracles) > 0 || len(got.Policy) > 0 {
				t.Errorf("half of it was taken: %+v", got)
			}
			wantError(t, h.SetTrust(home.Trust{}), "trust.json")
			if read(t, h, "trust.json") != text {
				t.Error("was replaced")
			}
		})
	}
	h := open(t, t.TempDir())
	if err := os.Mkdir(filepath.Join(h.Dir(), "trust.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := h.Trust()
	wantError(t, err, "trust.json", "not a regular file")
}
