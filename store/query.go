package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/protocol"
)

// Range asks for a selector of this key with an ordinal from From to To, both included.
type Range struct {
	Key      protocol.SelectorKey
	From, To uint64
}

// Query asks for the composite keys of attached records.
//
// Every range of Where must be met by a different selector of a key; unless Open is set, the key
// must have no further selectors. Since and Until (milliseconds, included; Until 0: no end) select
// versions by their timestamps before anything else is decided, so that with Until set the answers
// are as of then.
type Query struct {
	Where []Range
	// Keys are composite keys to look up one by one, in place of Where, Open, Limit and After.
	Keys         [][]protocol.SelectorPoint
	Open         bool
	Owners       []protocol.Owner // only these; none: any
	Since, Until uint64
	// History asks also for older versions and other claims. Of older versions there are at most
	// 100, which come after HistoryAfter, a [Version.Position]; nil: after the newest.
	History      bool
	HistoryAfter *VersionPosition
	Limit        int // composite keys at most; 0: 100
	// After is where the answers begin, the place itself excluded; nil: at the first.
	After *Position

	// Policy ranks the claims; nil: the default.
	Policy protocol.Policy
	// Oracles are those whose objections count, at most 64.
	Oracles []protocol.Owner
	// Authorities are those whose certificates count in addition to the network's, at most 16.
	Authorities []*protocol.Authority
	// Explain asks for all claims with what each criterion says of them. ExplainContested asks so
	// of composite keys that several owners claim.
	Explain, ExplainContested bool
	// Prove asks for the records on which each claim's standing rests, with Explain.
	Prove bool
	// SkipWeights leaves Weight out of versions. What ranks the claims is weighed all the same.
	SkipWeights bool
	// Known are attached records by their local indexes, as [Changes] told them. They are not read
	// from the disk again.
	Known map[uint64]*protocol.Record
}

// explains reports whether the query asks to explain the claims on a composite key.
func (q *Query) explains(claims int) bool { return q.Explain || q.ExplainContested && claims > 1 }

// explainsCrowds is explains for a key that very many claim.
func (q *Query) explainsCrowds() bool { return q.Explain || q.ExplainContested }

// Answers lists composite keys by their ordinals, compared in the order of Where, then by their
// IDs.
type Answers struct {
	Keys []Answer
	// More says that there are further keys beyond the limit.
	More bool
}

// Position is a place in the order of answers.
type Position struct {
	Ordinals []uint64
	// Prefix is how the composite key's ID begins.
	Prefix [8]byte
}

// Answer is one composite key with its claims.
type Answer struct {
	Composite protocol.CompositeID
	// Position's Ordinals has one for each range of Where: the smallest that the key's selectors
	// allow, the first range deciding first.
	Position
	// Asked is which of the query's Keys this answers.
	Asked int
	// Claims are ranked, best first, at most 100; without History or Explain there is only the
	// best.
	Claims []Claim
	// Total is how many claims there are.
	Total int
	// Damaged says that what the answer rests on is damaged on this node's disk. Then there are no
	// claims, not even those that would come next. Composite is zero where the query leaves
	// selectors of the key open.
	Damaged *DamagedError
}

// Claim is what one owner says under a composite key. Its newest version, which may be a tombstone,
// is its answer. Versions at or before a release of the owner's do not count; order is by
// timestamp, then by signed hash. A version that rests on a certificate which was revoked, as far
// as the revocation reaches, is none.
type Claim struct {
	Owner protocol.Owner
	Version
	// Older has the other versions, newest first, when the query asks for history. MoreOlder says
	// that there are further ones.
	Older     []Version
	MoreOlder bool
	// Standing is what the criteria say of the claim. When the query asks to explain, it has all of
	// them, otherwise those that were looked at to rank it.
	Standing protocol.Standing
	// Authority names who certifies the owner, where that was looked at.
	Authority string
	// With Explain: when this node saw the claim first, in milliseconds, and by which criterion it
	// lost to the best.
	Seen   uint64
	LostBy protocol.Criterion
	// Proof is there with Prove.
	Proof Proof
}

// Version is one record of a claim. Twins, records over the same signed bytes, are one version: the
// one with the largest ID. Weight is the record's own; a claim has that of its heaviest version,
// twins included, in its standing.
type Version struct {
	// Record lacks its value where that is damaged. It is nil where the header of an older version
	// is.
	Record *protocol.Record
	Index  uint64
	Weight uint64
	// Damaged is there where the record's bytes are damaged on this node's disk.
	Damaged *DamagedError

	row version
}

// Time returns when the owner made the version, in milliseconds.
func (v *Version) Time() uint64 {
	if v.Record == nil {
		return uint64(v.row.timestamp)
	}
	return v.Record.Timestamp
}

// Query answers from the attached records. Its cost is bounded: [ErrTooBroad] says that it would be
// exceeded.
func (s *Store) Query(ctx context.Context, q Query) (Answers, error) {
	if err := q.check(); err != nil {
		return Answers{}, err
	}
	x := s.newSearch(ctx, q)
	if err := s.read(ctx, x.run); err != nil {
		return Answers{}, err
	}
	return x.answers, nil
}

func (q *Query) check() error {
	if q.Keys != nil {
		return q.checkKeys()
	}
	if len(q.Where) == 0 || len(q.Where) > protocol.MaxSelectors {
		return fmt.Errorf("%w: %d selectors, want 1 to %d", ErrBadQuery, len(q.Where), protocol.MaxSelectors)
	}
	for _, r := range q.Where {
		if r.From > r.To || r.To > protocol.MaxOrdinal {
			return fmt.Errorf("%w: ordinals %d to %d", ErrBadQuery, r.From, r.To)
		}
	}
	if q.Limit < 0 {
		return fmt.Errorf("%w: limit %d", ErrBadQuery, q.Limit)
	}
	if q.After != nil && len(q.After.Ordinals) != len(q.Where) {
		return fmt.Errorf("%w: %d ordinals for %d selectors", ErrBadQuery, len(q.After.Ordinals), len(q.Where))
	}
	return q.checkTrust()
}

func (q *Query) checkKeys() error {
	if len(q.Where) > 0 || q.Open || q.Limit != 0 || q.After != nil {
		return fmt.Errorf("%w: both keys and a search", ErrBadQuery)
	}
	for _, points := range q.Keys {
		if len(points) == 0 || len(points) > protocol.MaxSelectors {
			return fmt.Errorf("%w: %d selectors, want 1 to %d", ErrBadQuery, len(points), protocol.MaxSelectors)
		}
	}
	return q.checkTrust()
}

func (q *Query) checkTrust() error {
	if q.Policy != nil {
		if err := q.Policy.Check(); err != nil {
			return fmt.Errorf("%w: %w", ErrBadQuery, err)
		}
	}
	if len(q.Oracles) > maxOracles || len(q.Authorities) > maxAuthorities {
		return fmt.Errorf("%w: %d oracles and %d authorities, at most %d and %d", ErrBadQuery, len(q.Oracles), len(q.Authorities), maxOracles, maxAuthorities)
	}
	for _, o := range q.Oracles {
		if o.SmallOrder() {
			return fmt.Errorf("%w: oracle %s has a key that anybody can sign for", ErrBadQuery, o)
		}
	}
	return nil
}

// span is a Range as the index knows it.
type span struct {
	key      int64
	from, to uint64
}

func (s span) exact() bool { return s.from == s.to }

func (s span) contains(ordinal uint64) bool { return s.from <= ordinal && ordinal <= s.to }

// search is one query at work.
type search struct {
	*conn
	ctx     context.Context
	network *protocol.Network
	query   Query
	// policy ends with newest; oracles are distinct.
	policy  protocol.Policy
	oracles []protocol.Owner
	certs   *certChecker
	// hiding says that there may be hidden versions: something was revoked on a network where it
	// matters.
	hiding     bool
	chainCache *lru.Cache[chainCacheKey, *trustedChain]
	// where is Query.Where; distinctKeys says that no two of its keys are equal.
	where        []span
	distinctKeys bool
	since, until int64
	limit        int
	// listed is how many claims of a composite key are listed.
	listed int
	// owners are the numbers of Query.Owners; nil: any.
	owners []int64
	// ranker is told of claims and roots whose leads are to be lowered.
	ranker *ranker
	// leadsUsed counts how often leads of roots told a claim's weight.
	leadsUsed int
	tuning
	// byRows allows to answer from the rows of crowded keys, and rowsUsed counts how often that was
	// done.
	byRows   bool
	rowsUsed int
	budget   int
	answers  Answers
	// damaged are the records that were read and whose value is damaged, by index.
	damaged map[int64]*DamagedError
}

func (s *Store) newSearch(ctx context.Context, q Query) *search {
	x := &search{ctx: ctx, network: s.network, query: q, policy: q.Policy, chainCache: s.chainCache, tuning: s.options.tuning, budget: scanBudget, listed: maxListed, byRows: true}
	x.ranker = s.ranker
	if x.policy == nil {
		x.policy = defaultPolicy
	}
	x.policy = x.policy.Total()
	for _, o := range q.Oracles {
		if !slices.Contains(x.oracles, o) {
			x.oracles = append(x.oracles, o)
		}
	}
	keys := map[int64]bool{}
	for _, r := range q.Where {
		s := span{prefix(r.Key[:]), r.From, r.To}
		x.where, keys[s.key] = append(x.where, s), true
	}
	x.distinctKeys = len(keys) == len(x.where)
	x.since, x.until = int64(min(q.Since, math.MaxInt64)), int64(min(q.Until, math.MaxInt64))
	if q.Until == 0 {
		x.until = math.MaxInt64
	}
	if x.limit = q.Limit; x.limit == 0 {
		x.limit = defaultLimit
	}
	return x
}

// defaultPolicy is read, not changed.
var defaultPolicy = protocol.DefaultPolicy()

// begin begins the search on one state of the database.
func (x *search) begin(c *conn) (err error) {
	x.conn = c
	x.certs = &certChecker{conn: c, network: x.network, spend: x.spend, revokedOwners: map[protocol.Owner]bool{}, decisive: map[string][]revocationRow{}}
	if len(x.network.Authorities()) > 0 {
		x.hiding, err = c.anyRevoked()
	}
	return err
}

func (x *search) run(c *conn) error {
	if err := x.begin(c); err != nil {
		return err
	}
	if len(x.query.Owners) > 0 {
		if err := x.findOwners(); err != nil || len(x.owners) == 0 {
			return err
		}
	}
	if x.query.Keys != nil {
		return x.lookUpAll()
	}
	if points, exact := x.exact(); exact {
		return x.lookUp(points)
	}
	return x.scan(x.where, 0)
}

func (x *search) findOwners() error {
	seen := map[int64]bool{0: true}
	for _, o := range x.query.Owners {
		n, err := x.ownerNumber(o)
		if err != nil {
			return err
		}
		if !seen[n] {
			seen[n], x.owners = true, append(x.owners, n)
		}
	}
	return nil
}

// exact reports whether the query names one composite key, and returns its selectors.
func (x *search) exact() ([]protocol.SelectorPoint, bool) {
	if x.query.Open {
		return nil, false
	}
	points := make([]protocol.SelectorPoint, len(x.where))
	for i, s := range x.where {
		if !s.exact() {
			return nil, false
		}
		points[i] = protocol.SelectorPoint{Key: x.query.Where[i].Key, Ordinal: s.from}
	}
	return points, true
}

// lookUp answers for one composite key without the table of selectors. Nothing is after it.
func (x *search) lookUp(points []protocol.SelectorPoint) error {
	k := matchOf(points)
	if x.isPast(k) {
		return nil
	}
	return x.answer(k)
}

// matchOf is the composite key of these selectors.
func matchOf(points []protocol.SelectorPoint) keyMatch {
	k := keyMatch{points: make([]point, len(points)), ordinals: make([]uint64, len(points))}
	for i, p := range points {
		k.points[i], k.ordinals[i] = point{prefix(p.Key[:]), p.Ordinal}, p.Ordinal
	}
	id := protocol.CompositeOf(points)
	k.composite = prefix(id[:])
	k.sort()
	return k
}

// lookUpAll answers for each of the query's keys, on one state of the database.
func (x *search) lookUpAll() error {
	x.limit = len(x.query.Keys)
	for i, points := range x.query.Keys {
		x.query.Where = make([]Range, len(points))
		for j, p := range points {
			x.query.Where[j] = Range{Key: p.Key, From: p.Ordinal, To: p.Ordinal}
		}
		before := len(x.answers.Keys)
		if err := x.lookUp(points); err != nil {
			return err
		}
		for j := before; j < len(x.answers.Keys); j++ {
			x.answers.Keys[j].Asked = i
		}
		if err := x.spend(1); err != nil {
			return err
		}
	}
	return nil
}

// isPast reports whether a key was answered on an earlier page.
func (x *search) isPast(k keyMatch) bool {
	after := x.query.After
	return after != nil && cmp.Or(slices.Compare(k.ordinals, after.Ordinals), cmp.Compare(k.composite, prefix(after.Prefix[:]))) <= 0
}

// full reports whether nothing more is to be found.
func (x *search) isFull() bool { return x.answers.More }

// spend counts rows looked at.
func (x *search) spend(rows int) error {
	before := x.budget
	x.budget -= rows
	switch {
	case x.budget < 0:
		return ErrTooBroad
	case before>>8 != x.budget>>8: // every 256 rows or so
		return x.ctx.Err()
	}
	return nil
}
