package dnszone

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

const (
	// maxNames bounds the names of a zone file.
	maxNames = 1 << 20
	// firstLine stands before a zone file. Without it, a record without a TTL would have that of
	// the record before. What [Value.Text] writes without one must stay so.
	firstLine = "$TTL 4294967295\n"
)

// ofZones are types of records that zone files have about the zone itself. LF needs none of them.
var ofZones = []uint16{
	dns.TypeSOA, dns.TypeNS, dns.TypeDS, dns.TypeDNSKEY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeCDS,
	dns.TypeCDNSKEY, dns.TypeZONEMD,
}

// Named is the value of a DNS name.
type Named struct {
	Zone  *Zone
	Name  string // canonical
	Value *Value
}

// ReadFile reads a zone file, with the suffix of the first zone as its origin. It returns a value
// for each name, in the order of the file, and how many records about the zone itself were left
// out. A record without a TTL has that of $TTL before it, or none. $INCLUDE is an error.
func ReadFile(r io.Reader, zones Zones) (list []*Named, left int, err error) {
	p := dns.NewZoneParser(io.MultiReader(strings.NewReader(firstLine), r), zones[0].suffix, "")
	at := map[string]*Named{}
	for rr, more := p.Next(); more; rr, more = p.Next() {
		h := rr.Header()
		if slices.Contains(ofZones, h.Rrtype) {
			left++
			continue
		}
		name, err := Canonical(h.Name)
		if err != nil {
			return nil, left, err
		}
		n := at[name]
		if n == nil {
			n = &Named{Zone: zones.Of(name), Name: name, Value: new(Value)}
			if at[name], list = n, append(list, n); len(list) > maxNames {
				return nil, left, fmt.Errorf("more than %d names", maxNames)
			}
		}
		if err := n.take(rr); err != nil {
			return nil, left, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := p.Err(); err != nil {
		return nil, left, fileError(err)
	}
	for _, n := range list {
		if err := n.Value.check(); err != nil {
			return nil, left, fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return list, left, nil
}

// fileError says in which line of the file something is wrong.
func fileError(err error) error {
	at := regexp.MustCompile(` at line: (\d+):\d+$`).FindStringSubmatch(err.Error())
	if at == nil {
		return zoneError(err)
	}
	line, failed := strconv.Atoi(at[1])
	if failed != nil {
		return zoneError(err)
	}
	return fmt.Errorf("line %d: %w", line-1, zoneError(err)) // the first line is ours
}

// take takes in a record of a zone file.
func (n *Named) take(rr dns.RR) error {
	if n.Zone == nil {
		return fmt.Errorf("it is in no zone that is named: name one with --zone")
	}
	rr, err := checkRecord(rr)
	if err != nil {
		return err
	}
	rr.Header().Name = n.Zone.suffix
	return n.Value.add(rr)
}
