package dnszone

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const (
	// maxText bounds a value in bytes, maxRecords the records in it: one message of DNS over TCP
	// holds that.
	maxText, maxRecords = 32 << 10, 500
	// noTTL is the TTL of a record that names none.
	noTTL = math.MaxUint32
)

// types are those that a value may have. The others are about zones, of which a value is no part.
var types = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypeCAA, dns.TypeCNAME, dns.TypeHTTPS, dns.TypeMX, dns.TypeNAPTR, dns.TypeOPENPGPKEY, dns.TypePTR, dns.TypeSMIMEA,
	dns.TypeSRV, dns.TypeSSHFP, dns.TypeSVCB, dns.TypeTLSA, dns.TypeTXT, dns.TypeURI,
}

// Types are the types of records that a value may have, for people.
func Types() []string {
	names := make([]string, len(types))
	for i, kind := range types {
		names[i] = dns.TypeToString[kind]
	}
	return names
}

// ParseType reads a type of records that a value may have.
func ParseType(name string) (uint16, error) {
	kind, known := dns.StringToType[strings.ToUpper(name)]
	if !known || !slices.Contains(types, kind) {
		return 0, fmt.Errorf("%q is no type of record that LF has: want one of %s", name, strings.Join(Types(), ", "))
	}
	return kind, nil
}

// Value is what stands under the key of a DNS name: its records.
type Value struct {
	records []dns.RR // their name is the zone's suffix
}

// ParseValue reads the value of a name in a zone. The error says in which line it is wrong.
func ParseValue(text string, z *Zone) (*Value, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%d bytes, at most %d are read", len(text), maxText)
	}
	v := new(Value)
	for _, line := range splitLines(text) {
		rr, err := parseRecord(line.text, z.suffix)
		if err == nil {
			err = v.add(rr)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line.number, err)
		}
	}
	return v, v.check()
}

// line is a record's text, which may go over several lines of the value.
type line struct {
	number int
	text   string
}

// splitLines takes a value apart into records: a line each, or several in parentheses. Quotes and
// comments hide parentheses.
func splitLines(text string) (lines []line) {
	depth, quoted, start, number, first := 0, false, 0, 1, 1
	end := func(at int) {
		if record := strings.TrimSpace(text[start:at]); record != "" && record[0] != ';' {
			lines = append(lines, line{first, record})
		}
		start, first = at+1, number+1
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case c == '(' && !quoted:
			depth++
		case c == ')' && !quoted:
			depth--
		case c == '\n':
			if depth <= 0 && !quoted {
				end(i)
			}
			number++
		}
	}
	end(len(text))
	return lines
}

// parseRecord reads a record in the form of a zone file: [@] [TTL] [IN] TYPE DATA. Names in the
// data that have no dot at their end are below the origin.
func parseRecord(text, origin string) (dns.RR, error) {
	first, _, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	switch {
	case text[0] == '$':
		return nil, fmt.Errorf("%q is a directive: a value has records only", first)
	case first == apex:
		text = text[len(apex):]
	case !startsRecord(first):
		return nil, fmt.Errorf("%q is neither a TTL nor a type: a value leaves out the name, or has @ for it", first)
	}
	rr, err := readRecord(text, origin)
	if err != nil {
		return nil, err
	}
	return checkRecord(rr)
}

// readRecord reads a record without its name, as the origin's.
func readRecord(text, origin string) (dns.RR, error) {
	p := dns.NewZoneParser(strings.NewReader(origin+" "+text+"\n"), origin, "")
	p.SetDefaultTTL(noTTL)
	rr, found := p.Next()
	if !found {
		return nil, zoneError(p.Err())
	}
	if _, more := p.Next(); more || p.Err() != nil {
		return nil, errors.New("more than one record")
	}
	return rr, nil
}

// startsRecord reports whether a word is a TTL, a class or a type.
func startsRecord(word string) bool {
	if word[0] >= '0' && word[0] <= '9' {
		return true
	}
	word = strings.ToUpper(word)
	_, isType := dns.StringToType[word]
	_, isClass := dns.StringToClass[word]
	return isType || isClass || strings.HasPrefix(word, "TYPE") || strings.HasPrefix(word, "CLASS")
}

// zoneError is what the reader of zone files says, without its prefix and its place.
func zoneError(err error) error {
	if err == nil {
		return errors.New("no record")
	}
	var wrong *dns.ParseError
	if !errors.As(err, &wrong) {
		return err
	}
	said := strings.TrimPrefix(wrong.Error(), "dns: ")
	if at := strings.LastIndex(said, " at line: "); at > 0 {
		said = said[:at]
	}
	return errors.New(said)
}

// checkRecord returns a record as it is after its way through a message, or says what is wrong with
// it.
func checkRecord(rr dns.RR) (dns.RR, error) {
	h := rr.Header()
	kind := dns.Type(h.Rrtype)
	if !slices.Contains(types, h.Rrtype) {
		return nil, fmt.Errorf("a value has no %s records: LF has %s", kind, strings.Join(Types(), ", "))
	}
	if h.Class != dns.ClassINET {
		return nil, fmt.Errorf("class %s: want IN", dns.Class(h.Class))
	}
	wire := make([]byte, dns.MaxMsgSize)
	n, err := dns.PackRR(rr, wire, 0, nil, false)
	if err == nil {
		rr, _, err = dns.UnpackRR(wire[:n], 0)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s record: %w", kind, err)
	}
	// What reads otherwise when it is written says nothing, or what nobody can see.
	if again, err := readRecord(Line(rr), rr.Header().Name); err != nil || !dns.IsDuplicate(again, rr) {
		return nil, fmt.Errorf("%s record: it is not whole", kind)
	}
	return rr, nil
}

// add takes a record in, once.
func (v *Value) add(rr dns.RR) error {
	if slices.ContainsFunc(v.records, func(other dns.RR) bool { return dns.IsDuplicate(other, rr) }) {
		return nil
	}
	if v.records = append(v.records, rr); len(v.records) > maxRecords {
		return fmt.Errorf("more than %d records", maxRecords)
	}
	return nil
}

// check says what is wrong with the records together.
func (v *Value) check() error {
	if len(v.records) > 1 && len(v.Of(dns.TypeCNAME)) > 0 {
		return errors.New("a name with a CNAME record has no other record")
	}
	return nil
}

// Records returns the records. Their name is that of the zone. They are not to be changed.
func (v *Value) Records() []dns.RR { return v.records }

// Of returns the records of a type, which are not to be changed.
func (v *Value) Of(kind uint16) (records []dns.RR) {
	for _, rr := range v.records {
		if rr.Header().Rrtype == kind {
			records = append(records, rr)
		}
	}
	return records
}

// TTL returns the TTL of a record in seconds, or otherwise if the record names none.
func TTL(rr dns.RR, otherwise uint32) uint32 {
	if ttl := rr.Header().Ttl; ttl != noTTL {
		return ttl
	}
	return otherwise
}

// Text writes the value so that [ParseValue] reads it again: sorted, one record a line.
func (v *Value) Text() string {
	lines := make([]string, len(v.records))
	for i, rr := range v.records {
		lines[i] = Line(rr) + "\n"
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// Line writes a record without its name and class.
func Line(rr dns.RR) string {
	h := rr.Header()
	said := dns.Type(h.Rrtype).String() + " " + Data(rr)
	if h.Ttl != noTTL {
		said = fmt.Sprintf("%d %s", h.Ttl, said)
	}
	return said
}

// Data writes what a record says.
func Data(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }
