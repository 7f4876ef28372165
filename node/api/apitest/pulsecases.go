package apitest

import (
	"crypto/ed25519"
	"net/http"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// beat hands in a pulse and wants this to become of it.
func (f *fixture) beat(key ed25519.PrivateKey, id protocol.ID, second uint64, state string) api.PulseOutcome {
	f.Helper()
	p := f.network.NewPulse(id, second, key)
	done, err := f.service.Pulse(f.ctx, api.PulseRequest{Pulses: [][]byte{p.Encode()}})
	if err != nil {
		f.Fatalf("pulse: %v", err)
	}
	if len(done.Pulses) != 1 {
		f.Fatalf("%d outcomes of one pulse", len(done.Pulses))
	}
	o := done.Pulses[0]
	if o.Record != id || o.Second != second || o.State != state || (o.Why == "") == (state == api.PulseRefused) {
		f.Fatalf("the pulse of second %d: %+v, want %s", second, o, state)
	}
	return o
}

// wantAlive wants one answer under a name, with the pulse of this second; 0: with none.
func (f *fixture) wantAlive(name string, second uint64) {
	f.Helper()
	result := f.query(nil, name)
	if len(result.Answers) != 1 {
		f.Fatalf("%d answers", len(result.Answers))
	}
	a := result.Answers[0].Alive
	if second == 0 {
		if a != nil {
			f.Fatalf("it is alive: %+v", a)
		}
		return
	}
	if a == nil || a.Second != second {
		f.Fatalf("alive is %+v, want second %d", a, second)
	}
	p, err := protocol.DecodePulse(a.Pulse)
	if err != nil || p.Second != second || f.network.CheckPulse(&p, result.Answers[0].Owner) != nil {
		f.Fatalf("the pulse %+v, %v", p, err)
	}
	if age := uint64(time.Now().Unix()) - second; a.Age > age || a.Age+5 < age {
		f.Fatalf("it is %d s old, want %d", a.Age, age)
	}
}

// wantIfAlive asks for what is alive under a name.
func (f *fixture) wantIfAlive(name string, age uint64, answers, lapsed int) {
	f.Helper()
	result := f.query(func(q *api.Query) { q.Alive = age }, name)
	if len(result.Answers) != answers || result.Lapsed != lapsed {
		f.Fatalf("alive within %d s: %d answers, %d lapsed; want %d and %d", age, len(result.Answers), result.Lapsed, answers, lapsed)
	}
}

func (f *fixture) pulses() {
	key, stranger := f.newKey(), f.newKey()
	now := uint64(time.Now().Unix())
	second := now - 150
	r := f.composeBy(key, "svc", "here", nil)
	f.submitted(r)
	least := uint64(f.network.LeastAlive().Seconds())
	f.wantAlive("svc", 0)
	f.wantIfAlive("svc", least, 0, 1)

	f.beat(stranger, r.ID(), second, api.PulseRefused)
	f.wantAlive("svc", 0)
	if o := f.beat(key, r.ID(), second, api.PulseAccepted); o.Last != protocol.MaxPulseSecond {
		f.Fatalf("on a network without work a record has pulses forever, not until %d", o.Last)
	}
	f.beat(key, r.ID(), second, api.PulseKnown)
	f.beat(key, r.ID(), second-100, api.PulseKnown)
	f.beat(key, r.ID(), second+59, api.PulseRefused)
	f.beat(key, r.ID(), now+1000+f.network.Params().ClockDrift/1000, api.PulseRefused)
	f.beat(key, r.ID(), now-1000, api.PulseRefused)
	f.beat(key, protocol.ID{1}, now, api.PulseRefused)
	f.wantAlive("svc", second)
	f.wantIfAlive("svc", least, 1, 0)
	f.beat(key, r.ID(), second+60, api.PulseAccepted)
	f.wantAlive("svc", second+60)

	time.Sleep(2 * time.Millisecond)
	newer := f.composeBy(key, "svc", "there", nil)
	f.submitted(newer)
	f.wantAlive("svc", second+60) // a new version does not lapse
	f.beat(key, newer.ID(), second+130, api.PulseAccepted)
	f.wantAlive("svc", second+130)

	time.Sleep(2 * time.Millisecond)
	f.submitted(f.composeBy(key, "svc", "", func(d *protocol.Draft) { d.Type, d.Value = protocol.TypeRelease, nil }))
	f.beat(key, newer.ID(), second+195, api.PulseRefused)
	time.Sleep(2 * time.Millisecond)
	f.submitted(f.composeBy(key, "svc", "again", nil))
	f.wantAlive("svc", 0) // it is another claim
	f.wrongPulses()
}

// wrongPulses: what is refused as a whole.
func (f *fixture) wrongPulses() {
	for _, q := range []api.Query{
		{Selectors: api.MustSelectors("x"), Alive: uint64(f.network.LeastAlive().Seconds()) - 1},
		{Selectors: api.MustSelectors("x"), Alive: api.MaxAlive + 1},
		{Selectors: api.MustSelectors("x"), Alive: api.MaxAlive, Until: 1},
	} {
		_, err := f.service.Query(f.ctx, q)
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
	for _, pulses := range [][][]byte{nil, {{}}, {{1, 2, 3}}, make([][]byte, api.MaxPulses+1)} {
		_, err := f.service.Pulse(f.ctx, api.PulseRequest{Pulses: pulses})
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
}

// watchAlive: what is alive and what has lapsed is told to the watcher that wants to know, also
// where it changed while that was away. A new version does not lapse.
func (f *fixture) watchAlive() {
	key := f.newKey()
	r := f.composeBy(key, "svc", "here", func(d *protocol.Draft) { d.Names[0].Ordinal = 1 })
	f.submitted(r)
	least := uint64(f.network.LeastAlive().Seconds())
	quiet, w := f.watch(api.WatchRequest{}, "svc#1"), f.watch(api.WatchRequest{Alive: least}, "svc#")
	for _, one := range []*watching{quiet, w} {
		one.answer("here", 0)
		one.listed()
	}
	wantPulse := func(e *api.WatchEvent, second uint64) {
		f.Helper()
		if e.Answer == nil || e.Answer.Record == (protocol.ID{}) || e.Answer.Alive == nil || e.Answer.Alive.Second != second || e.Before != nil {
			f.Fatalf("the event is %+v with %+v, want second %d", e, e.Answer, second)
		}
	}
	second := uint64(time.Now().Unix()) - least + 2
	f.beat(key, r.ID(), second, api.PulseAccepted)
	wantPulse(w.event(api.WatchAlive), second)
	wantPulse(w.event(api.WatchLapsed), second)
	lapsed := w.last.Cursor
	second += least / 2
	f.beat(key, r.ID(), second, api.PulseAccepted)
	wantPulse(w.event(api.WatchAlive), second)

	back := f.watch(api.WatchRequest{Alive: least, After: w.last.Cursor}, "svc#")
	if e := back.event(api.WatchSync); e.Listed {
		f.Fatalf("nothing has changed, and all is listed again: %+v", e)
	}
	late := f.watch(api.WatchRequest{Alive: least, After: lapsed}, "svc#")
	late.answer("here", 0)
	wantPulse(late.event(api.WatchAlive), second)
	late.listed()

	time.Sleep(2 * time.Millisecond)
	newer := f.composeBy(key, "svc", "there", func(d *protocol.Draft) { d.Names[0].Ordinal = 1 })
	f.submitted(newer)
	for _, one := range []*watching{quiet, w, back, late} {
		one.answer("there", 0)
	}
	f.beat(key, newer.ID(), second+60, api.PulseAccepted)
	time.Sleep(2 * time.Millisecond)
	f.submitted(f.composeBy(key, "svc", "", func(d *protocol.Draft) {
		d.Type, d.Value, d.Names[0].Ordinal = protocol.TypeRelease, nil, 1
	}))
	for _, one := range []*watching{quiet, w, back, late} {
		one.event(api.WatchGone)
	}
	for _, alive := range []uint64{1, least - 1, api.MaxAlive + 1} {
		for _, err := range f.service.Watch(f.ctx, api.WatchRequest{Keys: []api.WatchKey{{Selectors: api.MustSelectors("x")}}, Alive: alive}) {
			f.wantStatus(err, http.StatusUnprocessableEntity)
			break
		}
	}
}
