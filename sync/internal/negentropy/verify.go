package negentropy

import (
	"errors"
	"fmt"
)

// Verify compares what the tree says of its parts with its items. It calls each with every item's
// number and timestamp, in order, and stops at its first error.
func (t *Tree) Verify(each func(number uint32, timestamp uint64) error) error {
	if t.root.kind == noNode {
		if t.root != (child{}) {
			return fmt.Errorf("an empty tree counts %d", t.root.count)
		}
		return nil
	}
	v := verification{nodes: &t.nodes, each: each}
	if _, err := v.node(&t.root); err != nil {
		return err
	}
	if v.last.Item != t.last {
		return errors.New("the last item is another one")
	}
	return nil
}

// verification is a walk through a tree.
type verification struct {
	*nodes
	each func(number uint32, timestamp uint64) error
	any  bool
	last entry // the one before
}

// node verifies a node and returns the number of branches above its leaves.
func (v *verification) node(c *child) (depth int, err error) {
	have := child{first: c.first, kind: c.kind, at: c.at}
	if v.any && v.compare(&v.last, c.first) >= 0 {
		return 0, errors.New("a node does not begin after the one before")
	}
	if c.kind == isLeaf {
		err = v.leafOf(c, &have)
	} else {
		depth, err = v.branchOf(c, &have)
	}
	switch {
	case err != nil:
		return 0, err
	case have.count == 0:
		return 0, errors.New("a node is empty")
	case have.count != c.count || have.sum != c.sum:
		return 0, fmt.Errorf("a node counts %d and holds %d, or the sum is wrong", c.count, have.count)
	}
	return depth, nil
}

func (v *verification) leafOf(c, have *child) error {
	l := v.leaf(c)
	if l.n > leafSize {
		return fmt.Errorf("a leaf holds %d items", l.n)
	}
	for i := range int(l.n) {
		r := l.at(i)
		if i > 0 || v.any {
			if v.compare(&v.last, r) >= 0 {
				return errors.New("items are out of order")
			}
		}
		v.last, v.any = entry{Item{r.timestamp, *v.ids.ID(r.number)}, r.number}, true
		if i == 0 && v.compare(&v.last, c.first) < 0 {
			return errors.New("a node begins before what its branch says")
		}
		id := sumOf(&v.last.ID)
		have.sum.add(&id)
		have.count++
		if err := v.each(r.number, r.timestamp); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) branchOf(c, have *child) (depth int, err error) {
	b := v.branch(c)
	if b.n > branchSize {
		return 0, fmt.Errorf("a branch has %d children", b.n)
	}
	for i := range b.n {
		sub := &b.children[i]
		below, err := v.node(sub)
		if err != nil {
			return 0, err
		}
		if i > 0 && below+1 != depth {
			return 0, errors.New("leaves lie at several depths")
		}
		depth = below + 1
		have.count += sub.count
		have.sum.add(&sub.sum)
	}
	return depth, nil
}
