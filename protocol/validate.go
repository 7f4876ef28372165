package protocol

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// Check applies every rule that needs neither clock nor store, the cheap ones first. A record that
// fails is invalid forever and for everybody: errors are of type [*InvalidError]. A record whose
// value is not at hand is checked without it.
func (n *Network) Check(r *Record, verify WorkVerifier) error {
	if r.Type == TypeGenesis {
		return n.checkKnownGenesis(r)
	}
	if err := n.checkUnsigned(r, verify); err != nil {
		return err
	}
	if err := n.checkSigned(r); err != nil {
		return err
	}
	return n.checkContents(r)
}

func (n *Network) checkKnownGenesis(r *Record) error {
	if !n.IsGenesis(r.id) {
		return invalid(RuleGenesis, "a genesis record, and not of this network")
	}
	return r.checkValue(MaxValue)
}

// checkUnsigned applies the rules in front of the signatures.
func (n *Network) checkUnsigned(r *Record, verify WorkVerifier) error {
	for _, rule := range []func(*Record) error{n.checkType, n.checkTimestamp, n.checkLinks, n.checkSelectors,
		n.checkValueSize, n.checkEffort} {
		if err := rule(r); err != nil {
			return err
		}
	}
	if r.Work == nil {
		return nil
	}
	if err := verify(n.Challenge(r), *r.Work); err != nil {
		return invalid(RuleWork, "%v", err)
	}
	return nil
}

// CheckAuthorship checks only what a reader of an answer must know. The value is the record's,
// somebody with the names made its claims, and the owner signed it. A client checks its node's
// answers with it.
func (n *Network) CheckAuthorship(r *Record) error {
	if err := r.checkValue(MaxValue); err != nil {
		return err
	}
	return n.checkSigned(r)
}

func (n *Network) checkType(r *Record) error {
	switch {
	case r.Type > TypeMax:
		return invalid(RuleType, "type %d, the largest is %d", uint64(r.Type), uint64(TypeMax))
	case (r.Type == TypeDatum || r.Type == TypeRelease) && len(r.Selectors) == 0:
		return invalid(RuleType, "a %s without a selector", r.Type)
	case r.Type == TypeRelease && r.Value != nil:
		return invalid(RuleType, "a release with a value")
	}
	return nil
}

func (n *Network) checkTimestamp(r *Record) error {
	if r.Timestamp == 0 || r.Timestamp > MaxTimestamp {
		return invalid(RuleTimestamp, "%d is not between 1 and 2^53−1", r.Timestamp)
	}
	return nil
}

func (n *Network) checkLinks(r *Record) error {
	if len(r.Links) < int(n.params.MinLinks) { // decoding bounds them from above
		return invalid(RuleLinks, "%d links, want %d to %d", len(r.Links), n.params.MinLinks, MaxLinks)
	}
	for i := 1; i < len(r.Links); i++ {
		if r.Links[i-1].Compare(r.Links[i]) >= 0 {
			return invalid(RuleLinks, "links are not sorted and distinct")
		}
	}
	return nil
}

func (n *Network) checkSelectors(r *Record) error {
	for i, s := range r.Selectors {
		switch {
		case s.Ordinal > MaxOrdinal:
			return invalid(RuleSelectors, "ordinal %d is above 2^63−1", s.Ordinal)
		case i >= 2 && r.Selectors[i-1].compare(s) > 0:
			return invalid(RuleSelectors, "selectors after the primary are not sorted")
		}
	}
	return checkDistinct(r.Selectors)
}

// checkDistinct finds a repeated selector in a list that is sorted after its first element.
func checkDistinct(list []Selector) error {
	for i := 1; i < len(list); i++ {
		if list[i].compare(list[0]) == 0 || list[i].compare(list[i-1]) == 0 {
			return invalid(RuleSelectors, "the same name and ordinal twice")
		}
	}
	return nil
}

func (n *Network) checkValueSize(r *Record) error {
	return r.checkValue(n.valueLimit(r.Type))
}

// valueLimit returns how many bytes a sealed value of a record of this type may have.
func (n *Network) valueLimit(t Type) uint32 {
	if t == TypeCertificate || t == TypeRevocation {
		return MaxCertificateValue
	}
	return n.params.MaxValue
}

// checkValue compares the value, where it is at hand, with what the header says of it.
func (r *Record) checkValue(limit uint32) error {
	switch {
	case r.Value == nil && r.value != nil:
		return invalid(RuleValue, "a value that the header does not refer to")
	case r.Value == nil:
		return nil
	case r.Value.Size == 0:
		return invalid(RuleValue, "a value of 0 bytes")
	case r.Value.Size > limit:
		return invalid(RuleSize, "value of %d bytes, at most %d are allowed", r.Value.Size, limit)
	case r.value == nil:
		return nil
	case uint64(len(r.value)) != uint64(r.Value.Size):
		return invalid(RuleValue, "value has %d bytes, the header says %d", len(r.value), r.Value.Size)
	case ValueID(sha256.Sum256(r.value)) != r.Value.ID:
		return invalid(RuleValue, "value is not the one that the header refers to")
	}
	return nil
}

func (n *Network) checkEffort(r *Record) error {
	need := n.CertifiedEffort(r)
	switch {
	case r.Work != nil && r.Work.Effort == 0:
		return invalid(RuleEffort, "work with effort 0")
	case r.Effort() < need:
		return invalid(RuleEffort, "effort %d, the record's size needs %d", r.Effort(), need)
	}
	return nil
}

// CheckLinked applies the rule that needs the record's links: it is not older than the newest of
// them. Times are in milliseconds.
func CheckLinked(h *Header, newestLink uint64) error {
	if h.Timestamp < newestLink {
		return invalid(RuleTimestamp, "%d is before that of a link, %d", h.Timestamp, newestLink)
	}
	return nil
}

// CheckMergeset applies the rule that needs the record's place in the graph: how many records it
// brings together that its main parent does not reach.
func CheckMergeset(size int) error {
	if size > MaxMergeset {
		return invalid(RuleMergeset, "%d records that its main parent does not reach, at most %d are allowed", size, MaxMergeset)
	}
	return nil
}

// ErrTooFarAhead is returned by [Network.HoldUntil] for a record that is not even worth holding.
var ErrTooFarAhead = errors.New("the record's timestamp is too far in the future")

// HoldUntil applies the rule of the clock. It returns 0 for a record whose time has come. For one
// that is ahead of the clock by more than the network's drift, it returns the time, in
// milliseconds, until which to hold it. Beyond [MaxHold] it returns [ErrTooFarAhead].
func (n *Network) HoldUntil(h *Header, now uint64) (uint64, error) {
	drift := n.params.ClockDrift
	if h.Timestamp <= now || h.Timestamp-now <= drift {
		return 0, nil
	}
	ahead := h.Timestamp - now
	if ahead > drift+MaxHold {
		return 0, fmt.Errorf("%w: by %d s", ErrTooFarAhead, ahead/1000)
	}
	return h.Timestamp - drift, nil
}
