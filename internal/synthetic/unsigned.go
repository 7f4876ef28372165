package synthetic

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// unsignedValue is the size of a sealed value.
const unsignedValue = valueSize + protocol.SealOverhead

// unsigned makes a record as large as a signed one, of hashes in place of what takes a key.
func (m *Maker) unsigned(i int, p point, links []protocol.ID) (*protocol.Record, error) {
	hash := func(what string) [sha512.Size]byte {
		return sha512.Sum512(fmt.Appendf(nil, "%s of record %d", what, i))
	}
	sealed := hash("value")
	value := sealed[:unsignedValue]
	slices.SortFunc(links, protocol.ID.Compare)
	return protocol.NewRecord(protocol.Header{
		Version: protocol.Version, Type: protocol.TypeDatum, Owner: protocol.OwnerOf(m.owners[p.owner]), Timestamp: m.mix.at(i),
		Links: links, Value: &protocol.ValueRef{ID: sha256.Sum256(value), Size: unsignedValue},
		Selectors: []protocol.Selector{{Key: unsignedKey(p.name), Ordinal: p.ordinal, Claim: hash("claim")}},
		Signature: hash("signature"),
	}, value)
}

func unsignedKey(name string) protocol.SelectorKey { return sha256.Sum256([]byte(name)) }
