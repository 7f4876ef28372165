package apitest

import (
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Rerank puts the claims of an explained answer with frames into the order that follows from what
// is said of them. So a node answers that lies about a claim.
func Rerank(a *api.Answer, policy protocol.Policy) {
	versions := append([]api.Version{a.Version}, a.Others...)
	claims := a.Explanation.Claims
	order := make([]int, len(claims))
	for i := range claims {
		order[i] = i
		if r, err := protocol.DecodeFrame(versions[i].Frame); err == nil {
			claims[i].SignedHash = r.SignedHash()
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		better, _ := policy.Compare(&claims[i].Standing, &claims[j].Standing)
		return -better
	})
	if order[0] != 0 {
		a.History = nil
	}
	a.Others, a.Explanation.Claims = nil, nil
	for i, at := range order {
		if i == 0 {
			a.Version = versions[at]
		} else {
			a.Others = append(a.Others, versions[at])
		}
		a.Explanation.Claims = append(a.Explanation.Claims, claims[at])
	}
}
