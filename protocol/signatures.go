package protocol

import "github.com/hdevalence/ed25519consensus"

// Signatures follow ZIP-215 (https://zips.z.cash/zip-0215). It gives one verdict whether signatures
// are verified one by one or many in a batch. Nodes that disagree on one signature would disagree
// forever.

// signedMessage is one signature of a record, and the rule that is broken if it does not verify.
type signedMessage struct {
	key, message, signature []byte
	rule                    Rule
}

// signatures lists the record's claims, then the owner's signature.
func (n *Network) signatures(r *Record) []signedMessage {
	list := make([]signedMessage, 0, len(r.Selectors)+1)
	body := r.bodyHash()
	for i := range r.Selectors {
		s := &r.Selectors[i]
		list = append(list, signedMessage{s.Key[:], n.claimMessage(body, s.Ordinal), s.Claim[:], RuleClaim})
	}
	return append(list, signedMessage{r.Owner[:], n.signatureMessage(r), r.Signature[:], RuleSignature})
}

// checkSigned verifies claims and signature: those of a composite key in one batch, which takes up
// to 40 % less time.
func (n *Network) checkSigned(r *Record) error {
	list := n.signatures(r)
	if len(list) > 2 && verifyAll(list) {
		return nil
	}
	return verifyEach(list)
}

// CheckBatch is [Network.Check] for many records at once, at about half the cost when they are
// valid. It returns an error for each record, in their order. Some tens of records are a good
// batch.
func (n *Network) CheckBatch(records []*Record, verify WorkVerifier) []error {
	errs := make([]error, len(records))
	lists := make([][]signedMessage, len(records))
	var all []signedMessage
	for i, r := range records {
		if r.Type == TypeGenesis {
			errs[i] = n.checkKnownGenesis(r)
		} else if errs[i] = n.checkUnsigned(r, verify); errs[i] == nil {
			lists[i] = n.signatures(r)
			all = append(all, lists[i]...)
		}
	}
	allGood := len(all) == 0 || verifyAll(all)
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
	lists := make([][]signedMessage, len(records))
	var all []signedMessage
	for i, r := range records {
		if errs[i] = r.checkValue(MaxValue); errs[i] == nil {
			lists[i] = n.signatures(r)
			all = append(all, lists[i]...)
		}
	}
	if len(all) == 0 || verifyAll(all) {
		return errs
	}
	for i, list := range lists {
		if list != nil {
			errs[i] = verifyEach(list)
		}
	}
	return errs
}

func verifyAll(list []signedMessage) bool {
	batch := ed25519consensus.NewPreallocatedBatchVerifier(len(list))
	for _, s := range list {
		batch.Add(s.key, s.message, s.signature)
	}
	return batch.Verify()
}

// verifySignature verifies one signature. Certificates are verified by it too.
func verifySignature(key, message, signature []byte) bool {
	return ed25519consensus.Verify(key, message, signature)
}

// verifyEach finds the first signature that does not verify.
func verifyEach(list []signedMessage) error {
	for i, s := range list {
		if verifySignature(s.key, s.message, s.signature) {
			continue
		}
		if s.rule == RuleClaim {
			return invalid(RuleClaim, "the claim of selector %d does not verify", i)
		}
		return invalid(RuleSignature, "the owner's signature does not verify")
	}
	return nil
}
