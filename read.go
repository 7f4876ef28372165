package lf

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// MaxAnswers is the most that one question can ask for.
const MaxAnswers = api.MaxLimit

// Result is what came of a question about several keys.
type Result struct {
	Answers []*Answer
	// More tells that the limit cut them.
	More bool
	// Lapsed is how many answers were left out because they are not [Alive], as the node says.
	Lapsed int
	// Damaged are the records that the node could not show, because its disk damaged them. Each
	// would have been an answer, or a part of one.
	Damaged []*DamagedError
	// Comparison tells how a proxy came to the answers, as the proxy says; nil from a node.
	Comparison *api.Comparison

	next string // where the next page begins
}

// Get returns what is set under exactly this key, by the claim that is best under the policy. The
// key has one ordinal for each name. Besides errors of the connection there are [ErrNotFound],
// [ErrDeleted], [ErrSealed] and [ErrLapsed], the last three with the answer, [ErrDamaged],
// [ErrNotSynced], [*ForgedError] and [*InputError].
func (c *Client) Get(ctx context.Context, key Key, options ...ReadOption) (*Answer, error) {
	q := queryOf(key, options)
	q.lapsed = true
	if q.err == nil {
		q.err = key.checkPoint()
	}
	if q.open && q.err == nil {
		q.err = wrongInput("a key with further names has several answers: ask with Query or Range")
	}
	found, err := c.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	return q.only(found, key)
}

// only returns the answer to a question about one key, or why there is none.
func (q *query) only(r *Result, key Key) (*Answer, error) {
	switch {
	case len(r.Answers) > 0:
		a := r.Answers[0]
		return a, cmp.Or(a.check(), q.lapsedIn(a))
	case len(r.Damaged) > 0:
		return nil, r.Damaged[0]
	}
	return nil, notFound("%s: not found", key)
}

// Query returns all that is set under a key, with its deleted and sealed answers, up to a limit
// (100 unless [Limit] says otherwise). No answer is no error.
func (c *Client) Query(ctx context.Context, key Key, options ...ReadOption) (*Result, error) {
	return c.ask(ctx, queryOf(key, options))
}

// query is a question in the making.
type query struct {
	key     Key
	open    bool // also records with further selectors
	history bool
	owners  []string
	since   uint64
	until   uint64
	limit   int
	after   string // the next of the page before

	maskingKey  string
	policy      protocol.Policy  // nil: the node's
	oracles     []protocol.Owner // nil: the node's
	authorities [][]byte         // in addition to the network's
	explain     bool
	synced      syncWait
	alive       time.Duration // 0: whether alive or not
	lapsed      bool          // also what is not alive, for a caller who tells

	err error // of an option
}

func queryOf(key Key, options []ReadOption) *query {
	q := &query{key: key, limit: api.DefaultLimit}
	for _, option := range options {
		option.read(q)
	}
	return q
}

func (q *query) check() error {
	switch {
	case q.err != nil:
		return q.err
	case len(q.key.selectors) == 0:
		return wrongInput("a key has at least one name")
	case q.limit < 1 || q.limit > MaxAnswers:
		return wrongInput("the limit must be 1 to %d, not %d", MaxAnswers, q.limit)
	case q.until > 0 && q.since > q.until:
		return wrongInput("the time asked for ends before it begins")
	case len(q.authorities) > api.MaxAuthorities:
		return wrongInput("%d certificates of CAs, at most %d can be asked with", len(q.authorities), api.MaxAuthorities)
	}
	return nil
}

// ask returns the answers to a question, checked.
func (c *Client) ask(ctx context.Context, q *query) (*Result, error) {
	if err := errors.Join(c.check(), q.check(), c.checkAlive(q)); err != nil {
		return nil, err
	}
	if err := c.awaitSynced(ctx, &q.synced); err != nil {
		return nil, err
	}
	r, asked, err := c.prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	t := target{key: q.key}
	if t.names, err = c.names.namesOf(ctx, q.key); err != nil {
		return nil, err
	}
	asked.Selectors, asked.Limit, asked.After = t.selectors(), q.limit, q.after
	found, err := c.answers(ctx, r, asked, []target{t})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// answers asks the node, and returns what it answers for each target, checked.
func (c *Client) answers(ctx context.Context, r *reader, asked api.Query, targets []target) ([]*Result, error) {
	own := make([][]*protocol.Record, len(targets))
	for i := range targets {
		own[i] = c.acknowledged(r, &targets[i])
	}
	var answered *api.QueryResult
	err := c.retry(ctx, 0, func(node api.Service) (err error) {
		answered, err = node.Query(ctx, asked)
		return err
	})
	if err != nil {
		return nil, err
	}
	found, err := r.check(answered, targets)
	if err != nil {
		return nil, &ForgedError{Node: c.Address(), What: err}
	}
	for i := range targets {
		if err := c.checkFresh(ctx, own[i], found[i]); err != nil {
			return nil, err
		}
		if err := c.checkPulsed(ctx, found[i].Answers); err != nil {
			return nil, err
		}
		for _, a := range found[i].Answers {
			if err := c.readHistory(ctx, r, asked, &targets[i], a); err != nil {
				return nil, err
			}
		}
		found[i].Damaged, r.damaged = append(found[i].Damaged, r.damaged...), nil
	}
	return found, nil
}

// prepare returns what checks the answers to a question, and the question without its key.
func (c *Client) prepare(ctx context.Context, q *query) (*reader, api.Query, error) {
	r := &reader{query: q, network: c.network, checked: c.checked}
	asked := api.Query{
		Open: q.open, Since: q.since, Until: q.until,
		Policy: q.policy, Oracles: q.oracles, Authorities: q.authorities, Explain: q.explain,
		History: q.history || q.explain, // the records that an explanation speaks of
		Frames:  true,
	}
	if !q.lapsed {
		asked.Alive = uint64(q.alive / time.Second)
	}
	var err error
	if r.owners, err = c.ownersNamed(q.owners); err != nil {
		return nil, asked, err
	}
	asked.Owners = r.owners
	r.mask, err = c.names.mask(ctx, q.maskingKey)
	return r, asked, err
}

// target is a key that the node is asked for, with its names. The node gets what they derive to,
// and does not learn them.
type target struct {
	key   Key
	names []protocol.NameKey
}

func (t *target) selectors() []api.SelectorRange {
	ranges := make([]api.SelectorRange, len(t.names))
	for i, e := range t.key.selectors {
		key := t.names[i].Selector()
		ranges[i] = api.SelectorRange{Key: &key, From: api.Uint64(e.From), To: api.Uint64(e.To)}
	}
	return ranges
}

// ownersNamed reads owners: names in the keyring, or anybody's peer ID.
func (c *Client) ownersNamed(names []string) ([]protocol.Owner, error) {
	var owners []protocol.Owner
	for _, name := range names {
		owner, err := c.OwnerNamed(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(owners, owner) {
			owners = append(owners, owner)
		}
	}
	return owners, nil
}

// OwnerNamed reads an owner: a peer ID (12D3KooW…), or the name of one in the keyring.
func (c *Client) OwnerNamed(name string) (protocol.Owner, error) {
	if owner, err := protocol.ParseOwner(name); err == nil {
		return owner, nil
	}
	ring, err := c.Keyring()
	if err != nil {
		return protocol.Owner{}, err
	}
	key, err := ring.Get(name)
	if errors.Is(err, fs.ErrNotExist) {
		return protocol.Owner{}, wrongInput("%q is neither a peer ID (12D3KooW…) nor the name of an owner in the home", name)
	}
	return key.Owner, err
}
