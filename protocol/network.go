package protocol

import (
	"errors"
	"fmt"
	"slices"
)

// Network is one genesis: the parameters in it and the ID that everything on the network is bound
// to. It is immutable and safe for concurrent use.
type Network struct {
	id          ID
	params      Params
	authorities []*Authority
	genesis     []*Record
}

// ID returns the network's ID: that of its last genesis record.
func (n *Network) ID() ID { return n.id }

// Params returns the network's parameters; the caller must not change the authorities in them.
func (n *Network) Params() Params { return n.params }

// Genesis returns the network's genesis records, the last of which carries the parameters; the
// caller must not change the list.
func (n *Network) Genesis() []*Record { return n.genesis }

// IsGenesis reports whether a record is one of the network's genesis records.
func (n *Network) IsGenesis(id ID) bool {
	return slices.ContainsFunc(n.genesis, func(r *Record) bool { return r.id == id })
}

// OpenNetwork checks a set of genesis records, the one with the parameters last, and returns their
// network.
func OpenNetwork(genesis []*Record) (*Network, error) {
	if len(genesis) == 0 || len(genesis) > MaxLinks {
		return nil, fmt.Errorf("a network has 1 to %d genesis records, not %d", MaxLinks, len(genesis))
	}
	last := genesis[len(genesis)-1]
	if last.Value == nil || !last.HasValue() {
		return nil, errors.New("the last genesis record lacks the network's parameters")
	}
	params, err := decodeParams(last.value)
	if err != nil {
		return nil, err
	}
	if len(genesis) != int(params.MinLinks) {
		return nil, fmt.Errorf("the network has %d genesis records, and its parameters ask for %d", len(genesis), params.MinLinks)
	}
	authorities, err := parseAuthorities(params.Authorities)
	if err != nil {
		return nil, err
	}
	n := &Network{id: last.id, params: params, authorities: authorities, genesis: slices.Clone(genesis)}
	for i, r := range genesis {
		if err := n.checkGenesis(r, i == len(genesis)-1); err != nil {
			return nil, fmt.Errorf("genesis record %d: %w", i, err)
		}
	}
	return n, nil
}

func (n *Network) checkGenesis(r *Record, last bool) error {
	var links []ID
	if last {
		links = sortedLinks(idsOf(n.genesis[:len(n.genesis)-1]))
	}
	switch {
	case r.Type != TypeGenesis || len(r.Selectors) > 0 || r.Work != nil:
		return errors.New("not of type genesis, or with selectors or work")
	case r.Timestamp == 0 || r.Timestamp > MaxTimestamp || r.Timestamp > n.genesis[len(n.genesis)-1].Timestamp:
		return errors.New("its timestamp is out of range")
	case !slices.Equal(r.Links, links) || (last && len(links) != len(n.genesis)-1):
		return errors.New("its links are not the other genesis records")
	case (r.Value != nil) != last:
		return errors.New("only the last one carries the parameters")
	}
	if err := r.checkValue(MaxValue); err != nil {
		return err
	}
	return n.checkSigned(r)
}
