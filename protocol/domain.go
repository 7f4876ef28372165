package protocol

// Every input of a hash, a signature or work begins with a string of its own, so that none can
// stand for another. Outside a genesis the network ID follows, so that nothing replays across
// networks.
const (
	domainComposite = "lf/composite/1"
	domainName      = "lf/name/1"
	domainMask      = "lf/mask/1"
	domainValue     = "lf/value/1"
	domainClaim     = "lf/claim/1"
	domainRecord    = "lf/record/1"
	domainWork      = "lf/work/1"
	domainPulse     = "lf/pulse/1"
)

// domain returns the string, the network ID and the data, one after another. A nil network is that
// of a genesis record, whose network has no ID yet.
func (n *Network) domain(domain string, data []byte) []byte {
	b := make([]byte, 0, len(domain)+len(ID{})+len(data)+16)
	b = append(b, domain...)
	if n != nil {
		b = append(b, n.id[:]...)
	}
	return append(b, data...)
}
