package protocol

// Revocation is what one revocation record does to one certificate. Since is the date from which
// the certificate is not to be believed, in milliseconds; 0 where the list gives none. Own tells
// that the record is the issuer's own: its owner is the key that signed the list.
type Revocation struct {
	Since uint64
	Own   bool
}

// Reaches reports whether the revocation takes the certificate from a record of this timestamp
// (SPEC.md, section 15, 7). Without a date it takes it from every record. With one it leaves the
// records before that date that are in the past of the revocation's own record. A thief of the key
// cannot get a new record in there. That holds for an issuer's own record alone. Anybody can pass
// the list on in a record with nothing in its past; such a record takes only what the date says. So
// inPast is called for an own record alone.
func (v Revocation) Reaches(timestamp uint64, inPast func() bool) bool {
	if v.ReachesAll() || timestamp >= v.Since {
		return true
	}
	return v.Own && !inPast()
}

// ReachesAll reports whether the revocation takes the certificate from every record.
func (v Revocation) ReachesAll() bool { return v.Since == 0 }

// Covers reports whether v reaches every record that w reaches, provided that v's record is w's or
// in its past.
func (v Revocation) Covers(w Revocation) bool { return v.Since <= w.Since && (v.Own || !w.Own) }

// Signer returns the key that signed the list, if a record of this owner tells which one that is
// (SPEC.md, section 7.4). It is the key of the first certificate that the list carries, the
// owner's, or that of an authority with the issuer's name. If it is none of these, the list does
// not count.
func (l *RevocationList) Signer(owner Owner, authorities []*Authority) (key Owner, counts bool) {
	if len(l.chain) > 0 {
		return l.chain[0].key, true
	}
	if l.SignedBy(owner) {
		return owner, true
	}
	for _, a := range authorities {
		if a.SubjectHash() == l.Issuer() && l.SignedBy(a.key) {
			return a.key, true
		}
	}
	return Owner{}, false
}

// Effective returns one entry for each certificate that the list revokes. Among several for one
// certificate it is one without a date, or else that of the earliest date.
func (l *RevocationList) Effective() []Revoked {
	at := map[string]int{}
	var list []Revoked
	for _, e := range l.entries {
		if i, twice := at[e.Serial]; twice {
			list[i].Since = min(list[i].Since, e.Since)
			continue
		}
		at[e.Serial] = len(list)
		list = append(list, e)
	}
	return list
}
