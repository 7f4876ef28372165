package protocol

import (
	"github.com/hdevalence/ed25519consensus"

	"github.com/lf-store/lf/protocol/internal/zip215"
)

// Signatures follow ZIP-215 (https://zips.z.cash/zip-0215). It gives one verdict whether signatures
// are verified one by one or many in a batch. Nodes that disagree on one signature would disagree
// forever.

// signatures lists the record's claims, then the owner's signature.
func (n *Network) signatures(r *Record) []zip215.Signature {
	list := make([]zip215.Signature, 0, len(r.Selectors)+1)
	body := r.bodyHash()
	for i := range r.Selectors {
		s := &r.Selectors[i]
		list = append(list, zip215.Signature{Key: s.Key[:], Message: n.claimMessage(body, s.Ordinal), Signature: s.Claim[:]})
	}
	return append(list, zip215.Signature{Key: r.Owner[:], Message: n.signatureMessage(r), Signature: r.Signature[:]})
}

// checkSigned verifies claims and signature: those of a composite key in one batch, which takes up
// to 40 % less time.
func (n *Network) checkSigned(r *Record) error {
	list := n.signatures(r)
	if len(list) > 2 && zip215.Verify(list) {
		return nil
	}
	return verifyEach(list)
}

// CheckBatch is [Network.Check] for many records at once, at about half the cost when they are
// valid, and less where they are by few owners under few names. It returns an error for each
// record, in their order. Some tens of records are a good batch.
func (n *Network) CheckBatch(records []*Record, verify WorkVerifier) []error {
	errs := make([]error, len(records))
	lists := make([][]zip215.Signature, len(records))
	var all []zip215.Signature
	for i, r := range records {
		if r.Type == TypeGenesis {
			errs[i] = n.checkKnownGenesis(r)
		} else if errs[i] = n.checkUnsigned(r, verify); errs[i] == nil {
			lists[i] = n.signatures(r)
			all = append(all, lists[i]...)
		}
	}
	allGood := len(all) == 0 || zip215.Verify(all)
	for i, list := range lists {
		if list != nil && !allGood {
			errs[i] = verifyEach(list)
		}
		if list != nil && errs[i] == nil {
			errs[i] = n.checkContents(records[i])
		}
	}
	return errs
}

// CheckAuthorshipBatch is [Network.CheckAuthorship] for many records at once, at about half the
// cost when they are valid. It returns an error for each record, in their order.
func (n *Network) CheckAuthorshipBatch(records []*Record) []error {
	errs := make([]error, len(records))
	lists := make([][]zip215.Signature, len(records))
	var all []zip215.Signature
	for i, r := range records {
		if errs[i] = r.checkValue(MaxValue); errs[i] == nil {
			lists[i] = n.signatures(r)
			all = append(all, lists[i]...)
		}
	}
	if len(all) == 0 || zip215.Verify(all) {
		return errs
	}
	for i, list := range lists {
		if list != nil {
			errs[i] = verifyEach(list)
		}
	}
	return errs
}

// verifySignature verifies one signature. Certificates are verified by it too.
func verifySignature(key, message, signature []byte) bool {
	return ed25519consensus.Verify(key, message, signature)
}

// verifyEach finds the first of a record's signatures that does not verify.
func verifyEach(list []zip215.Signature) error {
	for i, s := range list {
		if verifySignature(s.Key, s.Message, s.Signature) {
			continue
		}
		if i < len(list)-1 {
			return invalid(RuleClaim, "the claim of selector %d does not verify", i)
		}
		return invalid(RuleSignature, "the owner's signature does not verify")
	}
	return nil
}
