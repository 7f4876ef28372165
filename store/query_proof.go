package store

import (
	"github.com/lf-store/lf/protocol"
)

// maxRevokedListed is how many revoked certificates of an owner a claim's proof names.
const maxRevokedListed = 16

// Proof names the records on which a claim's standing rests. From these records a client can find
// out, without believing this node, what the oracles say and whether the owner is certified.
type Proof struct {
	// Words has what each elected oracle said last of the claim, if it said anything.
	Words []SaidWord
	// Certificate is the record of a certificate that makes the owner certified; zero: there is
	// none.
	Certificate protocol.ID
	// Revoked is there if the owner is not certified: the certificates that were valid when the
	// claim was made, and that were revoked. There are at most 16.
	Revoked []RevokedCertificate
}

// SaidWord is an oracle's latest word about a claim, and the commentary that it is from.
type SaidWord struct {
	Oracle  protocol.Owner
	Record  protocol.ID
	Objects bool
}

// RevokedCertificate is the record of a certificate, and that of a revocation of it.
type RevokedCertificate struct {
	Certificate, Revocation protocol.ID
}

// prove names the records on which the standing of a claim rests.
func (rk *ranking) prove(c *candidate) error {
	for _, o := range rk.oracles {
		w, found, err := rk.word(topicOf(o, c.claim.Record.CompositeID()), c.claim.Owner)
		if err != nil {
			return err
		}
		if err := rk.spend(1); err != nil || !found {
			if err != nil {
				return err
			}
			continue
		}
		id, err := rk.idOf(w.idx)
		if err != nil {
			return err
		}
		c.claim.Proof.Words = append(c.claim.Proof.Words, SaidWord{o, id, w.objects})
	}
	return rk.proveCertified(c)
}

func (rk *ranking) proveCertified(c *candidate) error {
	p := &c.claim.Proof
	return rk.eachCertificate(c.claim.Owner, int64(c.claim.Index), int64(c.claim.Record.Timestamp), func(b *chainRow, _ *protocol.Authority, revokedBy int64) (bool, error) {
		if revokedBy > 0 && len(p.Revoked) == maxRevokedListed {
			return false, nil
		}
		certificate, err := rk.idOf(b.idx)
		switch {
		case err != nil:
			return false, err
		case revokedBy == 0:
			p.Certificate, p.Revoked = certificate, nil
			return true, nil
		}
		revocation, err := rk.idOf(revokedBy)
		p.Revoked = append(p.Revoked, RevokedCertificate{certificate, revocation})
		return false, err
	})
}
