package testbed

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lf-store/lf/internal/text"
)

// field is a word that may stand in a mapping. The tables in docs/testbed.md are made of these.
type field struct {
	name string
	kind string // what its value is, for the reader of the documentation
	doc  string
	must bool
	read func(*value)
}

// fields reads a mapping by its fields and returns where each one stands. what names the mapping in
// error messages.
func (s *source) fields(v *value, what string, fields []field) map[string]position {
	given := map[string]position{}
	if v.kind != mapping && v.kind != absent {
		s.errorf(v.position, "%s is a mapping of %s", what, text.Join(namesOf(fields), "and"))
		return given
	}
	for _, p := range v.pairs {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == p.key.text })
		switch {
		case p.key.kind != scalar || i < 0:
			s.unknownField(p.key, what, namesOf(fields))
		case given[p.key.text] != position{}:
			s.errorf(p.key.position, "%q stands twice in this %s: leave one out (the other is in line %d)", p.key.text, what, given[p.key.text].line)
		default:
			given[p.key.text] = p.key.position
			fields[i].read(p.value)
		}
	}
	for _, f := range fields {
		if _, there := given[f.name]; f.must && !there {
			s.errorf(v.position, "this %s lacks %q: %s", what, f.name, f.doc)
		}
	}
	return given
}

func namesOf(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

func (s *source) unknownField(key *value, what string, known []string) {
	if near := nearest(key.text, known); near != "" {
		s.errorf(key.position, "there is no %q in a %s: did you mean %q?", key.text, what, near)
		return
	}
	s.errorf(key.position, "there is no %q in a %s: it may have %s", key.text, what, text.Join(known, "and"))
}

// scalar wants one word.
func (s *source) scalar(v *value, want string) (string, bool) {
	if v.kind != scalar {
		s.errorf(v.position, "here belongs %s, not %s", want, [...]string{"nothing", "", "a list", "a mapping"}[v.kind])
		return "", false
	}
	return v.text, true
}

func (s *source) text(to *string, most int) func(*value) {
	return func(v *value) {
		text, ok := s.scalar(v, "a text")
		if ok && len([]rune(text)) > most {
			s.errorf(v.position, "the text has more than %d characters: shorten it", most)
		}
		*to = strings.TrimSpace(text)
	}
}

func (s *source) boolean(to *bool) func(*value) {
	return func(v *value) {
		switch text, ok := s.scalar(v, "true or false"); {
		case !ok:
		case text == "true":
			*to = true
		case text == "false":
			*to = false
		default:
			s.errorf(v.position, "%q is neither true nor false", text)
		}
	}
}

// onlyTrue wants true: to leave the field out means false already.
func (s *source) onlyTrue(to *bool) func(*value) {
	return func(v *value) {
		s.boolean(to)(v)
		if v.text == "false" {
			s.errorf(v.position, "only true makes sense here: leave the word out otherwise")
		}
	}
}

func (s *source) count(to *int, least, most int) func(*value) {
	return func(v *value) {
		text, ok := s.scalar(v, "a number")
		if !ok {
			return
		}
		n, err := strconv.Atoi(strings.ReplaceAll(text, "_", ""))
		if err != nil || n < least || n > most {
			s.errorf(v.position, "%q is not a number from %d to %d", text, least, most)
			return
		}
		*to = n
	}
}

// maxTime bounds all times of a scenario.
const maxTime = 24 * time.Hour

func (s *source) duration(to *time.Duration) func(*value) {
	return func(v *value) {
		if text, ok := s.scalar(v, "a time such as 500ms, 20s or 2m"); ok {
			d, err := time.ParseDuration(text)
			if err != nil || d <= 0 || d > maxTime {
				s.errorf(v.position, "%q is not a time such as 500ms, 20s or 2m, at most 24h", text)
				return
			}
			*to = d
		}
	}
}

// offset is a time that may be negative.
func (s *source) offset(to *time.Duration) func(*value) {
	return func(v *value) {
		if text, ok := s.scalar(v, "a time such as +90s or -2m"); ok {
			d, err := time.ParseDuration(text)
			if err != nil || d.Abs() > maxTime {
				s.errorf(v.position, "%q is not a time such as +90s or -2m, at most 24h", text)
				return
			}
			*to = d
		}
	}
}

// ends are the two ends of a text such as 1..5; one without dots is both.
func ends(text string) (low, high string) {
	low, high, ranged := strings.Cut(text, "..")
	if !ranged {
		high = low
	}
	return low, high
}

func (s *source) span(to *Span) func(*value) {
	return func(v *value) {
		text, ok := s.scalar(v, "a time such as 2s, or two such as 1s..5s")
		if !ok {
			return
		}
		low, high := ends(text)
		from, err := time.ParseDuration(low)
		until, wrong := time.ParseDuration(high)
		if err != nil || wrong != nil || from <= 0 || until < from || until > maxTime {
			s.errorf(v.position, "%q is not a time such as 2s, nor two such as 1s..5s", text)
			return
		}
		*to = Span{from, until}
	}
}

var (
	sizePattern = regexp.MustCompile(`^([0-9]{1,15})(?:\.([0-9]{1,3}))? ?(B|KiB|MiB|GiB|KB|MB|GB)?$`)
	sizeUnits   = map[string]float64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "KB": 1e3, "MB": 1e6, "GB": 1e9}
	ratePattern = regexp.MustCompile(`^([0-9]{1,6}(?:\.[0-9]{1,3})?)(?:/(s|m|min|h))?$`)
	rateUnits   = map[string]float64{"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
)

func parseSize(text string) (uint64, bool) {
	m := sizePattern.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(m[1]+"."+m[2]+"0", 64)
	n = math.Round(n * sizeUnits[m[3]])
	return uint64(n), err == nil && n <= 1<<50
}

func (s *source) size(to *uint64) func(*value) {
	return func(v *value) {
		if text, ok := s.scalar(v, "a size such as 500B, 64KiB or 2MiB"); ok {
			n, ok := parseSize(text)
			if !ok {
				s.errorf(v.position, "%q is not a size such as 500B, 64KiB or 2MiB", text)
				return
			}
			*to = n
		}
	}
}

// bytes is a number of bytes of a value, or two with any between.
func (s *source) bytes(to *Range, most int) func(*value) {
	return func(v *value) {
		text, ok := s.scalar(v, "a number of bytes such as 100, or two such as 16..512")
		if !ok {
			return
		}
		low, high := ends(text)
		from, ok := parseSize(low)
		until, also := parseSize(high)
		if !ok || !also || until < from || until > uint64(most) { // a constant
			s.errorf(v.position, "%q is not a number of bytes up to %d such as 100, nor two such as 16..512", text, most)
			return
		}
		*to = Range{int(from), int(until)} // at most most
	}
}

func (s *source) rate(to *float64) func(*value) {
	return func(v *value) {
		if text, ok := s.scalar(v, "a rate such as 20/s"); ok {
			m := ratePattern.FindStringSubmatch(text)
			if m == nil {
				s.errorf(v.position, "%q is not a rate such as 20/s or 90/m", text)
				return
			}
			n, err := strconv.ParseFloat(m[1], 64)
			if n /= rateUnits[m[2]]; err != nil || n <= 0 {
				s.errorf(v.position, "a rate must be more than nothing")
				return
			}
			*to = n
		}
	}
}

func (s *source) factor(to *float64) func(*value) {
	return func(v *value) {
		if text, ok := s.scalar(v, "a factor such as 1.15"); ok {
			f, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
			if err != nil || !(f >= 1 && f <= 1e6) {
				s.errorf(v.position, "%q is not a factor such as 1.15: at least 1", text)
				return
			}
			*to = f
		}
	}
}

func (s *source) oneOf(what string, words []string, to func(string)) func(*value) {
	return func(v *value) {
		word, ok := s.scalar(v, text.Join(words, "or"))
		switch {
		case !ok:
		case slices.Contains(words, word):
			to(word)
		default:
			if near := nearest(word, words); near != "" {
				s.errorf(v.position, "%q is not %s: did you mean %q?", word, what, near)
				return
			}
			s.errorf(v.position, "%q is not %s: it is %s", word, what, text.Join(words, "or"))
		}
	}
}
