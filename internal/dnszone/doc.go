// Package dnszone writes DNS names as keys of LF, and DNS records as values.
//
//   - A [Zone] maps the names below a suffix to keys: www.example.lf. is the key of www.example and
//     dns.
//   - A [Value] is what stands under such a key: resource records in the form of a zone file, each
//     without the name that owns it.
//
// The package does no I/O. What it reads may come from anybody: it is bounded, and nothing in it
// opens a file.
package dnszone
