package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// recordsNode answers a question for an owner's records with pages that a test made.
type recordsNode struct {
	*fakeNode
	pages []*api.RecordList
	asked []api.RecordsQuery
}

func (f *recordsNode) Records(_ context.Context, q api.RecordsQuery) (*api.RecordList, error) {
	f.asked = append(f.asked, q)
	return f.pages[min(len(f.asked), len(f.pages))-1], nil
}

// listed shows a record as a node lists it.
func listed(r *protocol.Record) api.ListedRecord {
	return api.ListedRecord{RecordInfo: api.RecordInfo{
		ID: r.ID(), Type: r.Type.String(), Owner: r.Owner, Timestamp: r.Timestamp, Links: r.Links, Effort: r.Effort(),
		State: api.StateAttached, Index: 9, Frame: r.EncodeFrame(),
	}}
}

// TestOwnerRecords follows the pages of honest nodes, and does not believe the others. A node
// cannot make the client go on forever either.
func TestOwnerRecords(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	type pages = func(r func(at uint64) api.ListedRecord, f *fakeNode) []*api.RecordList
	page := func(next string, records ...api.ListedRecord) *api.RecordList {
		return &api.RecordList{Records: records, Next: next}
	}
	for name, test := range map[string]struct {
		want string // in the error; none: it is honest
		args []string
		tell pages
	}{
		"two pages": {tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			newest := r(3)
			return []*api.RecordList{page("next", newest), page("", r(2), r(1))}
		}},
		"equal times": {tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			return []*api.RecordList{page("", r(2), r(2))}
		}},
		"a damaged record": {tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			damaged := r(2)
			damaged.Frame, damaged.Error = nil, api.ErrorDamaged
			return []*api.RecordList{page("", r(3), damaged)}
		}},
		"another owner's": {want: "it is one of owner", tell: func(r func(uint64) api.ListedRecord, f *fakeNode) []*api.RecordList {
			return []*api.RecordList{page("", r(3), listed(f.forge(t, protocol.Draft{Value: []byte("x"), Timestamp: clock() - 1000}, "a")))}
		}},
		"another ID": {want: "it is baf", tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			a, b := r(3), r(2)
			b.ID = protocol.ID{1}
			return []*api.RecordList{page("", a, b)}
		}},
		"no frame": {want: "frame", tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			a := r(3)
			a.Frame = nil
			return []*api.RecordList{page("", a)}
		}},
		"out of order": {want: "newer than the one before", tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			return []*api.RecordList{page("", r(2), r(3))}
		}},
		"the same page again": {want: "it came before", tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			a := r(2)
			return []*api.RecordList{page("next", a)}
		}},
		"empty pages": {want: "a page without records", tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			a := r(2)
			return []*api.RecordList{page("next", a), page("next")}
		}},
		"more than asked": {want: "2 records, asked for 1", args: []string{"--limit", "1"}, tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			return []*api.RecordList{page("", r(3), r(2))}
		}},
		"damaged without end": {want: "it came before", tell: func(r func(uint64) api.ListedRecord, _ *fakeNode) []*api.RecordList {
			a := r(2)
			a.Frame, a.Error = nil, api.ErrorDamaged
			return []*api.RecordList{page("next", a)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &recordsNode{}
			f.fakeNode = serveFakeNode(t, nil, func(fake *fakeNode) api.Service { f.fakeNode = fake; return f })
			from := clock() - 10_000
			f.pages = test.tell(func(at uint64) api.ListedRecord {
				return listed(f.forgeAs(t, key, protocol.Draft{Value: []byte(rand.Text()), Timestamp: from + at}, "a"))
			}, f.fakeNode)
			o := lfRun(t, "", append([]string{"--home", f.home, "owner", "records", protocol.OwnerOf(key).String(), "--jsonl"}, test.args...)...)
			if test.want != "" {
				if o.code != exitFailed || strings.Count(o.stderr, "\n") != 1 || !strings.Contains(o.stderr, test.want) || !strings.Contains(o.stderr, "answered falsely") {
					t.Fatalf("exit code %d, stderr %q, which should speak of %q", o.code, o.stderr, test.want)
				}
				return
			}
			records := 0
			for i, p := range f.pages {
				records += len(p.Records)
				if i > 0 && f.asked[i].After != f.pages[i-1].Next {
					t.Errorf("page %d asked for with %+v", i, f.asked[i])
				}
			}
			if o.code != 0 || strings.Count(o.stdout, "\n") != records {
				t.Fatalf("exit code %d, %s: %q, want %d records", o.code, o.stderr, o.stdout, records)
			}
			if table := lfRun(t, "", "--home", f.home, "owner", "records", protocol.OwnerOf(key).String()); name == "a damaged record" && !strings.Contains(fmt.Sprint(table.stdout), "(damaged)") {
				t.Errorf("the table: %q", table.stdout)
			}
		})
	}
}
