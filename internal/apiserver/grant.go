package apiserver

import (
	"context"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Grant is what a limited token allows.
type Grant struct {
	Name string
	// Client tells that it is the token of a proxy's client. The rest is the same.
	Client bool
	// Read allows reading where that needs a token. Submit allows handing in finished records, and
	// reading. Work has the node pay.
	Read, Submit, Work bool
	// EffortPerHour bounds the work that the service does for the token's holders; 0: it does not.
	EffortPerHour uint64
	// Set are the owners as whom the node may write.
	Set []protocol.Owner
	// Session is the ID of the page's session that this is, "" where it is a limited token. It
	// allows everything that the page offers.
	Session string
}

// The rights of limited tokens, as the OpenAPI document names them.
const (
	rightRead   = "read"
	rightSubmit = "submit"
	rightWork   = "work"
	rightSet    = "set"
	// rightSession is what sessions of the page may do, and no other limited token.
	rightSession = "session"
)

func (g *Grant) allows(right string) bool {
	if g.Session != "" {
		return true
	}
	switch right {
	case rightRead:
		return g.Read || g.Submit
	case rightSubmit:
		return g.Submit
	case rightWork:
		return g.Work
	case rightSet:
		return len(g.Set) > 0
	}
	return false
}

// Who may use an operation, as the OpenAPI document says it: one of these ways suffices. The node's
// own token, and a trusted listener, allow everything.
var (
	// this machine without a token, others with one
	readers    = []map[string][]string{{}, {securityToken: {rightRead}}}
	submitters = []map[string][]string{{securityToken: {rightSubmit}}, {securityToken: {rightWork}}}
	payers     = []map[string][]string{{securityToken: {rightWork}}}
	setters    = []map[string][]string{{securityToken: {rightSet}}}
	writers    = []map[string][]string{{securityToken: {rightSubmit}}, {securityToken: {rightWork}}, {securityToken: {rightSet}}}
	holders    = []map[string][]string{{securityToken: {}}} // no limited token
	everybody  = []map[string][]string{{}}
	// the service's user alone, who may be in a browser
	users = []map[string][]string{{securityToken: {rightSession}}}
)

// checkGrant refuses a limited token that allows none of an operation's ways.
func checkGrant(g *Grant, security []map[string][]string) error {
	var wanted []string
	for _, way := range security {
		for _, right := range way[securityToken] {
			if g.allows(right) {
				return nil
			}
			if right != rightSession { // which no flag gives
				wanted = append(wanted, "--"+right)
			}
		}
	}
	switch {
	case g.Session != "":
		return api.Forbidden("no session of the page may do this: it needs the token in the file api.token, or the socket api.sock")
	case len(wanted) == 0 && g.Client:
		return api.Forbidden("this needs the proxy's own token: %q is one of its clients", g.Name)
	case len(wanted) == 0:
		return api.Forbidden("this needs the node's own token: the token %q is a limited one", g.Name)
	case g.Client && slices.Contains(wanted, "--"+rightSet) && g.Submit:
		return api.Forbidden("this proxy keeps no key for client %q: it can sign its records itself, or be given an owner (lf proxy client add --owner)", g.Name)
	case g.Client:
		return api.Forbidden("client %q may only read", g.Name)
	}
	return api.Forbidden("the token %q does not allow this: it lacks %s (lf token add)", g.Name, strings.Join(wanted, " or "))
}

type grantKey struct{}

// withGrant notes with which limited token a request came.
func withGrant(ctx huma.Context, g *Grant) huma.Context {
	if g == nil {
		return ctx
	}
	return huma.WithValue(ctx, grantKey{}, g)
}

// grantOf returns the limited token of a request; nil where it may do everything.
func grantOf(ctx context.Context) *Grant {
	g, _ := ctx.Value(grantKey{}).(*Grant)
	return g
}

// needs refuses a request whose limited token lacks a right.
func needs(ctx context.Context, right string) error {
	if g := grantOf(ctx); g != nil && !g.allows(right) {
		return checkGrant(g, []map[string][]string{{securityToken: {right}}})
	}
	return nil
}

// signer returns as whom the node is to write. For a limited token that is one of its owners, as a
// peer ID: a name could come to mean another key.
func (h *Handler) signer(ctx context.Context, wanted string) (string, error) {
	g := grantOf(ctx)
	switch {
	case g == nil || g.Session != "":
		return wanted, nil
	case wanted == "" && len(g.Set) == 1:
		return g.Set[0].String(), nil
	case wanted == "":
		return "", api.Invalid("the token %q allows to write as several owners: name one of them", g.Name)
	}
	owner, err := protocol.ParseOwner(wanted)
	if err != nil && h.ownerNamed != nil {
		owner, err = h.ownerNamed(wanted)
	}
	if err != nil || !slices.Contains(g.Set, owner) {
		return "", api.Forbidden("the token %q does not allow to write as owner %q", g.Name, wanted)
	}
	return owner.String(), nil
}
