package lf

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// ErrUncertified says that the owner of an answer has no certificate that counts for it.
var ErrUncertified = errors.New("its owner has no certificate of a CA that is trusted here")

// Certified returns the certificate that the owner of an answer had when it was made. A CA of the
// network issued it, or one that [Authorities] names. The chain is read out of its record and
// checked, but a node could hide that it was revoked. Without a certificate the error is
// [ErrUncertified].
func (c *Client) Certified(ctx context.Context, a *Answer, options ...ReadOption) (*protocol.Chain, error) {
	options = append(slices.Clone(options), By(a.Owner.String()), Explain())
	if len(a.record.Selectors) > len(a.Ordinals) {
		options = append(options, Further(), Limit(MaxAnswers))
	}
	trusted, err := c.authoritiesOf(queryOf(a.Key, options))
	if err != nil {
		return nil, err
	}
	found, err := c.Query(ctx, a.Key, options...)
	if err != nil {
		return nil, err
	}
	for _, now := range found.Answers {
		if now.record.CompositeID() != a.record.CompositeID() || now.Explanation == nil || len(now.Explanation.Claims) == 0 {
			continue
		}
		if id := now.Explanation.Claims[0].Certificate; (id != protocol.ID{}) {
			return c.certificateFor(ctx, a, id, trusted)
		}
	}
	return nil, ErrUncertified
}

// authoritiesOf are the CAs that a question trusts.
func (c *Client) authoritiesOf(q *query) ([]*protocol.Authority, error) {
	trusted := slices.Clone(c.network.Authorities())
	for _, der := range q.authorities {
		a, err := protocol.ParseAuthority(der)
		if err != nil {
			return nil, wrongInput("a certificate of a CA: %v", err)
		}
		trusted = append(trusted, a)
	}
	return trusted, q.err
}

// certificateFor reads the certificate that the node names for an answer out of its record.
func (c *Client) certificateFor(ctx context.Context, a *Answer, id protocol.ID, trusted []*protocol.Authority) (*protocol.Chain, error) {
	_, r, err := c.Record(ctx, id)
	if err != nil {
		return nil, err
	}
	chain, err := protocol.ParseChain(r.ValueBytes())
	switch {
	case r.Type != protocol.TypeCertificate:
		err = fmt.Errorf("it is a %s", r.Type)
	case err != nil:
	case chain.Owner() != a.Owner:
		err = fmt.Errorf("it is that of owner %s", chain.Owner())
	case chain.AuthorityAt(a.record.Timestamp, trusted) == nil:
		err = errors.New("no trusted CA issued it, or not for that time")
	}
	if err != nil {
		return nil, &ForgedError{Node: c.Address(), What: fmt.Errorf("certificate %s: %w", id, err)}
	}
	return chain, nil
}
