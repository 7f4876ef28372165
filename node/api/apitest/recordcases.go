package apitest

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// recordsOfOwner lists what an owner wrote, in pages of several sizes.
func (f *fixture) recordsOfOwner() {
	var made []*api.Submitted
	for i := range 7 {
		made = append(made, f.set("value", "r#"+strconv.Itoa(i)))
	}
	deleted, err := f.service.Set(f.ctx, api.SetRequest{Selectors: api.MustSelectors(f.expression("r#3")), Type: api.SetDelete})
	if err != nil {
		f.Fatal(err)
	}
	made = append(made, deleted)
	other := f.compose("r", "another owner's", nil)
	if _, err := f.service.Submit(f.ctx, other.EncodeFrame()); err != nil {
		f.Fatal(err)
	}
	slices.Reverse(made)
	for _, limit := range []int{0, 1, 3, 1000} {
		if all := f.allRecords(made[0].Owner, limit); len(all) < len(made) || !slices.EqualFunc(all[:len(made)], made, func(r api.ListedRecord, m *api.Submitted) bool { return r.ID == m.ID && r.Owner == m.Owner }) {
			f.Fatalf("limit %d: %d records: %+v", limit, len(all), all)
		}
	}
	if all := f.allRecords(other.Owner, 0); len(all) != 1 || all[0].ID != other.ID() {
		f.Fatalf("another owner's: %+v", all)
	}
	if all := f.allRecords(protocol.Owner{1}, 0); len(all) != 0 {
		f.Fatalf("nobody's: %+v", all)
	}
	for _, bad := range []api.Page{{Limit: -1}, {Limit: 1001}, {After: other.ID().String()}, {After: "AAAA"},
		{After: (&api.RecordsQuery{Owner: other.Owner}).Cursor(api.RecordPosition{Timestamp: other.Timestamp})}} {
		_, err := f.service.Records(f.ctx, api.RecordsQuery{Owner: made[0].Owner, Page: bad})
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
}

// allRecords follows the pages of an owner's records, and checks each record that has a frame.
func (f *fixture) allRecords(owner protocol.Owner, limit int) (all []api.ListedRecord) {
	for q := (api.RecordsQuery{Owner: owner, Page: api.Page{Limit: limit}}); ; {
		page, err := f.service.Records(f.ctx, q)
		if err != nil || page.Records == nil || len(page.Records) > q.Count() {
			f.Fatalf("page %+v, %v", page, err)
		}
		if q.Frames = !q.Frames; !q.Frames {
			for i := range page.Records {
				f.checkInfo(&page.Records[i].RecordInfo)
			}
		} else if slices.ContainsFunc(page.Records, func(r api.ListedRecord) bool { return r.Frame != nil }) {
			f.Fatal("frames that nobody asked for")
		}
		if all = append(all, page.Records...); page.Next == "" {
			return all
		}
		q.After = page.Next
	}
}
