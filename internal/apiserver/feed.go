package apiserver

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
)

// feedTick is how often the service is asked how it is, while somebody looks.
const feedTick = time.Second

// topic is one thing that viewers are told. Those of a feed have different names.
type topic struct {
	name  string
	every int // in ticks
	ask   func(context.Context) (any, error)
}

// news is what is known of a topic. Its number grows with each change.
type news struct {
	data   []byte
	number uint64
}

// feed asks the service how it is, once for all who look. While nobody looks it does nothing. Its
// methods are safe for concurrent use.
type feed struct {
	topics []topic

	mu      sync.Mutex
	viewers int
	news    map[string]news
	number  uint64
	changed chan struct{} // closed at a change
	stop    context.CancelFunc
	ended   chan struct{} // closed when the asking has ended; nil: none is under way
}

func newFeed(topics []topic) *feed {
	return &feed{topics: topics, news: map[string]news{}, changed: make(chan struct{})}
}

// enter counts a viewer, who must leave. The first one has the service asked.
func (f *feed) enter() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.viewers++; f.viewers > 1 {
		return
	}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	before, ended := f.ended, make(chan struct{})
	f.ended = ended
	go func() {
		defer close(ended)
		if before != nil {
			<-before // of earlier viewers
		}
		f.run(ctx)
	}()
}

func (f *feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.viewers--; f.viewers == 0 {
		f.stop()
		clear(f.news) // it would be old when the next one comes
	}
}

// close waits until nothing is asked any more. No viewer may be left, or come.
func (f *feed) close() {
	f.mu.Lock()
	ended := f.ended
	f.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

func (f *feed) run(ctx context.Context) {
	tick := time.NewTicker(feedTick)
	defer tick.Stop()
	failing := map[string]bool{} // topics
	for n := 0; ; n++ {
		for _, t := range f.topics {
			if n%t.every == 0 {
				f.ask(ctx, t, failing)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ask asks about one topic, and tells the viewers if the answer is new.
func (f *feed) ask(ctx context.Context, t topic, failing map[string]bool) {
	v, err := t.ask(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		failing[t.name] = true
		f.tell(topicProblem, errorOf(err))
		return
	}
	if delete(failing, t.name); len(failing) == 0 && f.knows(topicProblem) {
		f.tell(topicProblem, nil)
	}
	f.tell(t.name, v)
}

// topicProblem is the event that says why the service does not tell; null: it does again.
const topicProblem = "problem"

func (f *feed) knows(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.news[name]
	return ok
}

func (f *feed) tell(name string, v any) {
	var b bytes.Buffer
	if marshal(&b, v) != nil {
		return // what the service tells always encodes
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.viewers == 0 || bytes.Equal(f.news[name].data, b.Bytes()) {
		return
	}
	f.number++
	f.news[name] = news{b.Bytes(), f.number}
	close(f.changed)
	f.changed = make(chan struct{})
}

// since returns what has changed after a number, the number now, and what is closed at the next
// change.
func (f *feed) since(seen uint64) (all map[string][]byte, number uint64, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all = map[string][]byte{}
	for name, n := range f.news {
		if n.number > seen {
			all[name] = n.data
		}
	}
	return all, f.number, f.changed
}

// errNoMoreNews ends a viewer's stream.
var errNoMoreNews = errors.New("the viewer is gone")

// serve tells one viewer all there is, and then what changes.
func (f *feed) serve(ctx context.Context, s *subscription) error {
	f.enter()
	defer f.leave()
	var seen uint64
	for {
		all, number, changed := f.since(seen)
		seen = number
		for name, data := range all {
			if err := s.send(api.AppendEvent(nil, name, data)); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return errNoMoreNews
		case <-changed:
		}
	}
}
