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

// uncertified says why an owner cannot write on a network that asks for a certificate, and what to do.
func (s *service) uncertified(_ context.Context, owner protocol.Owner) error {
	return api.Conflict("this network takes records of certified owners only, and owner %s has no certificate of its authorities here: have one of them certify the owner (lf owner csr, then lf owner authorize)", owner)
}
