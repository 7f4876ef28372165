package strictjson_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lf-store/lf/internal/strictjson"
)

// message is what the tests read.
type message struct {
	Text  string  `json:"text"`
	Bytes []byte  `json:"bytes,omitempty"`
	Big   uint64  `json:"big"`
	Small *uint32 `json:"small"`
	Signs int8    `json:"signs"`
	Flag  bool    `json:"flag"`
	Rate  float64 `json:"rate"`
	Key   key     `json:"key"`
	Inner []inner `json:"inner"`
}

type inner struct {
	Name string `json:"name"`
}

type key [2]byte

func (k *key) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(k) {
		return errors.New("want 4 hexadecimal digits")
	}
	copy(k[:], raw)
	return nil
}

const (
	refuse = strictjson.Flags(0)
	ignore = strictjson.IgnoreUnknown
	folded = strictjson.IgnoreUnknown | strictjson.RefuseOtherCase
)

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		flags strictjson.Flags
		want  []string
	}{
		"empty":                      {"", refuse, []string{"empty"}},
		"only white space":           {" \n", refuse, []string{"empty"}},
		"only a byte order mark":     {"\ufeff", refuse, []string{"empty"}},
		"two byte order marks":       {"\ufeff\ufeff{}", refuse, []string{"not JSON"}},
		"not JSON":                   {"horse", refuse, []string{"not JSON"}},
		"cut off":                    {`{"text":"x`, refuse, []string{"ends early"}},
		"a bracket too many":         {`{"text":"x"}}`, refuse, []string{"goes on", "byte 13"}},
		"garbage after it":           {`{"text":"x"}]]]garbage`, refuse, []string{"goes on"}},
		"two values":                 {`{} {}`, refuse, []string{"goes on", "more than one"}},
		"NUL after it":               {"{}\x00", refuse, []string{"goes on"}},
		"twice":                      {`{"text":"x","text":"y"}`, refuse, []string{`"text"`, "twice"}},
		"twice, escaped":             {`{"text":"x","\u0074ext":"y"}`, refuse, []string{`"text"`, "twice"}},
		"unknown one twice":          {`{"a":1,"a":1}`, ignore, []string{`"a"`, "twice"}},
		"twice, further in":          {`{"inner":[{},{"name":"a","name":"b"}]}`, refuse, []string{`"inner[1].name"`, "twice"}},
		"lone high surrogate":        {`{"text":"sur\ud83d"}`, refuse, []string{"surrogate", `\ud83d`, "byte 13"}},
		"lone low surrogate":         {`{"text":"\udc00x"}`, refuse, []string{"surrogate"}},
		"surrogates in wrong order":  {`{"text":"\udc00\ud83d"}`, refuse, []string{"surrogate"}},
		"surrogate in a name":        {`{"\ud83d":1}`, ignore, []string{"surrogate"}},
		"not UTF-8":                  {"{\"text\":\"\xff\"}", refuse, []string{"not valid UTF-8"}},
		"surrogate in UTF-8":         {"{\"text\":\"\xed\xa0\x80\"}", refuse, []string{"not valid UTF-8"}},
		"UTF-16":                     {"\xff\xfe{\x00}\x00", refuse, []string{"UTF-16"}},
		"gzip":                       {"\x1f\x8b\x08", refuse, []string{"compressed (gzip)"}},
		"zstd":                       {"\x28\xb5\x2f\xfd", refuse, []string{"compressed (zstd)"}},
		"single quotes":              {`{'text':'x'}`, refuse, []string{"not JSON"}},
		"comment":                    {"{} // x", refuse, []string{"goes on"}},
		"trailing comma":             {`{"text":"x",}`, refuse, []string{"not JSON"}},
		"control character":          {"{\"text\":\"a\nb\"}", refuse, []string{"not JSON"}},
		"leading zero":               {`{"big":01}`, refuse, []string{"not JSON"}},
		"NaN":                        {`{"rate":NaN}`, refuse, []string{"not JSON"}},
		"too deep":                   {`{"a":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + `}`, ignore, []string{"not JSON"}},
		"unknown":                    {`{"txt":"x"}`, refuse, []string{`"txt"`, "not known"}},
		"unknown further in":         {`{"inner":[{"nam":"x"}]}`, refuse, []string{`"inner[0].nam"`, "not known"}},
		"other case":                 {`{"TEXT":"x"}`, refuse, []string{`"TEXT"`, `want "text"`, "byte 2"}},
		"other case, further in":     {`{"inner":[{"Name":"x"}]}`, refuse, []string{`"inner[0].Name"`, `want "name"`}},
		"in both cases":              {`{"TEXT":"x","text":"y"}`, folded, []string{`"text"`, "twice", `"TEXT"`}},
		"other case of a known one":  {`{"a":1,"TEXT":"x"}`, folded, []string{`"TEXT"`, `want "text"`}},
		"other case, Kelvin sign":    {"{\"\u212aey\":\"0000\"}", folded, []string{`want "key"`}},
		"other case of another":      {`{"a":{"b":1,"B":2}}`, folded, []string{`"a.B"`, "twice"}},
		"other case in a list":       {`{"inner":[{"name":"a"},{"NAME":"b"}]}`, folded, []string{`"inner[1].NAME"`, `want "name"`}},
		"line breaks in base64":      {`{"bytes":"AA\nAA"}`, refuse, []string{`"bytes"`, "base64", "line breaks"}},
		"base64 without padding":     {`{"bytes":"AA"}`, refuse, []string{`"bytes"`, "base64", "padding"}},
		"no base64":                  {`{"bytes":"*"}`, refuse, []string{`"bytes"`, "base64"}},
		"exponent":                   {`{"small":1.2e5}`, refuse, []string{`"small"`, "1.2e5", "whole number from 0 to 4294967295", "digits"}},
		"fraction":                   {`{"big":1.5}`, refuse, []string{`"big"`, "1.5", "whole number from 0 to 18446744073709551615"}},
		"whole fraction":             {`{"big":1.0}`, refuse, []string{`"big"`, "whole number"}},
		"negative":                   {`{"big":-1}`, refuse, []string{`"big"`, "-1", "whole number"}},
		"too large":                  {`{"big":18446744073709551616}`, refuse, []string{`"big"`, "18446744073709551616", "whole number"}},
		"too small":                  {`{"signs":-129}`, refuse, []string{`"signs"`, "from -128 to 127"}},
		"number as text":             {`{"big":"1"}`, refuse, []string{`"big"`, "it is a text, want", "whole number"}},
		"text as number":             {`{"text":1}`, refuse, []string{`"text"`, "it is a number, want", "a text"}},
		"list as text":               {`{"text":["x"]}`, refuse, []string{`"text"`, "it is a list, want", "a text"}},
		"text as list":               {`{"inner":"x"}`, refuse, []string{`"inner"`, "it is a text, want", "a list"}},
		"bytes as list":              {`{"bytes":[1]}`, refuse, []string{`"bytes"`, "base64"}},
		"text as truth":              {`{"flag":"true"}`, refuse, []string{`"flag"`, "true or false"}},
		"number as an object":        {`{"inner":[1]}`, refuse, []string{`"inner[0]"`, "an object"}},
		"a list":                     {`[]`, refuse, []string{"it is a list, want", "an object in braces"}},
		"a text's own reader":        {`{"key":"abc"}`, refuse, []string{`"key"`, "want 4 hexadecimal digits"}},
		"number for a text's reader": {`{"key":12}`, refuse, []string{`"key"`, "a text"}},
		"on the third line":          {"{\n\"text\": \"x\",\n\"big\": -1\n}", refuse, []string{`"big"`, "line 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := strictjson.Unmarshal([]byte(c.text), new(message), c.flags)
			var e *strictjson.Error
			if !errors.As(err, &e) {
				t.Fatalf("read; %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: does not say %q", err, want)
				}
			}
			for _, jargon := range []string{"Go ", "json:", "jsontext", "uint", "strictjson", "EOF", "unmarshal"} {
				if strings.Contains(err.Error(), jargon) {
					t.Errorf("%s: in the words of a program (%s)", err, jargon)
				}
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	small := uint32(7)
	full := message{Text: "😀", Bytes: []byte{0}, Big: 1<<64 - 1, Small: &small, Signs: -128, Flag: true, Rate: 1.2e5,
		Key: key{0xab, 0xcd}, Inner: []inner{{"a"}, {}}}
	text := `{"text":"\ud83d\ude00","bytes":"AA==","big":18446744073709551615,"small":7,"signs":-128,"flag":true,
		"rate":1.2e5,"key":"abcd","inner":[{"name":"a"},{}]}`
	for name, c := range map[string]struct {
		text  string
		flags strictjson.Flags
		want  message
	}{
		"all of it":            {text, refuse, full},
		"checked for case":     {text, folded, full},
		"byte order mark":      {"\ufeff" + text, refuse, full},
		"white space":          {" \t\r\n{} \t\r\n", refuse, message{}},
		"null":                 {`{"bytes":null,"small":null,"inner":null}`, refuse, message{}},
		"empty bytes":          {`{"bytes":""}`, refuse, message{Bytes: []byte{}}},
		"unknown":              {`{"a":{"b":[1]},"text":"x"}`, ignore, message{Text: "x"}},
		"unknown, checked":     {`{"a":{"b":[{"c":1},{"C":1}],"text":1,"Text2":1},"text":"x"}`, folded, message{Text: "x"}},
		"other case ignored":   {`{"TEXT":"x"}`, ignore, message{}},
		"replacement, written": {`{"text":"\ufffd"}`, refuse, message{Text: "\ufffd"}},
		"names in free values": {`{"a":{"name":1},"inner":[{"name":"b"}]}`, folded, message{Inner: []inner{{"b"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got message
			if err := strictjson.Unmarshal([]byte(c.text), &got, c.flags); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v", got, err)
			}
			if strings.HasPrefix(c.text, "\ufeff") || c.flags&strictjson.RefuseOtherCase != 0 {
				return
			}
			got = message{}
			if err := strictjson.Read(iotest.OneByteReader(strings.NewReader(c.text)), &got, c.flags); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("as a stream: %+v, %v", got, err)
			}
		})
	}
}

// TestReadBreaksOff tells a stream that broke off from one that ends early.
func TestReadBreaksOff(t *testing.T) {
	broken := errors.New("broken")
	in := io.MultiReader(strings.NewReader(`{"text":`), iotest.ErrReader(broken))
	if err := strictjson.Read(in, new(message), ignore); !errors.Is(err, broken) {
		t.Errorf("broken off: %v", err)
	}
	var e *strictjson.Error
	if err := strictjson.Read(strings.NewReader(`{"text":`), new(message), ignore); !errors.As(err, &e) || !strings.Contains(err.Error(), "early") {
		t.Errorf("ends early: %v", err)
	}
	if err := strictjson.Read(strings.NewReader(`{"text":"x","text":"y"}`), new(message), ignore); !errors.As(err, &e) {
		t.Errorf("twice: %v", err)
	}
}

// FuzzUnmarshal holds the reader to the standard library: what it accepts, encoding/json reads as
// the same value.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"text":"\ud83d\ude00","bytes":"AA==","big":18446744073709551615,"small":7,"signs":-128,"rate":1.2e5,"inner":[{"name":"a"}]}`,
		"\ufeff{}", `{"text":"x","text":"y"}`, `{"TEXT":"x"}`, `{}}`, `{"a":{"b":1,"B":2}}`, `[1,-0,1e400,null]`, `{"bytes":"AA\nAA"}`,
		`{"text":"\ud83d"}`, "{\"text\":\"\xff\"}", `{"key":"abcd"}`, `{"small":null}`, `{"signs":-0}`, `{"big":-0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, flags := range []strictjson.Flags{refuse, ignore, folded} {
			same[message](t, data, flags)
			same[any](t, data, flags)
		}
	})
}

func same[T any](t *testing.T, data []byte, flags strictjson.Flags) {
	t.Helper()
	var ours, theirs T
	if err := strictjson.Unmarshal(data, &ours, flags); err != nil {
		return
	}
	text := bytes.TrimPrefix(data, []byte("\ufeff"))
	if flags == ignore && reflect.TypeFor[T]() == reflect.TypeFor[message]() {
		// encoding/json takes members in another case, which are only unknown to us.
		if strictjson.Unmarshal(data, new(T), folded) != nil {
			return
		}
	}
	if err := json.Unmarshal(text, &theirs); err != nil || !reflect.DeepEqual(ours, theirs) {
		t.Errorf("%q: %+v, the standard library %+v, %v", data, ours, theirs, err)
	}
}
