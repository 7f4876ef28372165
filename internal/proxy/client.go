package proxy

import (
	"context"
	"fmt"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// clientTokens finds the client whose token a request shows. What is added or removed in the home
// counts from the next request on.
func (p *Proxy) clientTokens() func(token string) (*apiserver.Grant, error) {
	clients := p.config.Home.ProxyClientChecker()
	return func(token string) (*apiserver.Grant, error) {
		c, err := clients.Find(token)
		if err != nil {
			p.config.Logger.Error("no client can be let in", "error", err)
		}
		if err != nil || c == nil {
			return nil, err
		}
		return grantOf(c), nil
	}
}

// grantOf is what a client may do. Every client may read.
func grantOf(c *home.ProxyClient) *apiserver.Grant {
	g := &apiserver.Grant{Name: c.Name, Client: true, Read: true, Submit: !c.ReadOnly, Work: !c.ReadOnly, EffortPerHour: c.EffortPerHour}
	if c.Owner != nil {
		g.Set = []protocol.Owner{*c.Owner}
	}
	return g
}

// ownerNamed finds an owner of the home by its name.
func (p *Proxy) ownerNamed(name string) (protocol.Owner, error) {
	key, err := p.config.Home.Owners().Get(name)
	return key.Owner, err
}

// Clients implements [api.Clients].
func (s *Service) Clients(context.Context) (*api.ClientList, error) {
	known, err := s.config.Home.ProxyClients()
	if err != nil {
		return nil, fmt.Errorf("list the clients: %w", err)
	}
	list := &api.ClientList{Clients: make([]api.ClientUse, len(known))}
	for i := range known {
		use := s.writes.pool.Use(known[i].Name)
		list.Clients[i] = api.ClientUse{Name: known[i].Name, EffortPerHour: known[i].EffortPerHour, Spent: use.Spent, Waiting: use.Jobs}
	}
	return list, nil
}
