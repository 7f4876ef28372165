package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/lf-store/lf/protocol"
)

// Keeper is what a node or proxy offers its user in addition to [Service]. It has the owners whose
// keys its home keeps, and the oracles that the home elects. No secret key ever leaves it.
type Keeper interface {
	// Owners lists the owners that the home keeps, by name.
	Owners(ctx context.Context) (*OwnerList, error)
	// NewOwner makes an owner under a name. The first one becomes the default. It is [Conflict]
	// where the name is taken.
	NewOwner(ctx context.Context, name string) (*KeptOwner, error)
	// SetDefaultOwner chooses the owner that signs when none is named, by name or peer ID.
	SetDefaultOwner(ctx context.Context, owner string) (*KeptOwner, error)
	// ElectOracle has an oracle's objections count for the home's user, and DismissOracle ends
	// that. Both return whom the home elects then. [NotFound]: the oracle was not elected.
	ElectOracle(ctx context.Context, oracle protocol.Owner) (*Elected, error)
	DismissOracle(ctx context.Context, oracle protocol.Owner) (*Elected, error)
}

// KeptOwner is an owner whose key the home keeps.
type KeptOwner struct {
	Name    string         `json:"name" doc:"what the home calls the owner"`
	Owner   protocol.Owner `json:"owner"`
	Default bool           `json:"default,omitempty" doc:"signs when none is named"`
}

// OwnerList lists the owners of a home.
type OwnerList struct {
	Owners   []KeptOwner `json:"owners" nullable:"false" doc:"by name; of a limited token those as whom it may write"`
	Problems []string    `json:"problems,omitempty" doc:"keys that cannot be read, and what to do, a line each"`
}

// NewOwnerRequest asks for a new owner.
type NewOwnerRequest struct {
	Name string `json:"name" maxLength:"64" doc:"1 to 64 of a–z, 0–9, '.', '_' and '-', a letter or digit first"`
}

// DefaultOwnerRequest chooses the default owner.
type DefaultOwnerRequest struct {
	Owner string `json:"owner" maxLength:"128" doc:"name or peer ID of an owner in the home"`
}

// Elected lists the oracles that a home elects.
type Elected struct {
	Oracles []protocol.Owner `json:"oracles" nullable:"false" doc:"the node counts their objections within a second"`
}

var _ Keeper = (*Client)(nil)

// Owners implements [Keeper].
func (c *Client) Owners(ctx context.Context) (*OwnerList, error) {
	var l OwnerList
	return ok(&l, c.get(ctx, "/v1/owners", &l))
}

// NewOwner implements [Keeper].
func (c *Client) NewOwner(ctx context.Context, name string) (*KeptOwner, error) {
	var k KeptOwner
	return ok(&k, c.send(ctx, request{method: http.MethodPost, path: "/v1/owners", out: &k}, NewOwnerRequest{name}))
}

// SetDefaultOwner implements [Keeper].
func (c *Client) SetDefaultOwner(ctx context.Context, owner string) (*KeptOwner, error) {
	var k KeptOwner
	return ok(&k, c.send(ctx, request{method: http.MethodPut, path: "/v1/default-owner", repeatable: true, out: &k}, DefaultOwnerRequest{owner}))
}

// ElectOracle implements [Keeper].
func (c *Client) ElectOracle(ctx context.Context, oracle protocol.Owner) (*Elected, error) {
	return c.election(ctx, http.MethodPut, oracle)
}

// DismissOracle implements [Keeper].
func (c *Client) DismissOracle(ctx context.Context, oracle protocol.Owner) (*Elected, error) {
	return c.election(ctx, http.MethodDelete, oracle)
}

func (c *Client) election(ctx context.Context, method string, oracle protocol.Owner) (*Elected, error) {
	var e Elected
	return ok(&e, c.do(ctx, request{method: method, path: "/v1/oracles/" + url.PathEscape(oracle.String()), out: &e}))
}
