// Package api is the node's door for programs: HTTP and JSON on localhost. It holds both sides of it, the server
// ([NewHandler]) and the Go client ([Client]), which implement and consume one interface, [Service].
//
// Reading order: api.go (the interface and its types), error.go, server.go, client.go.
package api
