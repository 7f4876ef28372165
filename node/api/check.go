package api

import (
	"slices"
	"time"

	"github.com/lf-store/lf/protocol"
)

// Limits of requests, beside those of the format in package protocol.
const (
	// MaxLimit is the largest limit of a query, DefaultLimit what 0 stands for.
	MaxLimit     = 1000
	DefaultLimit = 100
	// MaxKeySelectors is how many selectors the keys of a query may have in all, MaxKeyNames how
	// many of these may be names, which cost the node a derivation.
	MaxKeySelectors = 4000
	MaxKeyNames     = 64
	// MaxCursor bounds a cursor, in bytes.
	MaxCursor = 512
	// MaxOwners is how many owners a query may name.
	MaxOwners = 64
	// MaxOracles is how many oracles a query may name, as many as a home may elect. MaxAuthorities
	// is how many CAs it may name and MaxAuthority bounds the certificate of one, in bytes, as in a
	// network's genesis.
	MaxOracles     = 64
	MaxAuthorities = protocol.MaxAuthorities
	MaxAuthority   = protocol.MaxAuthority
	// MaxMaskingKey bounds a masking key, in bytes.
	MaxMaskingKey = protocol.MaxName
	// MaxTimeout is the longest that one may wait for a node to be in sync, DefaultTimeout what 0
	// stands for.
	MaxTimeout     = time.Hour
	DefaultTimeout = 10 * time.Second
)

// CheckTimeout says what is wrong with a timeout of [Service.Synced], nil if nothing is.
func CheckTimeout(d time.Duration) error {
	if d < 0 || d > MaxTimeout {
		return Invalid("the timeout must be 0 to %d seconds", MaxTimeout/time.Second)
	}
	return nil
}

// Check says what is wrong with a query, nil if nothing is. The handler calls it before the
// service; a service that is also called directly calls it too.
func (q *Query) Check() error {
	if err := q.checkSelectors(); err != nil {
		return err
	}
	switch {
	case len(q.Owners) > MaxOwners:
		return Invalid("%d owners, at most %d are allowed", len(q.Owners), MaxOwners)
	case q.Since > protocol.MaxTimestamp || q.Until > protocol.MaxTimestamp:
		return Invalid("a time is above 2^53−1 ms")
	case q.Until != 0 && q.Since > q.Until:
		return Invalid("the time range ends before it begins")
	case q.Limit < 0 || q.Limit > MaxLimit:
		return Invalid("the limit must be 0 to %d, not %d", MaxLimit, q.Limit)
	case len(q.MaskingKey) > MaxMaskingKey:
		return Invalid("the masking key has %d bytes, at most %d are allowed", len(q.MaskingKey), MaxMaskingKey)
	case len(q.After) > MaxCursor:
		return ErrCursor
	case q.Alive > MaxAlive:
		return Invalid("alive must be at most %d s: nodes forget a pulse after a day", MaxAlive)
	}
	if err := q.checkHistory(); err != nil {
		return err
	}
	return q.checkTrust()
}

// checkSelectors looks at what is asked for.
func (q *Query) checkSelectors() error {
	if q.Keys != nil {
		return q.checkKeys()
	}
	return checkRanges(q.Selectors)
}

func checkRanges(ranges []SelectorRange) error {
	if err := checkCount(len(ranges)); err != nil {
		return err
	}
	for i := range ranges {
		if err := ranges[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (q *Query) checkKeys() error {
	switch {
	case len(q.Selectors) > 0:
		return Invalid("both selectors and keys are given: give one of them")
	case len(q.Keys) == 0 || len(q.Keys) > MaxLimit:
		return Invalid("%d keys, want 1 to %d", len(q.Keys), MaxLimit)
	case q.Open || q.After != "" || q.Limit != 0:
		return Invalid("a query with keys is neither open, nor has it a limit or a next page")
	}
	selectors, names := 0, 0
	for i, key := range q.Keys {
		if err := checkRanges(key); err != nil {
			return Invalid("key %d: %v", i, err)
		}
		for j := range key {
			if !key[j].Point() {
				return Invalid("key %d: a key has one ordinal for each selector, not a range", i)
			}
			if key[j].Name != "" {
				names++
			}
		}
		selectors += len(key)
	}
	if selectors > MaxKeySelectors || names > MaxKeyNames {
		return Invalid("the keys have %d selectors, %d of them by name: at most %d and %d are allowed", selectors, names, MaxKeySelectors, MaxKeyNames)
	}
	return nil
}

// checkTrust looks at whom the asker trusts. What is in the certificates of Authorities is looked
// at by [Query.ParseAuthorities].
func (q *Query) checkTrust() error {
	if len(q.Policy) > 0 { // none is the node's
		if err := q.Policy.Check(); err != nil {
			return Invalid("%v", err)
		}
	}
	switch {
	case len(q.Oracles) > MaxOracles:
		return Invalid("%d oracles, at most %d are allowed", len(q.Oracles), MaxOracles)
	case len(q.Authorities) > MaxAuthorities:
		return Invalid("%d authorities, at most %d are allowed", len(q.Authorities), MaxAuthorities)
	}
	for _, o := range q.Oracles {
		if o.SmallOrder() {
			return Invalid("%s cannot be elected as an oracle: anybody can sign for it", o)
		}
	}
	for i, der := range q.Authorities {
		if len(der) > MaxAuthority {
			return Invalid("authority %d has %d bytes, at most %d are allowed", i+1, len(der), MaxAuthority)
		}
	}
	return nil
}

// ParseAuthorities reads the certificates of Authorities.
func (q *Query) ParseAuthorities() ([]*protocol.Authority, error) {
	var list []*protocol.Authority
	for i, der := range q.Authorities {
		a, err := protocol.ParseAuthority(der)
		if err != nil {
			return nil, Invalid("authority %d: %v", i+1, err)
		}
		list = append(list, a)
	}
	return list, nil
}

// Check says what is wrong with a request for links, nil if nothing is; see [Query.Check].
func (q *LinksQuery) Check() error {
	if q.Count < 0 || q.Count > protocol.MaxLinks {
		return Invalid("the count of links must be 0 to %d, not %d", protocol.MaxLinks, q.Count)
	}
	if len(q.Selectors) == 0 {
		return nil
	}
	if q.Owner == nil {
		return Invalid("selectors without an owner: whose newest record is meant")
	}
	for _, p := range q.Selectors {
		if p.Ordinal > protocol.MaxOrdinal {
			return Invalid("an ordinal is above 2^63−1")
		}
	}
	return checkCount(len(q.Selectors))
}

// What a [SetRequest] can make.
const (
	SetValue   = "set"
	SetDelete  = "delete"
	SetRelease = "release"
)

// Check says what is wrong with a request, nil if nothing is; see [Query.Check].
func (r *SetRequest) Check() error {
	if _, err := r.Points(); err != nil {
		return err
	}
	switch value := r.Text != nil || r.Value != nil; {
	case !slices.Contains([]string{"", SetValue, SetDelete, SetRelease}, r.Type):
		return Invalid("type %q is neither set nor delete nor release", r.Type)
	case r.Text != nil && r.Value != nil:
		return Invalid("both text and value are given: give one of them")
	case r.Deletes() && value:
		return Invalid("a %s has no value", r.Type)
	case !r.Deletes() && !value:
		return Invalid("no value is given: give text or value, or the type delete or release")
	case len(r.Plain()) > protocol.MaxPlaintext:
		return Invalid("the value has %d bytes, at most %d are allowed", len(r.Plain()), protocol.MaxPlaintext)
	case len(r.MaskingKey) > MaxMaskingKey:
		return Invalid("the masking key has %d bytes, at most %d are allowed", len(r.MaskingKey), MaxMaskingKey)
	}
	return nil
}

// Deletes reports whether the request makes a record without a value: a tombstone or a release.
func (r *SetRequest) Deletes() bool { return r.Type == SetDelete || r.Type == SetRelease }

// RecordType is the type of the record that the request makes.
func (r *SetRequest) RecordType() protocol.Type {
	if r.Type == SetRelease {
		return protocol.TypeRelease
	}
	return protocol.TypeDatum
}

// Plain returns the value to seal, nil if there is none; an empty value is not nil.
func (r *SetRequest) Plain() []byte {
	switch {
	case r.Deletes():
		return nil
	case r.Text != nil:
		return append([]byte{}, *r.Text...)
	}
	return r.Value
}

// Points returns the request's selectors as expressions with one ordinal each, none of them twice.
func (r *SetRequest) Points() ([]protocol.Expression, error) {
	if err := checkRanges(r.Selectors); err != nil {
		return nil, err
	}
	var points []protocol.Expression
	for i := range r.Selectors {
		s := &r.Selectors[i]
		e := protocol.Expression{Name: s.Name, From: uint64(s.From), To: uint64(s.To)}
		switch {
		case s.Name == "":
			return nil, Invalid("a selector by key: a record's selectors are given by name")
		case !e.Point():
			return nil, Invalid("selector %q: a record has one ordinal for each selector, not a range", e)
		case slices.Contains(points, e):
			return nil, Invalid("selector %q is given twice", e)
		}
		points = append(points, e)
	}
	return points, nil
}
