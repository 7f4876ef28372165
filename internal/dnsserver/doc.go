// Package dnsserver answers DNS from LF.
//
//   - A [Server] listens: UDP and TCP, and where it is asked to, DNS over TLS and over HTTPS.
//   - A lookup finds what stands under a DNS name: an entry of the cache, or what the node answers.
//     Wildcards and CNAME records inside the zones are followed.
//   - The cache keeps the newest state of each name that was asked for. Watches of the node keep it
//     true. When the node is away, entries are stale: they are answered for a bounded time (RFC
//     8767).
//   - A group is a watch of many names with one stream. Groups of similar size are merged, so that
//     there are few.
//
// A name inside a zone that has nothing is NOERROR without data, never NXDOMAIN. Names are blinded
// in LF, so nobody can know that nothing is below a name, which NXDOMAIN says (RFC 8020).
package dnsserver
