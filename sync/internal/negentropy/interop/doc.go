// Package interop holds the Negentropy of package negentropy against what others have made of the
// same specification: against the Go package in thousands of random sessions, in both roles, each
// time the tests run; against two JavaScript packages by transcripts, which are replayed without
// them (see transcript_test.go).
//
// It is a module of its own, so that the others stay out of the requirements of the product. From
// the root of the repository:
//
//	go -C sync/internal/negentropy/interop test ./...
package interop
