package lf

import (
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// maxChecked is how many records a client remembers as checked, maxCheckedFrame how long the
	// frame of one may be, in bytes. Together they bound the memory to 16 MiB.
	maxChecked, maxCheckedFrame = 2048, 8 << 10
	// checkedAtOnce is how many records are checked in one batch, which halves the cost.
	checkedAtOnce = 128
)

// checkedRecords remembers records whose signatures and value were checked. Two verifications of
// Ed25519 are most of what a get costs, and the verdict on the same bytes never changes. A record
// is found by the hash of its whole frame: another value, signature or claim is another frame. What
// depends on the question (key, owner, time, type) is checked with each answer.
//
// It is safe for concurrent use.
type checkedRecords struct {
	network *protocol.Network
	known   *lru.Cache[[sha256.Size]byte, *protocol.Record]
}

func newCheckedRecords(n *protocol.Network) *checkedRecords {
	known, err := lru.New[[sha256.Size]byte, *protocol.Record](maxChecked)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return &checkedRecords{network: n, known: known}
}

// read returns the record in a frame, checked by itself. Its value is its own, somebody with the
// names made its claims, and its owner signed it. With an error about a record that could be
// decoded it returns that record too.
func (c *checkedRecords) read(frame []byte) (*protocol.Record, error) {
	hash := protocol.FrameHash(frame)
	if r, ok := c.known.Get(hash); ok {
		return r, nil
	}
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		return nil, err
	}
	if err := c.network.CheckAuthorship(r); err != nil {
		return r, err
	}
	c.remember(frame, r)
	return r, nil
}

// remember takes a record for checked. It is called for those that this client has signed, too.
func (c *checkedRecords) remember(frame []byte, r *protocol.Record) {
	if len(frame) <= maxCheckedFrame {
		c.known.Add(protocol.FrameHash(frame), r)
	}
}

// checkAhead checks the records of an answer in batches, so that [checkedRecords.read] finds them.
// What is wrong with one of them is for read to say.
func (c *checkedRecords) checkAhead(result *api.QueryResult) {
	if len(result.Answers) < 2 && (len(result.Answers) == 0 || len(result.Answers[0].History)+len(result.Answers[0].Others) == 0) {
		return // a batch of one record costs no less
	}
	b := batch{checkedRecords: c}
	for i := range result.Answers {
		a := &result.Answers[i]
		b.add(a.Frame)
		for _, versions := range [][]api.Version{a.History, a.Others} {
			for j := range versions {
				b.add(versions[j].Frame)
			}
		}
	}
	b.check()
}

// batch is records that are checked at once.
type batch struct {
	*checkedRecords
	records []*protocol.Record
	hashes  [][sha256.Size]byte
	added   int
}

// add adds a record that is not known yet, as long as what is checked stays remembered.
func (b *batch) add(frame []byte) {
	hash := protocol.FrameHash(frame)
	if b.added == maxChecked || len(frame) > maxCheckedFrame || b.known.Contains(hash) {
		return
	}
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		return
	}
	b.records, b.hashes, b.added = append(b.records, r), append(b.hashes, hash), b.added+1
	if len(b.records) == checkedAtOnce {
		b.check()
	}
}

func (b *batch) check() {
	for i, err := range b.network.CheckAuthorshipBatch(b.records) {
		if err == nil {
			b.known.Add(b.hashes[i], b.records[i])
		}
	}
	b.records, b.hashes = b.records[:0], b.hashes[:0]
}
