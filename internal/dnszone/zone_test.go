package dnszone

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/lf-store/lf"
)

func zonesOf(t testing.TB, texts ...string) Zones {
	t.Helper()
	zones, err := ParseZones(texts)
	if err != nil {
		t.Fatal(err)
	}
	return zones
}

// TestKeys: a typed name has one DNS name and one key, and the key leads back to the name.
func TestKeys(t *testing.T) {
	t.Parallel()
	zones := zonesOf(t, "lf", "corp.lf.=team#3 {name}", "2.0.192.in-addr.arpa=rev-{fqdn}")
	for _, c := range []struct{ typed, fqdn, key string }{
		{"www.example", "www.example.lf.", "www.example dns"},
		{"WWW.Example.LF.", "www.example.lf.", "www.example dns"},
		{"@", "lf.", "@ dns"},
		{"*.a", "*.a.lf.", "*.a dns"},
		{"bücher", "xn--bcher-kva.lf.", "xn--bcher-kva dns"},
		{"_443._tcp.bücher", "_443._tcp.xn--bcher-kva.lf.", "_443._tcp.xn--bcher-kva dns"},
		{"www.corp", "www.corp.lf.", "team#3 www"},
		{"corp.lf.", "corp.lf.", "team#3 @"},
		{"7.2.0.192.in-addr.arpa.", "7.2.0.192.in-addr.arpa.", "rev-7.2.0.192.in-addr.arpa."},
		{`a\.b`, `a\.b.lf.`, `a\\.b dns`},
		{"a#1", "a#1.lf.", `a\#1 dns`},
	} {
		z, fqdn, err := zones.Find(c.typed)
		if err != nil || fqdn != c.fqdn {
			t.Errorf("%s: %s, %v, want %s", c.typed, fqdn, err, c.fqdn)
			continue
		}
		key, err := z.Key(fqdn)
		if want := lf.MustKey(strings.Fields(c.key)...); err != nil || key.String() != want.String() {
			t.Errorf("%s: key %s, %v, want %s", c.typed, key, err, want)
		}
		if back, ok := z.NameOf(key); !ok || back != fqdn {
			t.Errorf("%s: key %s is of %q", c.typed, key, back)
		}
	}
	for _, typed := range []string{"", "a..b", "www.example.org.", strings.Repeat("a", 64), strings.Repeat("a.", 130)} {
		if _, fqdn, err := zones.Find(typed); err == nil {
			t.Errorf("%q is %s", typed, fqdn)
		}
	}
	for _, key := range []lf.Key{lf.MustKey("www"), lf.MustKey("www", "dnx"), lf.MustKey("www#1", "dns"), lf.MustKey("WWW", "dns"), lf.MustKey("dns", "www")} {
		if name, ok := zones[0].NameOf(key); ok {
			t.Errorf("key %s is of %s", key, name)
		}
	}
}

func TestBadZones(t *testing.T) {
	t.Parallel()
	for _, texts := range [][]string{{""}, {"lf=dns"}, {"lf={name} {fqdn}"}, {"lf={name}#1#2"}, {"lf={name} {name}"}, {"a..b"}, {"lf", "LF."}} {
		if zones, err := ParseZones(texts); err == nil {
			t.Errorf("%q: %v", texts, zones)
		}
	}
	if z := zonesOf(t, "."); z.Of("www.example.") == nil {
		t.Error("the root has no names")
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	z := zonesOf(t, "lf")[0]
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"A 192.0.2.1", "A 192.0.2.1\n"},
		{"a 192.0.2.1\r\nA 192.0.2.1\n", "A 192.0.2.1\n"},
		{"@ 5m IN A 192.0.2.1 ; the first\n\n; the second\n\t0 A 192.0.2.2", "0 A 192.0.2.2\n300 A 192.0.2.1\n"},
		{"IN 60 MX 10 mail", "60 MX 10 mail.lf.\n"},
		{"CNAME @", "CNAME lf.\n"},
		{"TXT \"; ( \\\" $ \" (\n b ; )\n c )\nA 192.0.2.1", "A 192.0.2.1\nTXT \"; ( \\\" $ \" \"b\" \"c\"\n"},
		{"TYPE1 \\# 4 c0000201", "A 192.0.2.1\n"},
	} {
		v, err := ParseValue(c.text, z)
		if err != nil || v.Text() != c.want {
			t.Errorf("%q: %v\n%s\nwant %s", c.text, err, v.Text(), c.want)
		}
	}
	for text, why := range map[string]string{
		"hello":                                "neither a TTL nor a type",
		"A 192.0.2.1\nA":                       "line 2",
		"\n\nA 192.0.2.256":                    "line 3",
		"www A 192.0.2.1":                      "leaves out the name",
		"$INCLUDE /etc/passwd":                 "directive",
		"$GENERATE 1-100000 a A 192.0.2.$":     "directive",
		"A 192.0.2.1 192.0.2.2":                "",
		"SOA a. b. 1 2 3 4 5":                  "no SOA records",
		"NS ns.example.":                       "no NS records",
		"CH TXT a":                             "class CH",
		"TYPE65400 \\# 0":                      "no TYPE65400",
		"CNAME a\nTXT b":                       "no other record",
		"CNAME a\nCNAME b":                     "no other record",
		"TXT \"a":                              "",
		"TLSA 3 1 1 zz":                        "",
		"CNAME " + strings.Repeat("a", 64):     "",
		strings.Repeat("A 192.0.2.1\n", 1<<14): "bytes",
	} {
		if _, err := ParseValue(text, z); err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %v, want %q", text, err, why)
		}
	}
}

func TestNewRecords(t *testing.T) {
	t.Parallel()
	z := zonesOf(t, "lf")[0]
	for _, c := range []struct {
		kind string
		data []string
		want string
	}{
		{"A", []string{"192.0.2.1", "192.0.2.2"}, "A 192.0.2.1; A 192.0.2.2"},
		{"mx", []string{"10 mail", "20 mail.example.org."}, "MX 10 mail.lf.; MX 20 mail.example.org."},
		{"MX", []string{"10", "mail"}, "MX 10 mail.lf."},
		{"SRV", []string{"0", "5", "8080", "www.lf."}, "SRV 0 5 8080 www.lf."},
		{"TXT", []string{`v=spf1 "x" \ -all`}, `TXT "v=spf1 \"x\" \\ -all"`},
		{"TXT", []string{`"a" b`}, `TXT "a" "b"`},
		{"TXT", []string{"ü"}, `TXT "\195\188"`},
	} {
		kind, err := ParseType(c.kind)
		if err != nil {
			t.Fatal(err)
		}
		records, err := NewRecords(kind, c.data, -1, z)
		var lines []string
		for _, rr := range records {
			lines = append(lines, Line(rr))
		}
		if got := strings.Join(lines, "; "); err != nil || got != c.want {
			t.Errorf("%s %q: %s, %v, want %s", c.kind, c.data, got, err, c.want)
		}
	}
	if records, err := NewRecords(dns.TypeTXT, []string{strings.Repeat("x", 600)}, -1, z); err != nil || len(records[0].(*dns.TXT).Txt) != 3 {
		t.Errorf("a long text: %v, %v", records, err)
	}
	for _, data := range []string{"192.0.2.1\nA 192.0.2.2", "192.0.2.256", "", "192.0.2.1 x"} {
		if records, err := NewRecords(dns.TypeA, []string{data}, -1, z); err == nil {
			t.Errorf("%q: %v", data, records)
		}
	}
	for _, name := range []string{"NS", "SOA", "ANY", "FOO", ""} {
		if _, err := ParseType(name); err == nil {
			t.Errorf("%q is a type", name)
		}
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	z := zonesOf(t, "lf")[0]
	v, err := ParseValue("A 192.0.2.1\n60 A 192.0.2.2\nTXT a", z)
	if err != nil {
		t.Fatal(err)
	}
	made := func(kind uint16, data ...string) []dns.RR {
		records, err := NewRecords(kind, data, -1, z)
		if err != nil {
			t.Fatal(err)
		}
		return records
	}
	step := func(err error, want string) {
		t.Helper()
		if got := strings.ReplaceAll(v.Text(), "\n", "; "); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	step(v.Add(made(dns.TypeA, "192.0.2.2", "192.0.2.3")), `A 192.0.2.1; A 192.0.2.2; A 192.0.2.3; TXT "a"; `)
	step(v.Set(dns.TypeA, made(dns.TypeA, "192.0.2.4")), `A 192.0.2.4; TXT "a"; `)
	if err := v.Set(dns.TypeCNAME, made(dns.TypeCNAME, "www")); err == nil {
		t.Error("a CNAME beside other records")
	}
	v.Remove(dns.TypeCNAME, nil)
	if n := v.Remove(dns.TypeTXT, made(dns.TypeTXT, "b")); n != 0 {
		t.Errorf("%d records removed that are not there", n)
	}
	if n := v.Remove(dns.TypeTXT, made(dns.TypeTXT, "a")); n != 1 {
		t.Errorf("%d records removed", n)
	}
	step(nil, "A 192.0.2.4; ")
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	zones := zonesOf(t, "lf", "2.0.192.in-addr.arpa={fqdn} dns")
	list, left, err := ReadFile(strings.NewReader(`
$TTL 1h
@      IN SOA ns hostmaster ( 1 2 3 4
               5 ) ; about the zone
@         NS  ns
ns     60 A   192.0.2.53
$ORIGIN example.lf.
www       A   192.0.2.1
          A   192.0.2.2
*         CNAME www
$GENERATE 1-3 h$ A 192.0.2.1$
7.2.0.192.in-addr.arpa. PTR www
WWW       TXT a
`), zones)
	var got []string
	for _, n := range list {
		got = append(got, n.Name+": "+strings.ReplaceAll(n.Value.Text(), "\n", "; "))
	}
	want := []string{
		"ns.lf.: 60 A 192.0.2.53; ", `www.example.lf.: 3600 A 192.0.2.1; 3600 A 192.0.2.2; 3600 TXT "a"; `, "*.example.lf.: 3600 CNAME www.example.lf.; ",
		"h1.example.lf.: 3600 A 192.0.2.11; ", "h2.example.lf.: 3600 A 192.0.2.12; ", "h3.example.lf.: 3600 A 192.0.2.13; ",
		"7.2.0.192.in-addr.arpa.: 3600 PTR www.example.lf.; ",
	}
	if err != nil || left != 2 || !slices.Equal(got, want) {
		t.Errorf("%v, %d left out\n%q\nwant\n%q", err, left, got, want)
	}
	if list, _, err := ReadFile(strings.NewReader("a 60 A 192.0.2.1\nb A 192.0.2.2\n"), zones); err != nil || list[1].Value.Text() != "A 192.0.2.2\n" {
		t.Errorf("a record without a TTL after one with: %v, %v", list, err)
	}
	for text, why := range map[string]string{
		"www.example.org. A 192.0.2.1":   "--zone",
		"www A 192.0.2.1\nwww CNAME a":   "www.lf.",
		"$INCLUDE /etc/passwd":           "",
		"www A 192.0.2.1\nwww A 1.2.3.x": "line 2: ",
		"www HINFO a b":                  "no HINFO",
		"www CH TXT a":                   "class",
	} {
		if list, _, err := ReadFile(strings.NewReader(text+"\n"), zones); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
}

// FuzzParseValue: any value is refused, or it can be sent, and written so that it reads the same
// again.
func FuzzParseValue(f *testing.F) {
	for _, seed := range []string{"A 192.0.2.1", "@ 5m IN TXT \"a;(\" (\n b )", "$GENERATE 1-3 a A 1.1.1.1", "HTTPS 1 . alpn=h2", "TYPE1 \\# 4 00000000", "SVCB 0 a.\\\"b", "CNAME \\000\\.x"} {
		f.Add(seed)
	}
	z := zonesOf(f, "lf")[0]
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseValue(text, z)
		if err != nil {
			return
		}
		m := &dns.Msg{Answer: v.Records(), Compress: true}
		m.Truncate(dns.MaxMsgSize)
		if _, err := m.Pack(); err != nil {
			t.Fatalf("%q cannot be sent: %v", text, err)
		}
		again, err := ParseValue(v.Text(), z)
		if err != nil || again.Text() != v.Text() {
			t.Fatalf("%q is written as %q, which reads as %v", text, v.Text(), err)
		}
	})
}
