package dnsserver

import (
	"testing"

	"github.com/miekg/dns"
)

// BenchmarkAnswer is what an answer from the cache takes, without the network. One part has
// addresses. The other has nothing, so the wildcards above are looked at.
func BenchmarkAnswer(b *testing.B) {
	for name, asked := range map[string]string{"found": "www.example.lf.", "nothing": "a.b.nothing.lf."} {
		b.Run(name, func(b *testing.B) {
			s := newServer(b, newFakeNode(zone), nil)
			b.ReportAllocs()
			for b.Loop() {
				if m := ask(s, asked, dns.TypeA); m.Rcode != dns.RcodeSuccess {
					b.Fatal(m)
				}
			}
		})
	}
}
