package protocol_test

import (
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestVectorsRecords compares the vectors of records with the generator; with -update it writes
// them.
func TestVectorsRecords(t *testing.T) {
	t.Parallel()
	m := newVectorMaker(t)
	m.makeAccepted()
	m.makeRejected()
	m.makeHistories()
	names := map[string]bool{}
	for _, v := range m.accept {
		names[v.Name] = true
	}
	for _, v := range m.reject {
		names[v.Name] = true
	}
	if len(names) != len(m.accept)+len(m.reject) {
		t.Error("two vectors of one name")
	}
	current(t, "accept.json", m.accept)
	current(t, "reject.json", m.reject)
	current(t, "histories.json", m.histories)
	current(t, "work.json", m.book.used)
	t.Logf("%d accepted, %d refused", len(m.accept), len(m.reject))
}

// TestVectorsReject checks each refused frame, and that every rule has one.
func TestVectorsReject(t *testing.T) {
	t.Parallel()
	networks := vectorNetworks(t)
	seen := map[protocol.Rule]bool{}
	for _, v := range readVectors[[]rejectVector](t, "reject.json") {
		t.Run(v.Name, func(t *testing.T) {
			if r, err := check(networks[v.Network], v.Frame); ruleOf(err) != v.Rule {
				t.Errorf("want %q, have %v (%+v)", v.Rule, err, r)
			}
			seen[v.Rule] = true
		})
	}
	for _, rule := range []protocol.Rule{protocol.RuleSize, protocol.RuleEncoding, protocol.RuleVersion, protocol.RuleType,
		protocol.RuleTimestamp, protocol.RuleLinks, protocol.RuleSelectors, protocol.RuleValue, protocol.RuleEffort,
		protocol.RuleWork, protocol.RuleClaim, protocol.RuleSignature, protocol.RuleGenesis, protocol.RuleCertificate} {
		if !seen[rule] {
			t.Errorf("no vector for rule %q", rule)
		}
	}
}

// TestVectorsBatch holds single and batch verification to one verdict on all vectors together.
func TestVectorsBatch(t *testing.T) {
	t.Parallel()
	networks := vectorNetworks(t)
	batches := map[string][]*protocol.Record{}
	add := func(network string, frame []byte) {
		if r, err := protocol.DecodeFrame(frame); err == nil {
			batches[network] = append(batches[network], r)
		}
	}
	for _, v := range readVectors[[]acceptVector](t, "accept.json") {
		add(v.Network, v.Frame)
	}
	good := map[string][]*protocol.Record{}
	for network, records := range batches {
		good[network] = slices.Clone(records)
	}
	for _, v := range readVectors[[]rejectVector](t, "reject.json") {
		add(v.Network, v.Frame)
	}
	for _, batches := range []map[string][]*protocol.Record{good, batches} {
		for network, records := range batches {
			n := networks[network]
			for i, err := range n.CheckAuthorshipBatch(records) {
				if single := n.CheckAuthorship(records[i]); ruleOf(single) != ruleOf(err) || (single == nil) != (err == nil) {
					t.Errorf("%s: authorship: %v alone, %v in a batch", network, single, err)
				}
			}
			for i, err := range n.CheckBatch(records, verifyWork) {
				if single := n.Check(records[i], verifyWork); ruleOf(single) != ruleOf(err) || (single == nil) != (err == nil) {
					t.Errorf("%s: %v alone, %v in a batch", network, single, err)
				}
			}
		}
	}
}
