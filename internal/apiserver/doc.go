// Package apiserver serves an [api.Service] over HTTP. The glossary of package lf explains the
// nouns.
//
// A [Handler] checks who asks, and bounds what a request may cost. [NewServer] adds the limits of a
// connection.
//
// A caller may do everything on a trusted listener ([TrustListener]), a socket that only the node's
// user can use. Over TCP, this machine may read: the loopback interface is where the node's user
// is. Writing, paying work and administration need a token there, and so does every reader
// elsewhere. A public service lets everybody read, and a private one nobody without a token. A
// trusted proxy in front names its clients in X-Forwarded-For, and they are not on this machine.
//
// Reading by name is open, too, although deriving a name costs the node work and memory. The
// service bounds how many derivations run at once, and answers 503 above that. The requests that an
// address makes without a token can be limited (ratelimit.go).
//
// Whatever works for its client may take long. A client that accepts events is told the progress,
// and one that prefers to be answered later gets a job to look at (patience.go, jobs.go).
//
// Requests pass through huma on net/http's mux. An operation's input is a struct whose tags name
// the parameters and their limits. The OpenAPI 3.1 document is made of the same structs. What huma
// would let pass, exchange.go refuses first.
package apiserver
