package node

import (
	"context"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Owner implements api.Service.
func (s *service) Owner(ctx context.Context, owner protocol.Owner) (*api.OwnerInfo, error) {
	return &api.OwnerInfo{Owner: owner, Certificates: []api.CertificateInfo{}}, ctx.Err() //nolint:wrapcheck // the caller's own
}
