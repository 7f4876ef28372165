package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/blocks"
	"github.com/lf-store/lf/store/internal/dag"
)

// parents returns the places of a record's links, or those that are not attached.
func (t *tx) parents(links []protocol.ID) (parents []place, missing []protocol.ID, err error) {
	parents = make([]place, 0, len(links))
	for _, id := range links {
		at, found, err := t.find(id)
		switch {
		case err != nil:
			return nil, nil, err
		case found:
			parents = append(parents, at)
		default:
			missing = append(missing, id)
		}
	}
	return parents, missing, nil
}

func parentsOf(places []place) []dag.Index {
	indices := make([]dag.Index, len(places))
	for i, p := range places {
		indices[i] = dag.Index(p.idx)
	}
	return indices
}

// checkLinked applies the rules that need the record's past, and returns where in the graph it
// belongs. Where it breaks one, the error is a [*protocol.InvalidError]; any other is the
// database's.
func (t *tx) checkLinked(e *entry, parents []place) (dag.Placement, error) {
	var newest int64
	for _, p := range parents {
		newest = max(newest, p.timestamp)
	}
	if err := protocol.CheckLinked(&e.Header, uint64(newest)); err != nil {
		if err := t.checkNewest(e, parents); err != nil { // nobody is blamed for what this disk did
			return dag.Placement{}, err
		}
	}
	where, err := t.dag.Place(parentsOf(parents))
	if err != nil {
		return where, tooWide(err)
	}
	return where, t.checkCertificate(e, parents)
}

// checkNewest applies the rule of timestamps to those in the links' own headers.
func (t *tx) checkNewest(e *entry, parents []place) error {
	var newest uint64
	for _, p := range parents {
		r, err := headerOf(t.frame(p.idx))
		if err != nil {
			return err
		}
		newest = max(newest, r.Timestamp)
	}
	return protocol.CheckLinked(&e.Header, newest)
}

// tooWide turns the graph's word for a mergeset over the bound into the protocol's.
func tooWide(err error) error {
	var wide *dag.WideError
	if errors.As(err, &wide) {
		return protocol.CheckMergeset(protocol.MaxMergeset + 1)
	}
	return err
}

func isInvalid(err error) bool {
	var invalid *protocol.InvalidError
	return errors.As(err, &invalid)
}

// attach attaches a record that is known to belong here, without the records that wait for it.
func (t *tx) attach(e *entry) (place, error) {
	parents, _, err := t.parents(e.Links)
	if err != nil {
		return place{}, err
	}
	where, err := t.dag.Place(parentsOf(parents))
	if err != nil {
		return place{}, err
	}
	return t.attachAt(e, parents, where)
}

// attachAt attaches a record at its place in the graph. The functions called from here find the
// record in the graph, in the blocks, and in the runs. From addVersion on it is
// among the versions too.
func (t *tx) attachAt(e *entry, parents []place, where dag.Placement) (place, error) {
	t.meta.attached++
	at := place{t.meta.attached, int64(e.Timestamp)}
	id := e.ID()
	if e.seen == 0 {
		e.seen = t.see()
	}
	node := dag.Record{Parents: parentsOf(parents), Work: workOf(e.Record), Placement: where}
	if have := t.dag.Add(node.Parents, where, node.Work); int64(have) != at.idx {
		return at, fmt.Errorf("the graph counts %d records, the database %d", have, at.idx)
	}
	row, err := t.pack(make([]byte, 0, packedRoom), at.idx, e.Record, parents)
	if err != nil {
		return at, err
	}
	end := len(row)
	row = appendNode(row, at.idx, node)
	if err := t.appendRecord(at.idx, row[:end:end], e.ValueBytes(), &blocks.Node{
		ID: id, Sum: checksum(at.idx, id, at.timestamp), Timestamp: at.timestamp, Seen: e.seen, Place: row[end:],
	}); err != nil {
		return at, err
	}
	t.addRows(at.idx, e)
	if err := t.addVersion(e, at); err != nil {
		return at, err
	}
	if err := t.linkClaims(e, parents); err != nil {
		return at, err
	}
	if err := t.linkRoots(parents); err != nil {
		return at, err
	}
	if err := t.indexTrust(e, at); err != nil {
		return at, err
	}
	if err := t.moveTips(e, at, parents); err != nil {
		return at, err
	}
	t.store.recent.Add(id, at)
	t.attached = append(t.attached, Item{ID: id, Timestamp: e.Timestamp, Index: uint64(at.idx)})
	t.noteChange(e, at)
	return at, nil
}

// indexTrust keeps what claims are ranked by: roots, first sights, certificates, revocations and
// words. It is called when the record is in all other tables and in the graph.
func (t *tx) indexTrust(e *entry, at place) error {
	switch e.Type {
	case protocol.TypeDatum, protocol.TypeRelease:
		if err := t.indexVersion(e, at); err != nil {
			return err
		}
		return t.keepClaim(e, at)
	case protocol.TypeCommentary:
		return t.indexWords(e, at)
	case protocol.TypeCertificate:
		return t.indexCertificate(e, at)
	case protocol.TypeRevocation:
		return t.indexRevocation(e, at)
	}
	return nil
}

// moveTips makes a new record a tip in place of its parents.
func (t *tx) moveTips(e *entry, at place, parents []place) error {
	for _, p := range parents {
		if err := t.dropTip(p); err != nil {
			return err
		}
	}
	reputable := int64(1)
	if e.Type == protocol.TypeDatum {
		first, err := t.isReputable(e, at)
		if err != nil {
			return err
		}
		if !first {
			reputable = 0
			t.meta.disreputable++
		}
	}
	t.meta.tips++
	t.newTips[at.idx] = tip{reputable, t.past(at.idx), at.timestamp}
	return nil
}

// writeTips inserts the tips that are left of those that the batch made.
func (t *tx) writeTips() error {
	for _, idx := range slices.Sorted(maps.Keys(t.newTips)) {
		tip := t.newTips[idx]
		if err := t.insertLater(intoTips, tip.reputable, tip.past, idx, tip.timestamp); err != nil {
			return err
		}
	}
	return nil
}

// dropTip takes a record off the tips if it is one, most often a reputable one.
func (t *tx) dropTip(p place) error {
	if tip, ok := t.newTips[p.idx]; ok {
		delete(t.newTips, p.idx)
		t.meta.tips--
		t.meta.disreputable -= 1 - tip.reputable
	}
	if p.idx > t.was.attached {
		return nil // nor was it a tip before
	}
	past := t.past(p.idx)
	n, err := t.exec("DELETE FROM tips WHERE reputable = 1 AND past = ? AND idx = ?", past, p.idx)
	if err == nil && n == 0 && t.meta.disreputable > 0 {
		n, err = t.exec("DELETE FROM tips WHERE reputable = 0 AND past = ? AND idx = ?", past, p.idx)
		t.meta.disreputable -= n
	}
	t.meta.tips -= n
	return err
}

// addVersion makes a datum or release visible to queries.
func (t *tx) addVersion(e *entry, at place) error {
	if len(e.rows) == 0 {
		return nil
	}
	e.alone = t.absences.unclaimed[e.composite]
	delete(t.absences.unclaimed, e.composite)
	owner, err := t.ownerNumber(e.Owner)
	if err != nil {
		return err
	}
	t.insertVersion(e.version(owner, at.idx))
	return nil
}

// ownerNumber returns the number of an owner, a new one for a new owner.
func (t *tx) ownerNumber(o protocol.Owner) (int64, error) {
	if n, ok := t.store.owners.Get(o); ok {
		return n, nil
	}
	n, err := t.conn.ownerNumber(o)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		t.meta.owners++
		n = t.meta.owners
		if err := t.insertLater(intoOwners, o[:], n); err != nil {
			return 0, err
		}
	}
	t.store.owners.Add(o, n)
	return n, nil
}

// ownerNumber returns the number of an owner, 0 for one without versions.
func (c *conn) ownerNumber(o protocol.Owner) (int64, error) {
	return c.number("SELECT number FROM owners WHERE owner = ?", o[:])
}

// attachPending attaches a pending record whose links are now all attached. Should its past make it
// invalid, it is dropped with all that waits for it, and the ID returned is zero.
func (t *tx) attachPending(seq int64) (protocol.ID, error) {
	p, found, err := t.takePending(seq)
	if err != nil || !found {
		return protocol.ID{}, err
	}
	if p.record == nil {
		t.meta.droppedPending++
		return protocol.ID{}, t.want(p.id)
	}
	t.told += len(p.record.Links)
	e := newEntry(p.record)
	e.seen = p.seen
	parents, missing, err := t.parents(e.Links)
	if err != nil {
		return protocol.ID{}, err
	}
	if len(missing) > 0 { // the disk damaged what it waits for
		t.forgetDamaged(p.id)
		t.meta.droppedPending++
		return protocol.ID{}, t.want(p.id)
	}
	where, err := t.checkLinked(e, parents)
	switch {
	case isInvalid(err):
		t.meta.droppedPending++
		return protocol.ID{}, t.drop(e.ID())
	case err != nil:
		return protocol.ID{}, err
	}
	_, err = t.attachAt(e, parents, where)
	return e.ID(), err
}
