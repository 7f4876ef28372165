package dnszone

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// maxString is the longest string of a TXT record, in bytes.
const maxString = 255

// MaxTTL is the longest TTL that the DNS has (RFC 2181).
const MaxTTL = (1<<31 - 1) * time.Second

// NewRecords makes records of one type from what was typed: each text is the data of one record, or
// all of them together are. The TTL is in whole seconds; below 0 the records name none.
func NewRecords(kind uint16, data []string, ttl time.Duration, z *Zone) ([]dns.RR, error) {
	records, err := newRecords(kind, data, ttl, z)
	if err == nil || len(data) == 1 {
		return records, err
	}
	if joined, failed := newRecords(kind, []string{strings.Join(data, " ")}, ttl, z); failed == nil {
		return joined, nil
	}
	return nil, err
}

func newRecords(kind uint16, data []string, ttl time.Duration, z *Zone) (records []dns.RR, err error) {
	seconds := uint32(noTTL)
	if ttl >= 0 {
		seconds = uint32(min(ttl, MaxTTL) / time.Second)
	}
	for _, text := range data {
		if strings.ContainsAny(text, "\r\n") {
			return nil, fmt.Errorf("%q has more than one line", text)
		}
		typed := text
		if kind == dns.TypeTXT && !strings.HasPrefix(text, `"`) {
			text = quoted(text)
		}
		rr, err := parseRecord(dns.Type(kind).String()+" "+text, z.suffix)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", dns.Type(kind), typed, err)
		}
		rr.Header().Ttl = seconds
		records = append(records, rr)
	}
	return records, nil
}

// quoted writes a text as strings of a TXT record.
func quoted(text string) string {
	var parts []string
	for len(text) > maxString {
		parts, text = append(parts, quote(text[:maxString])), text[maxString:]
	}
	return strings.Join(append(parts, quote(text)), " ")
}

func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Set puts records in the place of all of their type.
func (v *Value) Set(kind uint16, records []dns.RR) error {
	v.Remove(kind, nil)
	return v.Add(records)
}

// Add takes records in beside those that are there. One that is there already gets the new TTL.
func (v *Value) Add(records []dns.RR) error {
	for _, rr := range records {
		v.Remove(rr.Header().Rrtype, []dns.RR{rr})
		if err := v.add(rr); err != nil {
			return err
		}
	}
	return v.check()
}

// Remove takes out records of a type: those that say the same as one of the list, or all where
// there is no list. It returns how many those were.
func (v *Value) Remove(kind uint16, records []dns.RR) int {
	before := len(v.records)
	v.records = slices.DeleteFunc(slices.Clone(v.records), func(rr dns.RR) bool {
		return rr.Header().Rrtype == kind &&
			(records == nil || slices.ContainsFunc(records, func(other dns.RR) bool { return dns.IsDuplicate(other, rr) }))
	})
	return before - len(v.records)
}
