package node

import (
	"context"
	"path/filepath"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/internal/keeper"
	"github.com/lf-store/lf/protocol"
)

// listenSocket makes the programs of this user wait until serveAPI is called, as listenAPI does
// those of TCP. A node without a socket serves all the same.
func (n *Node) listenSocket() {
	l, err := n.config.Home.ListenSocket()
	if err != nil {
		n.config.Logger.Warn("no socket can be made, so programs reach this node over TCP alone: name its token to them to write (--token-file), "+
			"or move the home to a file system that has sockets", "token", filepath.Join(n.config.Home.Dir(), "api.token"), "error", err)
		return
	}
	n.parts.OnClose("API's socket", func() error { return apiserver.CloseListener(l) })
	n.socket = l
}

// listenAPI makes clients' connections wait until serveAPI is called, so that the first answer
// comes from a whole node.
func (n *Node) listenAPI(ctx context.Context) (*apiserver.Endpoint, error) {
	c := &n.config
	e, err := apiserver.Listen(ctx, c.APIListen, "--api-listen", nil, c.Logger)
	if err != nil {
		return nil, err
	}
	n.parts.OnClose("API's listener", e.Close)
	return e, nil
}

// serveAPI begins to answer.
func (n *Node) serveAPI(e *apiserver.Endpoint, token string) {
	c := &n.config
	n.url = e.URL()
	withdraw := n.publishAPI() // before it is served, so that the first client finds it
	options := apiserver.HandlerOptions{
		Token: token, Hosts: append(e.Hosts(), c.APIHosts...), AllowOrigins: c.APIAllowOrigins,
		Tokens: n.grants(), OwnerNamed: n.ownerNamed,
		Private: c.APIPrivate, Public: c.APIPublic, AnonymousRate: c.APIRate, TrustedProxies: c.APITrustedProxies, Registry: n.registry, Ready: n.Ready, Logger: c.Logger, Version: c.Version, Archive: n.service, Activities: n.service, Graph: n.service, Keeper: keeper.New(c.Home), Page: true, Testbed: n.testbed(),
	}
	n.served = true
	e.Serve(apiserver.NewHandler(n.service, options), n.socket)
	n.parts.OnClose("API", func() error { return e.Shutdown(apiGrace) })
	n.parts.OnClose("API's address", withdraw)
}

// grants returns what finds limited tokens in the home.
func (n *Node) grants() func(token string) (*apiserver.Grant, error) {
	checker := n.config.Home.TokenChecker()
	return func(token string) (*apiserver.Grant, error) {
		t, err := checker.Find(token)
		if err != nil {
			n.config.Logger.Error("no limited token is valid until this is mended", "error", err)
		}
		if t == nil || err != nil {
			return nil, err
		}
		return &apiserver.Grant{Name: t.Name, Read: t.Read, Submit: t.Submit, Work: t.Work, Set: t.Set}, nil
	}
}

// ownerNamed finds the owner that a name in the home's keyring means.
func (n *Node) ownerNamed(name string) (protocol.Owner, error) {
	key, err := n.config.Home.Owners().Get(name)
	return key.Owner, err
}

// publishAPI writes the API's address into the home. On a full or read-only disk the node serves
// all the same.
func (n *Node) publishAPI() (withdraw func() error) {
	withdraw, err := n.config.Home.PublishAPI(n.url)
	if err != nil {
		n.config.Logger.Warn("programs do not find this node by its home: give them --api "+n.url, "error", err)
		return func() error { return nil }
	}
	return withdraw
}
