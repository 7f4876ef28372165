// Package api is how programs reach a node: HTTP and JSON on localhost. It holds the server
// ([NewHandler]), the Go client ([Client]), and the interface that both share, [Service]. The
// glossary of package lf explains the nouns.
//
//   - A [Handler] serves a Service: it checks who asks, and bounds what a request may cost.
//     [NewServer] adds the limits of a connection.
//   - A [Client] implements Service over HTTP. A program that uses a Service works with both.
//   - An [Error] is a problem that the caller can act on: problem details of RFC 9457. Server and
//     client return the same ones.
//
// A caller may do everything on a trusted listener ([TrustListener]), a socket that only the node's
// user can use. Over TCP, this machine may read: the loopback interface is where the node's user
// is. Writing, paying work and administration need the node's token there. So does every
// reader elsewhere. Reading by name is open, too, although deriving a name costs the node work and
// memory: the service bounds how many derivations run at once, and answers 503 above that.
//
// Requests pass through huma on net/http's mux: an operation's input is a struct whose tags name
// the parameters and their limits, and the OpenAPI 3.1 document is made of the same structs. What
// huma would let pass, exchange.go refuses first.
package api
