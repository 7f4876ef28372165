// Package api is how programs reach a node: HTTP and JSON. It holds the Go client ([Client]), the
// types of requests and answers, and the interface that client and node share, [Service]. The
// server is package internal/apiserver. Importing api links no server, database or peer-to-peer
// code. The glossary of package lf explains the nouns.
//
//   - A [Client] implements Service over HTTP. A program that uses a Service works with a client,
//     and with a node in the same process.
//   - An [Error] is a problem that the caller can act on: problem details of RFC 9457. Server and
//     client return the same ones.
//   - The tags doc, enum, example, maxItems and the like are what the server's OpenAPI document
//     says of a member.
package api
