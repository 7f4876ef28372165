package protocol

import (
	"errors"
	"fmt"
)

// A Rule names the rule of SPEC.md that a record breaks; the vectors in testdata use the same
// words.
type Rule string

// The rules, in the order in which they are checked (section "Validation" of SPEC.md).
const (
	RuleSize      Rule = "size"      // the header, the value or the frame is longer than its limit
	RuleEncoding  Rule = "encoding"  // not the one strict DAG-CBOR encoding of a record
	RuleVersion   Rule = "version"   // a version this software does not know
	RuleType      Rule = "type"      // no such type, or the type forbids what the record holds
	RuleTimestamp Rule = "timestamp" // out of range, or before a link's
	RuleLinks     Rule = "links"     // too few, too many, unsorted or repeated
	RuleSelectors Rule = "selectors" // too many, unsorted, repeated, ordinal out of range
	RuleValue     Rule = "value"     // a value of 0 bytes, or not the one that the header refers to
	RuleEffort    Rule = "effort"    // less effort than the record's size needs
	RuleWork      Rule = "work"      // the proof of work does not verify
	RuleClaim     Rule = "claim"     // a selector's claim does not verify
	RuleSignature Rule = "signature" // the owner's signature does not verify
	RuleGenesis   Rule = "genesis"   // a genesis record that is not this network's

	// its links bring together too much that the heaviest of them does not reach
	RuleMergeset Rule = "mergeset"
	// it needs a certificate and rests on none, or is none where the network asks for one
	RuleCertificate Rule = "certificate"
)

// InvalidError says that a record, or the bytes that should be one, is invalid forever and for
// everybody. Sending it is a violation, except for [RuleVersion]: see [IsUnknownVersion].
type InvalidError struct {
	Rule   Rule
	Reason string
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("invalid record (%s): %s", e.Rule, e.Reason)
}

func invalid(rule Rule, format string, args ...any) error {
	return &InvalidError{Rule: rule, Reason: fmt.Sprintf(format, args...)}
}

// IsUnknownVersion reports whether err says that a record has a version that this software does not
// know. Such a record is ignored, and its sender is not penalized.
func IsUnknownVersion(err error) bool {
	var e *InvalidError
	return errors.As(err, &e) && e.Rule == RuleVersion
}

// ErrUnreadable is returned by [Network.Open] when the mask does not fit the value: another primary
// name, another masking key, or bytes that nobody sealed.
var ErrUnreadable = errors.New("the value cannot be read with this name or masking key")
