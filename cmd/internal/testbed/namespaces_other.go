//go:build !linux

package testbed

import "errors"

// Namespaces is a fabric that this system does not have.
type Namespaces struct{ Fabric }

// NewNamespaces says so.
func NewNamespaces() (*Namespaces, error) {
	return nil, errors.New("--netns needs Linux: leave it out")
}

// Internet is a fabric that this system does not have.
type Internet struct{ Fabric }

// NewInternet says so.
func NewInternet() (*Internet, error) { return nil, errors.New("--netns needs Linux: leave it out") }
