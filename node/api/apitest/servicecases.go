package apitest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

func (f *fixture) status() {
	s, err := f.service.Status(f.ctx)
	if err != nil {
		f.Fatal(err)
	}
	if s.Network.ID != f.network.ID() || s.Network.Parameters.MinLinks != f.network.Params().MinLinks {
		f.Fatalf("status is of network %s, want %s", s.Network.ID, f.network.ID())
	}
	if s.Version == "" || s.Started.IsZero() || s.Storage.Attached < uint64(len(f.network.Genesis())) {
		f.Fatalf("status lacks something: %+v", s)
	}
	if s.Trust.Policy.Check() != nil || s.Trust.Oracles == nil || s.Trust.Authorities == nil || s.Trust.AuthRequired {
		f.Fatalf("status of trust: %+v", s.Trust)
	}
	if f.proxy {
		f.statusOfProxy(s)
		return
	}
	if s.Storage.Bytes == 0 {
		f.Fatal("a database of no size")
	}
	if _, err := protocol.ParseOwner(s.Peer); err != nil {
		f.Fatal(err)
	}
	if peers, err := f.service.Peers(f.ctx, api.Page{}); err != nil || peers.Peers == nil {
		f.Fatalf("peers %v, %v: want a list", peers, err)
	}
	f.seeds()
}

// statusOfProxy wants the nodes of a proxy, which has no peers.
func (f *fixture) statusOfProxy(s *api.Status) {
	if len(s.Nodes) == 0 || s.Nodes[0].State != api.NodeSynced && s.Nodes[0].State != api.NodeUnsynced || s.Peer != "" || s.Storage.Bytes != 0 {
		f.Fatalf("status of a proxy: %+v", s)
	}
	_, noPeers := f.service.Peers(f.ctx, api.Page{})
	_, noSeeds := f.service.Seeds(f.ctx)
	f.wantStatus(noPeers, http.StatusConflict)
	f.wantStatus(noSeeds, http.StatusConflict)
}

func (f *fixture) seeds() {
	s, err := f.service.Seeds(f.ctx)
	if err != nil || s.Seeds == nil || s.Known < 0 || s.Rendezvous.On != (s.Rendezvous.Why == "") {
		f.Fatalf("seeds %+v, %v", s, err)
	}
	for _, p := range s.Seeds {
		if p.Peer == "" || len(p.Addresses) == 0 || p.State == "" || strings.ContainsAny(p.Error, "\n\r") {
			f.Fatalf("seed %+v", p)
		}
	}
}

// doctor wants findings that are of use: one for each area, with advice where something is not as
// it should be.
func (f *fixture) doctor() {
	c, err := f.service.Doctor(f.ctx)
	if err != nil {
		f.Fatal(err)
	}
	if len(c.Findings) == 0 {
		f.Fatal("nothing is found")
	}
	healthy, areas := true, map[string]bool{}
	for _, d := range c.Findings {
		known := slices.Contains([]string{api.FindingOK, api.FindingNote, api.FindingWarning, api.FindingFailure}, d.State)
		if !known || d.Area == "" || d.Text == "" || areas[d.Area] || (d.Advice == "") != (d.State == api.FindingOK) {
			f.Errorf("finding %+v", d)
		}
		healthy, areas[d.Area] = healthy && d.State != api.FindingFailure, true
	}
	if c.Healthy != healthy {
		f.Errorf("healthy: %t, with %+v", c.Healthy, c.Findings)
	}
	f.facts(&c.Facts)
}

// facts holds a doctor's facts against the status; a list is never nil.
func (f *fixture) facts(facts *api.Facts) {
	status, err := f.service.Status(f.ctx)
	if err != nil {
		f.Fatal(err)
	}
	if facts.Network != f.network.Params().Name || facts.Profile != status.Profile || facts.Offline != status.Offline || facts.Now == 0 ||
		facts.Clock.DriftMS != f.network.Params().ClockDrift || (facts.Disk.Database > 0) == f.proxy || facts.Sync.Attached != status.Sync.Attached {
		f.Errorf("facts %+v", facts)
	}
	if facts.Listening == nil || facts.Dials == nil || facts.Banned.Peers == nil || facts.Reach.Transports == nil || facts.Relays == nil ||
		facts.Punches.Last == nil || facts.Drops == nil {
		f.Errorf("a list that is nil: %+v", facts)
	}
}

// synced wants an answer, or an error that tells how far the service is, in time.
func (f *fixture) synced() {
	begin := time.Now()
	s, err := f.service.Synced(f.ctx, 50*time.Millisecond)
	if took := time.Since(begin); took > 10*time.Second {
		f.Fatalf("waited for %s", took)
	}
	var e *api.Error
	if errors.As(err, &e) {
		s = e.Sync
	}
	if s == nil {
		f.Fatalf("synced: %v without a status", err)
	}
	status, failed := f.service.Status(f.ctx)
	if failed != nil {
		f.Fatal(failed)
	}
	if s.Attached != status.Sync.Attached || s.Attached != status.Storage.Attached || (s.Fingerprint != status.Sync.Fingerprint && s.Fingerprint != "") {
		f.Fatalf("synced says %+v, status %+v", s, status.Sync)
	}
	switch {
	case err == nil && (s.State != api.SyncSynced || s.Peers == 0 || s.Agreeing == 0 || s.AgreedAt == 0):
		f.Fatalf("in sync, with %+v", s)
	case s.State == api.SyncOffline:
		f.wantStatus(err, http.StatusConflict)
	case err != nil:
		f.wantStatus(err, http.StatusGatewayTimeout)
	}
	for _, wrong := range []time.Duration{-time.Second, api.MaxTimeout + time.Second} {
		_, err := f.service.Synced(f.ctx, wrong)
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
}

func (f *fixture) links() {
	for range 3 {
		f.set("x", "links")
	}
	for _, count := range []int{0, 1, int(f.network.Params().MinLinks) + 1} {
		l, err := f.service.Links(f.ctx, api.LinksQuery{Count: count})
		if err != nil {
			f.Fatal(err)
		}
		if len(l.Links) < max(count, int(f.network.Params().MinLinks)) || l.Now == 0 || l.Timestamp == 0 {
			f.Fatalf("asked for %d links: %+v", count, l)
		}
		for i, id := range l.Links {
			info, err := f.service.Record(f.ctx, id)
			if err != nil || info.State != api.StateAttached || info.Timestamp > l.Timestamp || slices.Contains(l.Links[:i], id) {
				f.Fatalf("link %s: %+v, %v", id, info, err)
			}
		}
	}
	for _, count := range []int{-1, protocol.MaxLinks + 1} {
		if _, err := f.service.Links(f.ctx, api.LinksQuery{Count: count}); err == nil {
			f.Fatalf("%d links asked for, and no error", count)
		}
	}
}

// newestTold asks when the owner's newest record under a key was made.
func (f *fixture) newestTold() {
	key := f.newKey()
	newer := f.composeBy(key, "told", "new", nil)
	older := f.composeBy(key, "told", "old", func(d *protocol.Draft) { d.Links, d.Timestamp = newer.Links, newer.Timestamp-1 })
	owner, points := newer.Owner, []protocol.SelectorPoint{{Key: newer.Selectors[0].Key}}
	told := func(q api.LinksQuery) uint64 {
		f.Helper()
		l, err := f.service.Links(f.ctx, q)
		if err != nil || l.Newest == nil {
			f.Fatalf("%+v, %v", l, err)
		}
		return *l.Newest
	}
	asked := api.LinksQuery{Owner: &owner, Selectors: points}
	if at := told(asked); at != 0 {
		f.Fatalf("told %d before anything was written", at)
	}
	for _, r := range []*protocol.Record{newer, older, newer, older} {
		done, err := f.service.Submit(f.ctx, r.EncodeFrame())
		if err != nil || done.State != api.StateAttached || done.Superseded != (r == older) {
			f.Fatalf("%+v, %v", done, err)
		}
		if at := told(asked); at != newer.Timestamp {
			f.Fatalf("told %d, want %d", at, newer.Timestamp)
		}
	}
	if at := told(api.LinksQuery{Owner: &owner, Selectors: []protocol.SelectorPoint{{Key: points[0].Key, Ordinal: 8}}}); at != 0 {
		f.Fatalf("told %d of a key that has no record", at)
	}
	if at := told(api.LinksQuery{Owner: &protocol.Owner{1}, Selectors: points}); at != 0 {
		f.Fatalf("told %d of an owner who wrote nothing", at)
	}
	if l, err := f.service.Links(f.ctx, api.LinksQuery{Owner: &owner}); err != nil || l.Newest != nil {
		f.Fatalf("told unasked: %+v, %v", l, err)
	}
	for _, wrong := range []api.LinksQuery{
		{Selectors: points},
		{Owner: &owner, Selectors: make([]protocol.SelectorPoint, protocol.MaxSelectors+1)},
		{Owner: &owner, Selectors: []protocol.SelectorPoint{{Key: points[0].Key, Ordinal: protocol.MaxOrdinal + 1}}},
	} {
		_, err := f.service.Links(f.ctx, wrong)
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
}

func (f *fixture) setAndQuery() {
	made := f.set("Bad Horse, Bad Horse", "horse")
	f.set("He rides across the nation", "bad", "horse#2")
	result := f.query(nil, "horse")
	f.wantTexts(result, "Bad Horse, Bad Horse")
	a := result.Answers[0]
	if a.Record != made.ID || a.Owner != made.Owner || a.Time != made.Timestamp || a.Deleted || result.Next != "" {
		f.Fatalf("answer %+v, want record %+v", a, made)
	}
	f.wantTexts(f.query(nil, "bad", "horse#"), "He rides across the nation")
	f.wantTexts(f.query(nil, "horse#", "bad#"), "He rides across the nation")
	f.wantTexts(f.query(nil, "bad"))
}

func (f *fixture) queryByKey() {
	f.set("by key", "key#7")
	name, err := f.network.DeriveName(f.expression("key"))
	if err != nil {
		f.Fatal(err)
	}
	key := name.Selector()
	for _, decrypt := range []bool{false, true} {
		result, err := f.service.Query(f.ctx, api.Query{Selectors: []api.SelectorRange{{Key: &key, To: protocol.MaxOrdinal}}, Decrypt: decrypt, Frames: true})
		if err != nil || len(result.Answers) != 1 || result.Answers[0].Text != nil {
			f.Fatalf("%+v, %v: want one answer, which nobody can open", result, err)
		}
		r := f.checkVersion(&result.Answers[0].Version)
		if plain, err := f.network.Open(name.Mask(), r.SealingOf(), r.ValueBytes()); err != nil || string(plain) != "by key" {
			f.Fatalf("%q, %v", plain, err)
		}
	}
}

func (f *fixture) ordinals() {
	for _, ordinal := range []string{"10", "2", "9223372036854775807", "0"} {
		f.set("o"+ordinal, "n#"+ordinal)
	}
	f.wantTexts(f.query(nil, "n#"), "o0", "o2", "o10", "o9223372036854775807")
	f.wantTexts(f.query(nil, "n#2#10"), "o2", "o10")
	f.wantTexts(f.query(nil, "n#3#9"))
	result := f.query(nil, "n#9223372036854775807")
	f.wantTexts(result, "o9223372036854775807")
	if o := result.Answers[0].Ordinals; o[0] != math.MaxInt64 {
		f.Fatalf("ordinal %d", o[0])
	}
}

func (f *fixture) limit() {
	for _, ordinal := range []string{"1", "2", "3"} {
		f.set("o"+ordinal, "n#"+ordinal)
	}
	for limit, want := range map[int]int{1: 1, 2: 2, 3: 3, 4: 3, 0: 3} {
		result := f.query(func(q *api.Query) { q.Limit = limit }, "n#")
		if len(result.Answers) != want || (result.Next != "") != (want < 3) {
			f.Fatalf("limit %d: %d answers, next: %q", limit, len(result.Answers), result.Next)
		}
	}
}

func (f *fixture) openQuery() {
	f.set("alone", "a")
	f.set("with b", "a", "b#4")
	f.wantTexts(f.query(nil, "a"), "alone")
	result := f.query(func(q *api.Query) { q.Open = true }, "a")
	if len(result.Answers) != 2 {
		f.Fatalf("%d answers, want both", len(result.Answers))
	}
}

func (f *fixture) history() {
	first := f.set("one", "h")
	second := f.set("two", "h")
	f.set("three", "h")
	if a := f.query(nil, "h").Answers[0]; len(a.History) != 0 || textOf(&a.Version) != "three" {
		f.Fatalf("without history: %+v", a)
	}
	a := f.query(func(q *api.Query) { q.History = true }, "h").Answers[0]
	if len(a.History) != 2 || textOf(&a.History[0]) != "two" || textOf(&a.History[1]) != "one" {
		f.Fatalf("history: %+v", a)
	}
	f.wantTexts(f.query(func(q *api.Query) { q.Until = second.Timestamp }, "h"), "two")
	f.wantTexts(f.query(func(q *api.Query) { q.Until = second.Timestamp - 1 }, "h"), "one")
	f.wantTexts(f.query(func(q *api.Query) { q.Until = first.Timestamp - 1 }, "h"))
	f.wantTexts(f.query(func(q *api.Query) { q.Since = second.Timestamp }, "h"), "three")
	f.wantTexts(f.query(func(q *api.Query) { q.Since, q.Until = first.Timestamp, first.Timestamp }, "h"), "one")
}

// historyPages pages through more older versions than one answer lists.
func (f *fixture) historyPages() {
	const all = 105
	for i := range all {
		f.set(strconv.Itoa(i), "hp")
	}
	older := func(after string, change func(*api.Query)) *api.Answer {
		f.Helper()
		return &f.query(func(q *api.Query) {
			q.History, q.HistoryAfter = true, after
			if change != nil {
				change(q)
			}
		}, "hp").Answers[0]
	}
	a := older("", nil)
	want := all - 1
	for pages := 0; ; pages++ {
		for i := range a.History {
			if want--; textOf(&a.History[i]) != strconv.Itoa(want) {
				f.Fatalf("version %d: %q", want, textOf(&a.History[i]))
			}
		}
		if len(a.History) > api.MaxHistory || pages > 2 {
			f.Fatalf("page %d has %d versions", pages, len(a.History))
		}
		if a.HistoryNext == "" {
			break
		}
		a = older(a.HistoryNext, nil)
	}
	if want != 0 {
		f.Fatalf("%d versions are missing", want)
	}
	next := older("", nil).HistoryNext
	for _, bad := range []api.Query{
		{HistoryAfter: next}, {History: true, HistoryAfter: "AAAA"}, {History: true, HistoryAfter: next, Open: true},
		{History: true, HistoryAfter: next, Owners: []protocol.Owner{{1}}},
	} {
		bad.Selectors = api.MustSelectors(f.expression("hp"))
		_, err := f.service.Query(f.ctx, bad)
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
	for _, other := range []string{"hq", "hp#", "hp#1"} {
		_, err := f.service.Query(f.ctx, api.Query{Selectors: api.MustSelectors(f.expression(other)), History: true, HistoryAfter: next})
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
}

func (f *fixture) owners() {
	mine := f.set("mine", "o")
	other := f.compose("o", "other", func(d *protocol.Draft) { d.Timestamp = max(d.Timestamp, mine.Timestamp+1) })
	if _, err := f.service.Submit(f.ctx, other.EncodeFrame()); err != nil {
		f.Fatal(err)
	}
	by := func(owners ...protocol.Owner) func(*api.Query) {
		return func(q *api.Query) {
			q.Owners, q.History, q.Policy = owners, true, protocol.Policy{protocol.CriterionNewest}
		}
	}
	a := f.query(by(), "o").Answers[0]
	if a.Claims != 2 || len(a.Others) != 1 || textOf(&a.Version)+textOf(&a.Others[0]) != "othermine" {
		f.Fatalf("two claims: %d, the best %q, %d others", a.Claims, textOf(&a.Version), len(a.Others))
	}
	f.wantTexts(f.query(by(mine.Owner), "o"), "mine")
	f.wantTexts(f.query(by(mine.Owner, other.Owner), "o"), "other")
	f.wantTexts(f.query(by(protocol.Owner{1}), "o"))
}

func (f *fixture) deleteAndRelease() {
	f.set("here", "d")
	remove := api.SetRequest{Selectors: api.MustSelectors(f.expression("d")), Type: api.SetDelete}
	tombstone := f.request(remove)
	if again, err := f.service.Set(f.ctx, remove); err != nil || again.ID != tombstone.ID || !again.Known {
		f.Fatalf("deleted again: %+v, %v, after %+v", again, err, tombstone)
	}
	a := f.query(func(q *api.Query) { q.History = true }, "d").Answers
	if len(a) != 1 || !a[0].Deleted || a[0].Text != nil || a[0].Sealed || len(a[0].History) != 1 {
		f.Fatalf("deleted: %+v", a)
	}
	f.request(api.SetRequest{Selectors: api.MustSelectors(f.expression("d")), Type: api.SetRelease})
	f.wantTexts(f.query(nil, "d"))
	f.set("again", "d")
	f.wantTexts(f.query(nil, "d"), "again")
}

func (f *fixture) values() {
	for name, value := range map[string][]byte{
		"text": []byte("Bad Horse \u2028 <&> \"\\\x00"), "bytes": {0xff, 0, 0xfe}, "empty": {}, "long": bytes.Repeat([]byte("long "), 200),
	} {
		f.request(api.SetRequest{Selectors: api.MustSelectors(f.expression(name)), Value: value})
		info := f.query(nil, name).Answers[0].Version
		if name == "bytes" {
			if info.Text != nil || !bytes.Equal(info.Value, value) {
				f.Fatalf("%s: %+v", name, info)
			}
		} else if textOf(&info) != string(value) {
			f.Fatalf("%s: %q", name, textOf(&info))
		}
	}
	odd := `a hash \# and %23 & = + ; ünïcode "quoted"`
	f.set(odd, odd)
	f.wantTexts(f.query(nil, odd), odd)
}

func (f *fixture) maskingKey() {
	text := "hidden"
	f.request(api.SetRequest{Selectors: api.MustSelectors(f.expression("m")), Text: &text, MaskingKey: "open sesame"})
	f.wantTexts(f.query(func(q *api.Query) { q.MaskingKey = "open sesame" }, "m"), "hidden")
	f.wantTexts(f.query(func(q *api.Query) { q.MaskingKey = "open says me" }, "m"), "(sealed)")
	f.wantTexts(f.query(nil, "m"), "(sealed)")
	f.wantTexts(f.query(func(q *api.Query) { q.Decrypt = false }, "m"), "(none)")
}

func (f *fixture) record() {
	made := f.set("one record", "r")
	info, err := f.service.Record(f.ctx, made.ID)
	if err != nil {
		f.Fatal(err)
	}
	f.checkInfo(info)
	if info.ID != made.ID {
		f.Fatalf("record %+v, want %s", info, made.ID)
	}
	_, err = f.service.Record(f.ctx, protocol.ID{1})
	f.wantStatus(err, http.StatusNotFound)
}

func (f *fixture) submit() {
	r := f.compose("s", "submitted", nil)
	s, err := f.service.Submit(f.ctx, r.EncodeFrame())
	if err != nil || s.ID != r.ID() || s.Owner != r.Owner || s.Timestamp != r.Timestamp || s.State != api.StateAttached || s.Known {
		f.Fatalf("%+v, %v", s, err)
	}
	f.wantTexts(f.query(nil, "s"), "submitted")
	again, err := f.service.Submit(f.ctx, r.EncodeFrame())
	if err != nil || !again.Known || again.State != api.StateAttached || again.Index != s.Index || again.ID != s.ID {
		f.Fatalf("again: %+v, %v", again, err)
	}
}

func (f *fixture) submitPending() {
	parent := f.compose("p", "parent", nil)
	child := f.compose("c", "child", func(d *protocol.Draft) {
		d.Links[0], d.Timestamp = parent.ID(), max(d.Timestamp, parent.Timestamp)
	})
	for _, known := range []bool{false, true} {
		s, err := f.service.Submit(f.ctx, child.EncodeFrame())
		if err != nil || s.State != api.StatePending || s.Known != known || s.Index != 0 {
			f.Fatalf("child without its parent: %+v, %v", s, err)
		}
	}
	info, err := f.service.Record(f.ctx, child.ID())
	if err != nil || info.State != api.StatePending {
		f.Fatalf("%+v, %v", info, err)
	}
	f.wantTexts(f.query(nil, "c"))
	if _, err := f.service.Submit(f.ctx, parent.EncodeFrame()); err != nil {
		f.Fatal(err)
	}
	f.wantTexts(f.query(nil, "c"), "child")

	held := f.compose("held", "ahead", func(d *protocol.Draft) { d.Timestamp += f.network.Params().ClockDrift + 3600_000 })
	if s, err := f.service.Submit(f.ctx, held.EncodeFrame()); err != nil || s.State != api.StateHeld {
		f.Fatalf("a record from the future: %+v, %v", s, err)
	}
}

func (f *fixture) submitInvalid() {
	good := f.compose("i", "fine", nil).EncodeFrame()
	signature := bytes.Clone(good)
	signature[len(signature)/2] ^= 1
	value := bytes.Clone(good)
	value[len(value)-1] ^= 1
	for name, frame := range map[string][]byte{
		"empty": {}, "text": []byte("Bad Horse"), "truncated": good[:len(good)-1], "trailing": append(bytes.Clone(good), 0),
		"altered": signature, "altered value": value,
		"few links": f.compose("i", "x", func(d *protocol.Draft) { d.Links = d.Links[:1] }).EncodeFrame(),
	} {
		_, err := f.service.Submit(f.ctx, frame)
		var invalid *protocol.InvalidError
		if !errors.As(err, &invalid) || invalid.Rule == "" || invalid.Reason == "" {
			f.Fatalf("%s: %v, want the rule that is broken", name, err)
		}
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
}

func (f *fixture) nothingFound() {
	result := f.query(nil, "nobody ever wrote this")
	if len(result.Answers) != 0 || result.Next != "" {
		f.Fatalf("%+v", result)
	}
}

func (f *fixture) invalidQueries() {
	name := api.SelectorRange{Name: "n"}
	for reason, q := range map[string]api.Query{
		"no selector":       {},
		"16 selectors":      {Selectors: slices.Repeat([]api.SelectorRange{name}, 16)},
		"neither":           {Selectors: []api.SelectorRange{{}}},
		"both":              {Selectors: []api.SelectorRange{{Name: "n", Key: &protocol.SelectorKey{}}}},
		"ordinal":           {Selectors: []api.SelectorRange{{Name: "n", To: 1 << 63}}},
		"range":             {Selectors: []api.SelectorRange{{Name: "n", From: 2, To: 1}}},
		"long name":         {Selectors: []api.SelectorRange{{Name: strings.Repeat("n", protocol.MaxName+1)}}},
		"limit":             {Selectors: []api.SelectorRange{name}, Limit: api.MaxLimit + 1},
		"negative limit":    {Selectors: []api.SelectorRange{name}, Limit: -1},
		"time range":        {Selectors: []api.SelectorRange{name}, Since: 2, Until: 1},
		"time":              {Selectors: []api.SelectorRange{name}, Since: protocol.MaxTimestamp + 1},
		"65 owners":         {Selectors: []api.SelectorRange{name}, Owners: make([]protocol.Owner, api.MaxOwners+1)},
		"policy":            {Selectors: []api.SelectorRange{name}, Policy: protocol.Policy{"heaviest"}},
		"policy twice":      {Selectors: []api.SelectorRange{name}, Policy: protocol.Policy{"weight", "weight"}},
		"65 oracles":        {Selectors: []api.SelectorRange{name}, Oracles: slices.Repeat([]protocol.Owner{{7}}, api.MaxOracles+1)},
		"nobody's oracle":   {Selectors: []api.SelectorRange{name}, Oracles: []protocol.Owner{{}}},
		"17 authorities":    {Selectors: []api.SelectorRange{name}, Authorities: make([][]byte, api.MaxAuthorities+1)},
		"large authority":   {Selectors: []api.SelectorRange{name}, Authorities: [][]byte{make([]byte, api.MaxAuthority+1)}},
		"large masking key": {Selectors: []api.SelectorRange{name}, MaskingKey: strings.Repeat("m", api.MaxMaskingKey+1)},
	} {
		_, err := f.service.Query(f.ctx, q)
		if err == nil {
			f.Errorf("%s: no error", reason)
			continue
		}
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
}

func (f *fixture) invalidSets() {
	text, name := "x", api.MustSelectors("n")
	for reason, r := range map[string]api.SetRequest{
		"no selector":     {Text: &text},
		"a range":         {Selectors: api.MustSelectors("n#1#2"), Text: &text},
		"every ordinal":   {Selectors: api.MustSelectors("n#"), Text: &text},
		"an ordinal":      {Selectors: []api.SelectorRange{{Name: "n", From: 1 << 63, To: 1 << 63}}, Text: &text},
		"by key":          {Selectors: []api.SelectorRange{{Key: &protocol.SelectorKey{}}}, Text: &text},
		"twice":           {Selectors: api.MustSelectors("n#1", "n#1"), Text: &text},
		"empty name":      {Selectors: []api.SelectorRange{{}}, Text: &text},
		"16 selectors":    {Selectors: slices.Repeat(name, 16), Text: &text},
		"no value":        {Selectors: name},
		"two values":      {Selectors: name, Text: &text, Value: []byte("y")},
		"type":            {Selectors: name, Text: &text, Type: "upsert"},
		"delete a value":  {Selectors: name, Text: &text, Type: api.SetDelete},
		"release a value": {Selectors: name, Value: []byte("y"), Type: api.SetRelease},
		"large value":     {Selectors: name, Value: make([]byte, protocol.MaxPlaintext+1)},
		"long":            {Selectors: name, Text: ptr(incompressible(int(f.network.Params().MaxValue) + 1))},
	} {
		_, err := f.service.Set(f.ctx, r)
		if err == nil {
			f.Errorf("%s: no error", reason)
			continue
		}
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
	_, err := f.service.Set(f.ctx, api.SetRequest{Selectors: name, Text: &text, Owner: "nobody that this node knows"})
	if f.proxy { // it says nothing of owners that the token does not name
		f.wantStatus(err, http.StatusForbidden)
		return
	}
	f.wantStatus(err, http.StatusNotFound)
}

func (f *fixture) canceled() {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	if _, err := f.service.Status(ctx); !errors.Is(err, context.Canceled) {
		f.Fatalf("%v, want context.Canceled", err)
	}
}

func ptr[T any](v T) *T { return &v }

// incompressible returns text that does not become much shorter.
func incompressible(size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(rand.Text())
	}
	return b.String()
}
