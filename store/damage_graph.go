package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
	"github.com/lf-store/lf/store/internal/graph"
	"github.com/lf-store/lf/store/internal/packed"
)

// rebuildGraph builds the graph from the records' links, as it was when they attached, and rewrites
// the rows that say otherwise.
func (s *Store) rebuildGraph() error {
	s.dag = graph.Begin(s.graphConfig())
	s.writer.dag = s.dag
	if _, err := s.writer.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	t := s.newTx()
	err := t.loadMeta()
	if err == nil {
		err = t.rebuildNodes()
	}
	if version, failed := t.number("PRAGMA user_version"); err == nil && failed == nil && version >= claimsVersion {
		if err = t.rebuildClaims(); err == nil && version >= leadsVersion {
			err = t.resetLeads()
		}
	}
	if err == nil {
		err = t.commit()
	}
	if err != nil {
		t.rollback()
	}
	return err
}

func (t *tx) rebuildNodes() error {
	logged := time.Now()
	for idx := int64(1); idx <= t.meta.attached; idx++ {
		if err := t.rebuildNode(idx); err != nil {
			return err
		}
		if time.Since(logged) > progressEvery {
			logged = time.Now()
			t.logProgress(idx)
		}
	}
	return nil
}

// rebuildNode adds a record to the graph. Where its header is damaged its place as it is stored has
// to say what it links.
func (t *tx) rebuildNode(idx int64) error {
	have, found, err := t.nodeAt(idx)
	if err == nil && !found {
		err = &NotADatabaseError{t.store.path, fmt.Sprintf("record %d is not in the graph", idx)}
	}
	if err != nil {
		return err
	}
	node, err := t.linksOf(idx, have)
	if err != nil {
		return err
	}
	if node.Placement, err = t.dag.Place(node.Parents); err != nil {
		return &NotADatabaseError{t.store.path, fmt.Sprintf("record %d is not where its links say: %v", idx, err)}
	}
	t.dag.Add(node.Parents, node.Placement, node.Work)
	want := appendNode(nil, idx, node)
	if sameNode(idx, have, want) {
		return nil
	}
	t.changes.Repaired = true
	t.damage.mend(idx, "a row of the graph")
	return t.setPlace(idx, want)
}

func (t *tx) linksOf(idx int64, have []byte) (node dag.Record, err error) {
	r, err := headerOf(t.frame(idx))
	switch {
	case asDamaged(err) != nil:
		if readNode(&node, idx, have) != nil {
			return t.likelyLinks(idx)
		}
		return node, nil
	case err != nil:
		return node, err
	}
	node.Work = workOf(r)
	node.Parents, err = t.parentIndices(idx, r)
	return node, err
}

// likelyLinks is for a record that is damaged like its place in the graph. Its links are those in
// its header, if they can be, or the record before it. When it is repaired the scrub compares them.
func (t *tx) likelyLinks(idx int64) (node dag.Record, err error) {
	s, _, err := t.stored(idx)
	if err != nil {
		return node, err
	}
	node.Work = 1
	if back, effort, err := packed.Row(s.header).Place(); packed.IsPacked(s.header) && err == nil {
		node.Work = max(1, uint64(effort))
		for _, d := range back {
			if d < 1 || d >= uint64(idx) {
				continue
			}
			if p := dag.Index(idx - int64(d)); !slices.Contains(node.Parents, p) {
				node.Parents = append(node.Parents, p)
			}
		}
	}
	if _, err := t.dag.Place(node.Parents); (err != nil || len(node.Parents) == 0) && idx > 1 {
		node.Parents = []dag.Index{dag.Index(idx - 1)}
	}
	return node, nil
}

var errLink = errors.New("a record's link leads to no attached record before it")

// parentIndices are the indices of the links of a record that was verified. A packed header has
// them: the record would be another one with others.
func (c *conn) parentIndices(idx int64, r *protocol.Record) (parents []dag.Index, err error) {
	s, _, err := c.stored(idx)
	if err != nil {
		return nil, err
	}
	if packed.IsPacked(s.header) {
		if back, _, err := packed.Row(s.header).Place(); err == nil && len(back) == len(r.Links) {
			for _, d := range back {
				parents = append(parents, dag.Index(idx-int64(d)))
			}
			return parents, nil
		}
	}
	for _, link := range r.Links {
		at, err := c.index(link)
		if err != nil {
			return nil, err
		}
		if at == 0 || at >= idx {
			return nil, fmt.Errorf("record %d: %w", idx, errLink)
		}
		parents = append(parents, dag.Index(at))
	}
	return parents, nil
}

// reloadGraph reads the graph again, after a row of it was rewritten. Readers that are at work go
// on with the old one until they are done; it is right but for what was damaged.
func (t *tx) reloadGraph() error {
	if err := t.dag.Replace(t.nodes(0, t.dag.Len())); err != nil {
		return err
	}
	if err := t.resetLeads(); err != nil {
		return err
	}
	return t.rebuildClaims()
}
