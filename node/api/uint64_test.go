package api_test

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/node/api"
)

func TestUint64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{
		`"0"`: 0, `0`: 0, `"9007199254740993"`: 1<<53 + 1, `9007199254740991`: 1<<53 - 1, `"18446744073709551615"`: math.MaxUint64, `"\u0037"`: 7,
	} {
		var got api.Uint64
		if err := strictjson.Unmarshal([]byte(text), &got, 0); err != nil || uint64(got) != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{
		`9007199254740992`, `18446744073709551616`, `"18446744073709551616"`, `-0`, `-1`, `"-1"`, `"+1"`, `"01"`, `"00"`, `""`, `" 1"`, `"1 "`,
		`1e3`, `"1e3"`, `1.0`, `"1.0"`, `"0x1"`, `"1_000"`, `"١"`, `null`, `true`, `[]`, `{}`,
	} {
		var got api.Uint64
		if err := strictjson.Unmarshal([]byte(text), &got, 0); err == nil {
			t.Errorf("%s is read as %d", text, got)
		}
	}
	b, err := json.Marshal(api.Uint64s{1<<53 + 1, 0})
	if err != nil || string(b) != `["9007199254740993","0"]` {
		t.Errorf("%s, %v", b, err)
	}
	if b, err := json.Marshal(api.Uint64s(nil)); err != nil || string(b) != "[]" {
		t.Errorf("%s, %v", b, err)
	}
}

// FuzzUint64 holds that whatever is read is what was written, in digits.
func FuzzUint64(f *testing.F) {
	for _, seed := range []string{`"7"`, `7`, `9007199254740992`, `"01"`, `1e3`, `"\u0031"`, `null`, `-0`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, again api.Uint64
		if strictjson.Unmarshal(text, &got, 0) != nil {
			return
		}
		b, err := json.Marshal(got)
		if err != nil || string(b) != `"`+strconv.FormatUint(uint64(got), 10)+`"` || strictjson.Unmarshal(b, &again, 0) != nil || again != got {
			t.Errorf("%q is read as %d and written as %s, %v", text, got, b, err)
		}
		var exact json.Number
		if json.Unmarshal(text, &exact) == nil && text[0] != '"' && exact.String() != strconv.FormatUint(uint64(got), 10) {
			t.Errorf("%q is read as %d", text, got)
		}
	})
}
