package apiserver

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

type oracleInput struct {
	Oracle protocol.Owner `path:"oracle" doc:"the oracle's peer ID"`
}

// addKeeper adds the owners that the home keeps, and whom it elects.
func (h *Handler) addKeeper(k api.Keeper) {
	if k == nil {
		return
	}
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/owners", OperationID: "owners", Summary: "The owners whose keys the home keeps", Security: setters,
		Description: "Their names and peer IDs. Secret keys are never told. With a limited token: those as whom it may write.",
	}, func(ctx context.Context, _ *nothing) (*answer[*api.OwnerList], error) {
		list, err := k.Owners(ctx)
		if err != nil {
			return nil, err
		}
		return &answer[*api.OwnerList]{Body: allowedOwners(list, grantOf(ctx))}, nil
	})
	addJSON(h, huma.Operation{
		Method: "POST", Path: "/v1/owners", OperationID: "newOwner", Summary: "Make a new owner", Security: users,
		Description: "Its key stays in the home. The first owner becomes the default. 409: the name is taken.", MaxBodyBytes: maxConnectBody, DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, r *api.NewOwnerRequest) (*answer[*api.KeptOwner], error) {
		return answered(k.NewOwner(ctx, r.Name))
	})
	addJSON(h, huma.Operation{
		Method: "PUT", Path: "/v1/default-owner", OperationID: "setDefaultOwner", Summary: "Choose the owner that signs when none is named", Security: users,
		Description: "404: the home has no such owner.", MaxBodyBytes: maxConnectBody,
	}, func(ctx context.Context, r *api.DefaultOwnerRequest) (*answer[*api.KeptOwner], error) {
		return answered(k.SetDefaultOwner(ctx, r.Owner))
	})
	add(h, huma.Operation{
		Method: "PUT", Path: "/v1/oracles/{oracle}", OperationID: "electOracle", Summary: "Elect an oracle: its objections count", Security: users,
		Description: "For the home's user alone, as lf oracle add does. 422: anybody can sign for it, or 64 are elected.",
	}, func(ctx context.Context, in *oracleInput) (*answer[*api.Elected], error) {
		return answered(k.ElectOracle(ctx, in.Oracle))
	})
	add(h, huma.Operation{
		Method: "DELETE", Path: "/v1/oracles/{oracle}", OperationID: "dismissOracle", Summary: "Elect an oracle no more", Security: users,
		Description: "404: it was not elected.",
	}, func(ctx context.Context, in *oracleInput) (*answer[*api.Elected], error) {
		return answered(k.DismissOracle(ctx, in.Oracle))
	})
}

// allowedOwners leaves a limited token the owners as whom it may write. What is wrong with the
// others' keys is not for it.
func allowedOwners(list *api.OwnerList, g *Grant) *api.OwnerList {
	if g == nil || g.Session != "" {
		return list
	}
	return &api.OwnerList{Owners: slices.DeleteFunc(slices.Clone(list.Owners), func(k api.KeptOwner) bool { return !slices.Contains(g.Set, k.Owner) })}
}
