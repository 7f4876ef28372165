package api

import (
	"context"
	"net/http"
	"strconv"
)

// Testbed is what only the nodes of a testbed offer. The testbed cuts and mends their links, and
// compares their sets record by record.
type Testbed interface {
	// SetLinks replaces the list of blocked links, and returns when the connections that it forbids
	// are closed.
	SetLinks(ctx context.Context, links TestbedLinks) (*TestbedLinks, error)
	// AttachedSet lists attached records in the order of their local indices, from one on.
	AttachedSet(ctx context.Context, from uint64) (*TestbedSet, error)
}

// TestbedLinks are the links of a node that are blocked; all others are not.
type TestbedLinks struct {
	Blocked []BlockedLink `json:"blocked" maxItems:"4096"`
}

// BlockedLink forbids connections with a peer.
type BlockedLink struct {
	Peer      string `json:"peer" doc:"the peer's ID"`
	Direction string `json:"direction" enum:"both,in,out" doc:"out: this node does not dial it; in: this node does not accept it"`
}

// The directions of a blocked link, seen from the node that blocks it.
const (
	BlockBoth = "both"
	BlockIn   = "in"
	BlockOut  = "out"
)

// TestbedSet is a page of a node's attached records.
type TestbedSet struct {
	IDs  []string `json:"ids" doc:"digests of the records (SHA-256 of the header), in hexadecimal, in the order of their local indices"`
	Next Uint64   `json:"next,omitempty" doc:"where the next page begins; absent: this is the last one"`
}

var _ Testbed = (*Client)(nil)

// SetLinks implements [Testbed].
func (c *Client) SetLinks(ctx context.Context, links TestbedLinks) (*TestbedLinks, error) {
	if links.Blocked == nil {
		links.Blocked = []BlockedLink{}
	}
	var now TestbedLinks
	return ok(&now, c.send(ctx, request{method: http.MethodPut, path: "/v1/testbed/links", repeatable: true, out: &now}, links))
}

// AttachedSet implements [Testbed].
func (c *Client) AttachedSet(ctx context.Context, from uint64) (*TestbedSet, error) {
	var set TestbedSet
	return ok(&set, c.get(ctx, "/v1/testbed/set?from="+strconv.FormatUint(from, 10), &set))
}
