package lf

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// OpenOption says where a client finds its node and its owners. See [Open].
type OpenOption func(*clientOptions)

type clientOptions struct {
	home, node, token string
	keyring           *home.Home
	network           *protocol.Network
	timeout           time.Duration
	names             int
	toWrite           bool
	nodeClock         bool
	unnoted           bool
	solve             Solver
	workAtNode        bool
	workHere          bool
}

func clientOptionsOf(options []OpenOption) clientOptions {
	o := clientOptions{timeout: api.DefaultReadTimeout, names: rememberedNames}
	for _, option := range options {
		option(&o)
	}
	return o
}

// WithHome names the home: its owners sign, and unless [WithNode] names another one, its node is
// asked.
func WithHome(dir string) OpenOption { return func(o *clientOptions) { o.home = dir } }

// InHome is [WithHome] for a home that is open already.
func InHome(h *home.Home) OpenOption { return func(o *clientOptions) { o.keyring = h } }

// WithNode names the node: a URL (http://HOST:PORT), or unix:PATH for a socket.
func WithNode(address string) OpenOption { return func(o *clientOptions) { o.node = address } }

// WithToken gives the token that writing over TCP needs. It goes to no socket.
func WithToken(token string) OpenOption { return func(o *clientOptions) { o.token = token } }

// WithTimeout bounds how long the node may take to answer a question, 30 s by default. A call ends
// earlier if its context does.
func WithTimeout(d time.Duration) OpenOption { return func(o *clientOptions) { o.timeout = d } }

// OnNetwork wants the node to be on this network; otherwise Open fails with a [*NetworkError].
func OnNetwork(n *protocol.Network) OpenOption { return func(o *clientOptions) { o.network = n } }

// RememberNames is how many names a client derives only once, 1,024 unless it is given. Deriving a
// name costs processor time and memory on purpose, and a derived one about 200 bytes.
func RememberNames(n int) OpenOption { return func(o *clientOptions) { o.names = n } }

// ToWrite has Open fail with a [*TokenError] where writing needs a token and there is none. The
// first write would fail with it otherwise.
func ToWrite() OpenOption { return func(o *clientOptions) { o.toWrite = true } }

// ByNodesClock dates records by the node's clock in place of this computer's. A node in this
// process has its own.
func ByNodesClock() OpenOption { return func(o *clientOptions) { o.nodeClock = true } }

// WithSolver has all proofs of work done by solve. It may be called by several goroutines at once.
func WithSolver(solve Solver) OpenOption { return func(o *clientOptions) { o.solve = solve } }

// WorkAtNode has the node do all proofs of work, as on a phone. The node learns nothing but hashes.
// A program that was built without cgo always does so.
func WorkAtNode() OpenOption { return func(o *clientOptions) { o.workAtNode = true } }

// WorkHere has this computer do all proofs of work, also where the API wants to do them, as a proxy
// does.
func WorkHere() OpenOption { return func(o *clientOptions) { o.workHere = true } }

// Solver finds a proof of work over a challenge, and reports how far it is. report may be nil. It
// ends with ctx.
type Solver func(ctx context.Context, challenge []byte, effort uint32, threads int, report func(Work)) (protocol.Work, error)

// givenNode is the address that the caller named, "" when none.
func (o *clientOptions) givenNode() string {
	if o.node != "" {
		return o.node
	}
	return os.Getenv("LF_API")
}

func (o *clientOptions) givenToken() string {
	if o.token != "" {
		return o.token
	}
	return os.Getenv("LF_TOKEN")
}

// openHome opens the home. One that was named must be there unless the node is known. It returns
// nil where the user has no home directory and the node is known.
func (o *clientOptions) openHome() (*home.Home, error) {
	if o.keyring != nil {
		return o.keyring, nil
	}
	dir := o.home
	if dir == "" {
		dir = os.Getenv("LF_HOME")
	}
	named := dir != ""
	if !named {
		user, err := os.UserHomeDir()
		if err != nil && o.givenNode() != "" && !o.toWrite {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("no home directory (%w): name a home", err)
		}
		dir = filepath.Join(user, ".lf")
	}
	h, err := home.Open(dir)
	if err == nil && named && o.givenNode() == "" {
		err = h.Exists()
	}
	return h, err
}
