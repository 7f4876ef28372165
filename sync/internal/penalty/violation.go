package penalty

import (
	"errors"
	"fmt"
)

// Violation is an error of the peer at the other end: no correct peer does this.
type Violation struct{ reason string }

func (v *Violation) Error() string { return "the peer broke the protocol: " + v.reason }

// Violates returns a *Violation.
func Violates(format string, args ...any) error {
	return &Violation{reason: fmt.Sprintf(format, args...)}
}

// ViolationIn returns the violation that an error wraps, or nil.
func ViolationIn(err error) *Violation {
	var v *Violation
	errors.As(err, &v)
	return v
}

// Minor is a violation that a correct peer commits now and then. Weight is what it costs the peer's
// allowance: as much as it cost this node.
type Minor struct {
	Weight         int
	Protocol, What string
}
