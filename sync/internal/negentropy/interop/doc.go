// Package interop holds package negentropy against what others have made of the same specification.
// It plays thousands of random sessions with the Go package, in both roles, each time the tests
// run. Of two JavaScript packages it has transcripts, which are replayed without them (see
// transcript_test.go).
//
// It is a module of its own, so that the others stay out of the requirements of the product. From
// the root of the repository:
//
//	go -C sync/internal/negentropy/interop test ./...
package interop
