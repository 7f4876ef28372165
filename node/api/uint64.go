package api

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/lf-store/lf/internal/strictjson"
)

// Uint64 is an integer that may exceed 2^53, above which many readers of JSON round. In JSON it is
// a string of decimal digits. A number up to [MaxNumber] is read as well. A larger number may have
// been rounded before it came, so it is refused.
type Uint64 uint64

// Uint64s is a list of integers, each in JSON as an [Uint64] is.
type Uint64s []uint64

// MaxNumber is the largest integer that every reader of JSON keeps exactly: 2^53−1.
const MaxNumber = 1<<53 - 1

var errNotUint64 = errors.New("want a whole number from 0 to 18446744073709551615, as a string of digits")

// ParseUint64 reads digits without sign and without leading zeros.
func ParseUint64(s string) (uint64, error) {
	if s == "" || s[0] == '0' && s != "0" {
		return 0, errNotUint64
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, errNotUint64
		}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, errNotUint64
	}
	return n, nil
}

// MarshalJSON implements json.Marshaler.
func (u Uint64) MarshalJSON() ([]byte, error) { return u.append(nil), nil }

func (u Uint64) append(b []byte) []byte {
	return append(strconv.AppendUint(append(b, '"'), uint64(u), 10), '"')
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *Uint64) UnmarshalJSON(b []byte) error {
	if n, ok := quotedUint64(b); ok {
		*u = Uint64(n)
		return nil
	}
	text := string(b)
	if quoted := len(b) > 0 && b[0] == '"'; quoted { // with escapes in it, or wrong
		if err := strictjson.Unmarshal(b, &text, 0); err != nil {
			return err
		}
	} else if n, err := ParseUint64(text); err == nil && n > MaxNumber {
		return fmt.Errorf("%s is above 2^53−1, where numbers are rounded: write it as a string, \"%s\"", text, text)
	}
	n, err := ParseUint64(text)
	if err != nil {
		return err
	}
	*u = Uint64(n)
	return nil
}

// quotedUint64 reads an integer as this package writes it: a string without escapes.
func quotedUint64(b []byte) (uint64, bool) {
	if len(b) < 3 || b[0] != '"' || b[len(b)-1] != '"' {
		return 0, false
	}
	n, err := ParseUint64(string(b[1 : len(b)-1]))
	return n, err == nil
}

// MarshalJSON implements json.Marshaler. The list is never null.
func (l Uint64s) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 2+8*len(l)), '[')
	for i, n := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = Uint64(n).append(b)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *Uint64s) UnmarshalJSON(b []byte) error {
	if plain, ok := quotedUint64s(b); ok {
		*l = plain
		return nil
	}
	var list []Uint64
	if err := strictjson.Unmarshal(b, &list, 0); err != nil {
		return err
	}
	*l = make(Uint64s, len(list))
	for i, n := range list {
		(*l)[i] = uint64(n)
	}
	return nil
}

// quotedUint64s reads a list as this package writes it, without white space.
func quotedUint64s(b []byte) (Uint64s, bool) {
	if len(b) < 3 || b[0] != '[' || b[len(b)-1] != ']' {
		return nil, false
	}
	list := make(Uint64s, 0, 1+bytes.Count(b, []byte(",")))
	for element := range bytes.SplitSeq(b[1:len(b)-1], []byte(",")) {
		n, ok := quotedUint64(element)
		if !ok {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}
