package home

import (
	"fmt"

	"github.com/lf-store/lf/protocol"
)

// MaxProxyClients is how many clients a proxy may have.
const MaxProxyClients = 10_000

// ProxyClient is who may use the proxy that lives in the home, and a hash of the token that it
// shows. Every client may read.
type ProxyClient struct {
	// Name tells clients apart for the home's user.
	Name string `json:"name"`
	// Made is when it was added, ms since the Unix epoch.
	Made uint64 `json:"made"`
	// Hash is SHA-256 of the token.
	Hash tokenHash `json:"sha256"`
	// EffortPerHour bounds the work that the proxy does for the client; 0: it does not.
	EffortPerHour uint64 `json:"effortPerHour,omitempty"`
	// ReadOnly clients may not write.
	ReadOnly bool `json:"readOnly,omitempty"`
	// Owner is as whom the proxy writes for the client; nil: it keeps no key for this client. The
	// home's keyring has the key.
	Owner *protocol.Owner `json:"owner,omitempty"`
}

func (c *ProxyClient) check() error {
	switch {
	case !tokenName.MatchString(c.Name):
		return fmt.Errorf("%q is no name for a client: 1 to 64 letters, digits, dots, hyphens and underscores", c.Name)
	case c.ReadOnly && (c.Owner != nil || c.EffortPerHour > 0):
		return fmt.Errorf("client %q may only read: it needs neither an owner nor effort", c.Name)
	}
	return nil
}

func (c *ProxyClient) credential() credential { return credential{&c.Name, &c.Made, &c.Hash} }

func (h *Home) proxyClients() *holderList[ProxyClient, *ProxyClient] {
	return &holderList[ProxyClient, *ProxyClient]{
		path: h.path(clientsFile), lock: h.path(clientsLock), member: "clients", what: "clients of the proxy", one: "client", most: MaxProxyClients,
	}
}

// ProxyClients returns the clients, in the order in which they were added.
func (h *Home) ProxyClients() ([]ProxyClient, error) { return h.proxyClients().list() }

// AddProxyClient adds a client and returns its token. Nobody can read that from the home later. A
// name that is taken is an [fs.ErrExist]. A proxy that runs here knows the client at once.
func (h *Home) AddProxyClient(c ProxyClient) (token string, err error) {
	return h.proxyClients().add(c)
}

// RemoveProxyClient revokes a client's token. A proxy that runs here refuses it from the next
// request on. A client that is not there is an [fs.ErrNotExist].
func (h *Home) RemoveProxyClient(name string) error { return h.proxyClients().remove(name) }

// ProxyClientChecker finds the client whose token a request shows. It is safe for concurrent use.
type ProxyClientChecker struct {
	list checker[ProxyClient, *ProxyClient]
}

// ProxyClientChecker returns a checker of the clients of the proxy in this home.
func (h *Home) ProxyClientChecker() *ProxyClientChecker {
	return &ProxyClientChecker{checker[ProxyClient, *ProxyClient]{file: h.proxyClients()}}
}

// Find returns the client whose token it is, nil where it is nobody's. While the file cannot be
// read, no token is valid. What is found must not be changed.
func (c *ProxyClientChecker) Find(token string) (*ProxyClient, error) { return c.list.find(token) }
