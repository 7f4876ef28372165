package dnszone

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/protocol"
)

const (
	// DefaultZone is the zone unless another one is given.
	DefaultZone = "lf."
	// defaultKey is the key of a zone that names none. Values are sealed with its first name, so
	// that only those who know the DNS name can read them.
	defaultKey = nameMark + " dns"
	// nameMark and fqdnMark stand for the DNS name in a zone's key: up to the suffix, or all of it.
	nameMark, fqdnMark = "{name}", "{fqdn}"
	// apex is the name of the suffix itself.
	apex = "@"
)

// Zone maps the names below a suffix to keys of LF. It is immutable.
type Zone struct {
	suffix string // canonical: in lower case, with a dot at its end
	key    []protocol.Expression
}

// Parse reads a zone: SUFFIX, or SUFFIX=NAME…, with blanks between the names of the key. In one of
// them {name} stands for the DNS name up to the suffix, or {fqdn} for all of it. The names are
// expressions as on the command line, with one ordinal each.
func Parse(text string) (*Zone, error) {
	suffix, key, given := strings.Cut(text, "=")
	if !given {
		key = defaultKey
	}
	z := new(Zone)
	var err error
	if z.suffix, err = Canonical(suffix); err != nil {
		return nil, fmt.Errorf("zone %q: %w", text, err)
	}
	point, err := lf.ParsePoint(strings.Fields(key)...)
	if err != nil {
		return nil, fmt.Errorf("zone %q: %w", text, err)
	}
	z.key = point.Selectors()
	marks := 0
	for _, e := range z.key {
		marks += strings.Count(e.Name, nameMark) + strings.Count(e.Name, fqdnMark)
	}
	if marks != 1 {
		return nil, fmt.Errorf("zone %q: want %s or %s once in the names of its key, as in %q", text, nameMark, fqdnMark, "lf="+defaultKey)
	}
	return z, nil
}

// Suffix returns the name at the zone's top, canonical.
func (z *Zone) Suffix() string { return z.suffix }

// Names returns how many names a key of the zone has.
func (z *Zone) Names() int { return len(z.key) }

// Key returns the key of a DNS name in the zone. The name must be canonical.
func (z *Zone) Key(fqdn string) (lf.Key, error) {
	selectors := slices.Clone(z.key)
	marks := strings.NewReplacer(nameMark, z.relative(fqdn), fqdnMark, fqdn)
	for i := range selectors {
		selectors[i].Name = marks.Replace(selectors[i].Name)
	}
	return lf.KeyOf(selectors...)
}

// relative is a name without the suffix and the dot before it.
func (z *Zone) relative(fqdn string) string {
	switch {
	case fqdn == z.suffix:
		return apex
	case z.suffix == ".":
		return strings.TrimSuffix(fqdn, ".")
	}
	return strings.TrimSuffix(fqdn, "."+z.suffix)
}

// NameOf returns the DNS name that a key stands for, false where the key is none of the zone's.
func (z *Zone) NameOf(key lf.Key) (fqdn string, ok bool) {
	selectors := key.Selectors()
	if len(selectors) != len(z.key) {
		return "", false
	}
	for i, e := range z.key {
		for _, mark := range []string{nameMark, fqdnMark} {
			before, after, marked := strings.Cut(e.Name, mark)
			name := selectors[i].Name
			if !marked || !strings.HasPrefix(name, before) || !strings.HasSuffix(name, after) || len(name) < len(before)+len(after) {
				continue
			}
			fqdn = name[len(before) : len(name)-len(after)]
			if mark == nameMark {
				fqdn = z.absolute(fqdn)
			}
		}
	}
	if fqdn, err := Canonical(fqdn); err == nil && z.holds(fqdn) {
		made, err := z.Key(fqdn)
		return fqdn, err == nil && slices.Equal(made.Selectors(), selectors)
	}
	return "", false
}

// holds reports whether a canonical name is in the zone.
func (z *Zone) holds(fqdn string) bool { return dns.IsSubDomain(z.suffix, fqdn) }

// absolute is a name that was typed, with the suffix unless it ends with a dot.
func (z *Zone) absolute(name string) string {
	switch {
	case name == apex:
		return z.suffix
	case dns.IsFqdn(name):
		return name
	case z.suffix == ".":
		return name + "."
	}
	return name + "." + z.suffix
}

// Zones are the zones of a server or a command. The first one is that of names without a dot at
// their end.
type Zones []*Zone

// ParseZones reads one zone or several.
func ParseZones(texts []string) (zones Zones, err error) {
	for _, text := range texts {
		z, err := Parse(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(zones, func(other *Zone) bool { return other.suffix == z.suffix }) {
			return nil, fmt.Errorf("zone %s is given twice", z.suffix)
		}
		zones = append(zones, z)
	}
	return zones, nil
}

// Of returns the zone of a canonical name, nil for none. Of zones within each other it is the
// innermost.
func (zs Zones) Of(fqdn string) *Zone {
	var found *Zone
	for _, z := range zs {
		if z.holds(fqdn) && (found == nil || len(z.suffix) > len(found.suffix)) {
			found = z
		}
	}
	return found
}

// Find reads a name that was typed: below the first zone, or with a dot at its end below any. @ is
// the top of the first zone.
func (zs Zones) Find(name string) (z *Zone, fqdn string, err error) {
	if fqdn, err = Canonical(zs[0].absolute(name)); err != nil {
		return nil, "", err
	}
	if z = zs.Of(fqdn); z == nil {
		suffixes := make([]string, len(zs))
		for i, z := range zs {
			suffixes[i] = z.suffix
		}
		return nil, "", fmt.Errorf("%s is not below %s: name its zone with --zone", fqdn, strings.Join(suffixes, ", "))
	}
	return z, fqdn, nil
}

// Canonical returns a DNS name in lower case and with a dot at its end. Letters outside ASCII are
// written as in the DNS (xn--…).
func Canonical(name string) (string, error) {
	ascii := name
	if strings.ContainsFunc(name, func(r rune) bool { return r > '~' }) {
		var err error
		// wildcards and underscores stay as they are
		letters := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))
		if ascii, err = letters.ToASCII(name); err != nil {
			return "", fmt.Errorf("%q is no DNS name: %w", name, err)
		}
	}
	var wire [256]byte
	if name != "" {
		if n, err := dns.PackDomainName(dns.Fqdn(ascii), wire[:], 0, nil, false); err == nil {
			if plain, _, err := dns.UnpackDomainName(wire[:n], 0); err == nil {
				return dns.CanonicalName(plain), nil
			}
		}
	}
	return "", fmt.Errorf("%q is no DNS name: labels have 1 to 63 bytes, all together at most 255", cmp.Or(name, " "))
}
