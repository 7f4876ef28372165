package proxy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// pieces is what a watcher pieces together from its events: which record answers each composite
// key.
type pieces struct {
	request api.WatchRequest
	world   *watchWorld
	answers map[string]protocol.ID
	listing map[string]bool // of a stream that is not listed yet
	cursor  string
	events  chan *api.WatchEvent
	stop    func()
	again   bool // the stream began with a cursor
}

func (p *pieces) begin(ctx context.Context) {
	p.request.After = p.cursor
	p.again = p.cursor != ""
	p.listing = map[string]bool{}
	ctx, cancel := context.WithCancel(ctx)
	events, ended := make(chan *api.WatchEvent), make(chan struct{})
	r := p.request
	go func() {
		defer close(ended)
		for e, err := range p.world.proxy.Watch(ctx, r) {
			if err != nil {
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	p.events = events
	p.stop = func() { cancel(); <-ended }
}

// hear takes in what has come so far.
func (p *pieces) hear() error {
	for {
		synctest.Wait()
		select {
		case e := <-p.events:
			if err := p.take(e); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (p *pieces) take(e *api.WatchEvent) error {
	p.cursor = e.Cursor
	var at string
	if e.Composite != nil {
		at = fmt.Sprint(e.Key, " ", e.Composite)
	}
	switch e.Event {
	case api.WatchAnswer, api.WatchDeleted:
		if before, known := p.answers[at]; known && before == e.Answer.Record && !e.Again {
			return fmt.Errorf("told twice: %+v", e)
		}
		p.answers[at] = e.Answer.Record
		if p.listing != nil {
			p.listing[at] = true
		}
	case api.WatchGone:
		delete(p.answers, at)
	case api.WatchSync:
		if e.Listed {
			for at := range p.answers {
				if !p.listing[at] {
					delete(p.answers, at)
				}
			}
		}
		p.listing = nil
	}
	return nil
}

// want is what queries answer.
func (p *pieces) want(ctx context.Context) (map[string]protocol.ID, error) {
	want := map[string]protocol.ID{}
	for key := range p.request.Keys {
		q := p.request.Query(key)
		q.Frames = true
		result, err := p.world.proxy.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, a := range result.Answers {
			want[fmt.Sprint(key, " ", a.Composite)] = a.Record
		}
	}
	return want, nil
}

// TestWatchProperty: what watchers piece together from their events equals what queries answer,
// after every step of a random history. Records reach the nodes one by one, nodes go and come,
// their streams break, and the watchers come back with their cursors.
func TestWatchProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var failed any // rapid's own panic, which is for its own goroutine
		synctest.Test(t, func(t *testing.T) {
			defer func() { failed = recover() }()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := newWatchWorld(t, 3)
			defer func() { _ = w.proxy.hub.close() }()
			owners := []owner{newOwner(t), newOwner(t), newOwner(t)}
			var watchers []*pieces
			for _, policy := range []protocol.Policy{nil, {"newest"}, {"weight"}} {
				p := &pieces{world: w, answers: map[string]protocol.ID{}, request: api.WatchRequest{Policy: policy, Contested: policy != nil, Keys: []api.WatchKey{
					{Selectors: api.MustSelectors("horse#1")}, {Selectors: api.MustSelectors("horse#1#2")}, {Selectors: api.MustSelectors("cow#"), Open: true},
				}}}
				p.begin(ctx)
				defer func() { p.stop() }()
				watchers = append(watchers, p)
			}
			var last *protocol.Record
			write := func(r *rapid.T) {
				w.time++
				d := protocol.Draft{
					Value: []byte(fmt.Sprint(w.time)),
					Type:  rapid.SampledFrom([]protocol.Type{protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeRelease}).Draw(r, "type"),
				}
				switch {
				case d.Type == protocol.TypeRelease:
					d.Value = nil
				case rapid.IntRange(0, 4).Draw(r, "delete") == 0:
					d.Value = nil
				}
				if last != nil && rapid.Bool().Draw(r, "link") {
					d.Links = []protocol.ID{last.ID()}
				}
				names := rapid.SampledFrom([][]string{{"horse#1"}, {"horse#2"}, {"cow#1"}, {"cow#1", "dog#1"}}).Draw(r, "names")
				record := w.record(owners[rapid.IntRange(0, 2).Draw(r, "owner")], w.time, d, names...)
				last = record
				for _, i := range rapid.Permutation([]int{0, 1, 2}).Draw(r, "order") {
					w.give(record, i)
					time.Sleep(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 100, 1000}).Draw(r, "pause")) * time.Millisecond)
				}
			}
			actions := map[string]func(*rapid.T){
				"write": write,
				"more":  write,
				"cut": func(r *rapid.T) {
					w.nodes[rapid.IntRange(0, 2).Draw(r, "node")].cut()
				},
				"cut all": func(r *rapid.T) {
					for _, n := range w.nodes {
						n.cut()
					}
					write(r)
				},
				"down": func(r *rapid.T) {
					n := w.nodes[rapid.IntRange(0, 2).Draw(r, "node")]
					up := slices.DeleteFunc(slices.Clone(w.nodes), func(n *watchNode) bool { return n.down != nil })
					if n.down == nil && len(up) > 1 {
						n.goDown()
					}
				},
				"up": func(r *rapid.T) {
					for _, n := range w.nodes {
						if n.down != nil {
							n.comeBack()
						}
					}
				},
				"come back": func(r *rapid.T) {
					p := watchers[rapid.IntRange(0, 2).Draw(r, "watcher")]
					p.stop()
					write(r)
					p.begin(ctx)
				},
			}
			for range rapid.IntRange(1, 8).Draw(r, "steps") {
				actions[rapid.SampledFrom(slices.Sorted(maps.Keys(actions))).Draw(r, "action")](r)
				time.Sleep(90 * time.Second) // longer than any pause
				for i, p := range watchers {
					if err := p.hear(); err != nil {
						r.Fatalf("watcher %d: %v", i, err)
					}
					want, err := p.want(ctx)
					if err != nil {
						r.Fatal(err)
					}
					if !maps.Equal(want, p.answers) {
						r.Fatalf("watcher %d has pieced together %v, queries answer %v", i, p.answers, want)
					}
				}
			}
		})
		if failed != nil {
			panic(failed)
		}
	})
}
