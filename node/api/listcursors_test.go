package api_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// TestListCursors: the cursor of a list leads back to its place, in that list only.
func TestListCursors(t *testing.T) {
	t.Parallel()
	record := api.RecordPosition{Timestamp: protocol.MaxTimestamp, Prefix: [8]byte{1, 2, 255}}
	certificate := api.CertificatePosition{Until: 1 << 40, Chain: [16]byte{9, 255}}
	records := func(after string, owner byte) (api.RecordPosition, error) {
		p, err := (&api.RecordsQuery{Owner: protocol.Owner{owner}, Page: api.Page{After: after}}).Position()
		if err != nil {
			return api.RecordPosition{}, err
		}
		return *p, nil
	}
	certificates := func(after string, owner byte) (api.CertificatePosition, error) {
		p, err := (&api.OwnerQuery{Owner: protocol.Owner{owner}, Page: api.Page{After: after}}).Position()
		if err != nil {
			return api.CertificatePosition{}, err
		}
		return *p, nil
	}
	ofRecords := (&api.RecordsQuery{Owner: protocol.Owner{1}}).Cursor(record)
	ofCertificates := (&api.OwnerQuery{Owner: protocol.Owner{1}}).Cursor(certificate)
	ofPeers := api.PeerCursor("12D3KooW")
	if p, err := records(ofRecords, 1); err != nil || p != record {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := certificates(ofCertificates, 1); err != nil || p != certificate {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := api.PeerPosition(ofPeers); err != nil || p != "12D3KooW" {
		t.Errorf("%q, %v", p, err)
	}
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, api.ErrCursor) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, other := range []string{ofCertificates, ofPeers, "A", ofRecords + "AA", ofRecords[:len(ofRecords)-4], "B" + ofRecords[1:], strings.Repeat("A", 600)} {
		_, err := records(other, 1)
		refused("records: "+other, err)
	}
	for _, other := range []string{ofRecords, ofPeers, ofCertificates + "AA", ofCertificates[:len(ofCertificates)-4]} {
		_, err := certificates(other, 1)
		refused("certificates: "+other, err)
	}
	for _, other := range []string{ofRecords, ofCertificates, "AAAA", api.PeerCursor("")} {
		_, err := api.PeerPosition(other)
		refused("peers: "+other, err)
	}
	_, err := records(ofRecords, 2)
	refused("another owner's records", err)
	_, err = certificates(ofCertificates, 2)
	refused("another owner's certificates", err)
}

// manyPeers is a node with peers, which may list them falsely.
type manyPeers struct {
	ids   []string
	pages int
	lie   func(*api.PeerList)
}

func (m *manyPeers) Peers(_ context.Context, p api.Page) (*api.PeerList, error) {
	m.pages++
	after, err := api.PeerPosition(p.After)
	if err != nil {
		return nil, err
	}
	list := &api.PeerList{}
	for _, id := range m.ids {
		switch {
		case id <= after:
		case len(list.Peers) == 3:
			list.Next = api.PeerCursor(list.Peers[2].ID)
		default:
			list.Peers = append(list.Peers, api.Peer{ID: id})
		}
	}
	if m.lie != nil {
		m.lie(list)
	}
	return list, nil
}

// TestAllPeers follows the pages of a node's peers, and not those of one that never ends.
func TestAllPeers(t *testing.T) {
	t.Parallel()
	m := &manyPeers{}
	for i := range 10 {
		m.ids = append(m.ids, "peer "+strconv.Itoa(i))
	}
	all, err := api.AllPeers(t.Context(), m)
	if err != nil || m.pages != 4 || !slices.EqualFunc(all, m.ids, func(p api.Peer, id string) bool { return p.ID == id }) {
		t.Errorf("%v, %v, %d pages", all, err, m.pages)
	}
	for name, lie := range map[string]func(*api.PeerList){
		"the same page again": func(l *api.PeerList) { l.Next = api.PeerCursor("peer ") },
		"empty pages":         func(l *api.PeerList) { l.Peers, l.Next = nil, api.PeerCursor("peer 5") },
		"disorder":            func(l *api.PeerList) { slices.Reverse(l.Peers) },
	} {
		m.lie = lie
		if all, err := api.AllPeers(t.Context(), m); err == nil {
			t.Errorf("%s: %v", name, all)
		}
	}
}

// FuzzListCursors holds that a text is refused or is exactly the cursor of a place in a list.
func FuzzListCursors(f *testing.F) {
	owner, key := protocol.Owner{1}, protocol.SelectorKey{2}
	at := api.Query{Selectors: []api.SelectorRange{{Key: &key, From: 3, To: 3}}, History: true}
	of := protocol.CompositeOf([]protocol.SelectorPoint{{Key: key, Ordinal: 3}})
	f.Add((&api.RecordsQuery{Owner: owner}).Cursor(api.RecordPosition{Timestamp: 300, Prefix: [8]byte{1}}))
	f.Add((&api.OwnerQuery{Owner: owner}).Cursor(api.CertificatePosition{Until: 1 << 40, Chain: [16]byte{1}}))
	f.Add(api.HistoryCursor(of, api.HistoryPosition{Owner: owner, Timestamp: 300}))
	f.Add(api.PeerCursor("12D3KooW"))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		records := api.RecordsQuery{Owner: owner, Page: api.Page{After: text}}
		if p, err := records.Position(); err == nil && p != nil && records.Cursor(*p) != text {
			t.Errorf("%q is taken for %+v", text, p)
		}
		certificates := api.OwnerQuery{Owner: owner, Page: api.Page{After: text}}
		if p, err := certificates.Position(); err == nil && p != nil && certificates.Cursor(*p) != text {
			t.Errorf("%q is taken for %+v", text, p)
		}
		if peer, err := api.PeerPosition(text); err == nil && text != "" && api.PeerCursor(peer) != text {
			t.Errorf("%q is taken for %q", text, peer)
		}
		at := at
		at.HistoryAfter = text
		if p, err := at.HistoryPosition(); err == nil && p != nil && api.HistoryCursor(of, *p) != text {
			t.Errorf("%q is taken for %+v", text, p)
		}
	})
}
