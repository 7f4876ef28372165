// Package api is the node's door for programs: HTTP and JSON on localhost. It holds both sides of
// it, the server ([NewHandler]) and the Go client ([Client]), which implement and consume one
// interface, [Service].
// The glossary of package lf explains the nouns.
//
//   - A [Handler] is the server's side: routes, who may use them, and what they cost a client who
//     errs. [NewServer] gives it the limits of a connection.
//   - A [Client] is the other side. A program can be written against a [Service] and not know which
//     it has.
//   - An [Error] is what a caller can do something about, alike on both sides: problem details of
//     RFC 9457.
//
// A caller may do everything on a trusted listener ([TrustListener]), a socket that only the node's
// user can use. Over TCP, this machine may read: the loopback interface is where the node's user
// is. Whatever writes, works or administers there needs the node's token, and so does every reader
// elsewhere. Reading by name is open too, although deriving a name costs the node work and memory:
// the service bounds how many derivations run at once, and answers 503 beyond.
//
// Requests pass through huma on net/http's mux: an operation's input is a struct whose tags name
// the parameters and their limits, and the OpenAPI 3.1 document is made of the same structs. What
// huma would let pass, exchange.go refuses first.
//
// Reading order: api.go (the interface and its types), checkup.go (those of the doctor), check.go
// (their rules), error.go, handler.go, routes.go (the operations) and messages.go (what they take
// and give), guard.go (who may ask), exchange.go and body.go (between huma and us), openapi.go,
// metrics.go, server.go, client.go, calls.go.
package api
