package protocol

// SubjectHash returns the SHA-256 of the name of who is certified: what [Chain.TopIssuer],
// [RevocationList.Issuer] and [Issue] have of who issued.
func (c *Certificate) SubjectHash() [32]byte { return nameHash(c.subject) }

// Key returns the key of the list's issuer where the list brings its certificate; false where the
// issuer is an authority.
func (l *RevocationList) Key() (Owner, bool) {
	if len(l.chain) == 0 {
		return Owner{}, false
	}
	return l.chain[0].key, true
}
