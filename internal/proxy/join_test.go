package proxy

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// joinedNode is a node that takes a second for each question and answers each key with a record of
// the same first byte.
type joinedNode struct {
	mu     sync.Mutex
	asked  []int // keys in each question
	refuse error // of questions about many keys
	change func(*api.QueryResult)
}

func (n *joinedNode) ask(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	n.mu.Lock()
	n.asked = append(n.asked, max(len(q.Keys), 1))
	n.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if q.Keys != nil && n.refuse != nil {
		return nil, n.refuse
	}
	result := n.answer(q)
	if q.Keys != nil && n.change != nil {
		n.change(result)
	}
	return result, nil
}

func (n *joinedNode) answer(q api.Query) *api.QueryResult {
	if q.Keys == nil {
		return &api.QueryResult{Answers: []api.Answer{{Version: api.Version{Record: protocol.ID{q.Selectors[0].Key[0]}}}}}
	}
	result := &api.QueryResult{}
	for i, key := range q.Keys {
		result.Answers = append(result.Answers, api.Answer{Asked: &i, Version: api.Version{Record: protocol.ID{key[0].Key[0]}}})
	}
	return result
}

func keyQuery(first byte) api.Query {
	key := protocol.SelectorKey{first}
	return api.Query{Selectors: []api.SelectorRange{{Key: &key}}}
}

// askTogether asks as many questions at once, and returns what was answered and when.
func askTogether(ctx context.Context, j *joiner, count int) (answers []joinedAnswer, took []time.Duration) {
	answers, took = make([]joinedAnswer, count), make([]time.Duration, count)
	begin := time.Now()
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			result, err := j.query(ctx, keyQuery(byte(i)))
			answers[i], took[i] = joinedAnswer{result, err}, time.Since(begin)
		})
		synctest.Wait()
	}
	all.Wait()
	return answers, took
}

func newJoiner(n *joinedNode) *joiner { return &joiner{ask: n.ask, timeout: time.Minute} }

// TestJoined asks many questions while one is under way. They are asked together, and each gets its
// own answer.
func TestJoined(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &joinedNode{}
		answers, took := askTogether(t.Context(), newJoiner(n), 2+maxJoined)
		for i, a := range answers {
			if a.err != nil || len(a.result.Answers) != 1 || a.result.Answers[0].Record != (protocol.ID{byte(i)}) || a.result.Answers[0].Asked != nil {
				t.Errorf("question %d: %+v, %v", i, a.result, a.err)
			}
			if took[i] > time.Second+joinDelay {
				t.Errorf("question %d took %s", i, took[i])
			}
		}
		if len(n.asked) != 3 || n.asked[0] != 1 || n.asked[1] != maxJoined || n.asked[2] != 1 {
			t.Errorf("asked about %v keys", n.asked)
		}
	})
}

// TestJoinedRefused has a node refuse to answer several questions together: each is asked alone. A
// node that fails has failed for all.
func TestJoinedRefused(t *testing.T) {
	t.Parallel()
	for _, refuse := range []error{api.Invalid("too broad"), errDown} {
		synctest.Test(t, func(t *testing.T) {
			n := &joinedNode{refuse: refuse}
			answers, _ := askTogether(t.Context(), newJoiner(n), 4)
			for i, a := range answers {
				if alone := i == 0 || isAnswer(refuse); alone != (a.err == nil) || !alone && !errors.Is(a.err, errDown) {
					t.Errorf("question %d: %+v, %v", i, a.result, a.err)
				}
			}
		})
	}
}

// TestJoinedLies has a node answer several questions with what belongs to none of them. No question
// gets another one's answer.
func TestJoinedLies(t *testing.T) {
	t.Parallel()
	far := 1000
	for name, change := range map[string]func(*api.QueryResult){
		"of no question":     func(r *api.QueryResult) { r.Answers[1].Asked = nil },
		"of another many":    func(r *api.QueryResult) { r.Answers[1].Asked = &far },
		"nothing for anyone": func(r *api.QueryResult) { r.Answers = nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			answers, _ := askTogether(t.Context(), newJoiner(&joinedNode{change: change}), 4)
			for i, a := range answers[1:] {
				if a.err != nil {
					t.Fatal(a.err)
				}
				for _, answer := range a.result.Answers {
					if answer.Asked == nil && answer.Record != (protocol.ID{byte(i + 1)}) {
						t.Errorf("%s: question %d is answered with %s", name, i+1, answer.Record)
					}
				}
			}
		})
	}
}

// TestJoinedGone has the one who asked go: others get their answers, and a question that is under
// way for long holds nobody up.
func TestJoinedGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newJoiner(&joinedNode{})
		gone, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := j.query(gone, keyQuery(0)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if _, err := j.query(gone, keyQuery(1)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		all.Go(func() {
			begin := time.Now()
			a, err := j.query(t.Context(), keyQuery(2))
			if err != nil || a.Answers[0].Record != (protocol.ID{2}) || time.Since(begin) > time.Second+joinDelay {
				t.Errorf("%+v, %v after %s", a, err, time.Since(begin))
			}
		})
		synctest.Wait()
		cancel()
		all.Wait()
	})
}

// TestSameTerms changes each member of a question. It is then not joined, or not with one in which
// the member is not changed.
func TestSameTerms(t *testing.T) {
	t.Parallel()
	kind := reflect.TypeFor[api.Query]()
	for i := range kind.NumField() {
		if kind.Field(i).Name == "Selectors" {
			continue
		}
		plain, other := keyQuery(1), keyQuery(1)
		field := reflect.ValueOf(&other).Elem().Field(i)
		switch field.Kind() {
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Int:
			field.SetInt(1)
		case reflect.Uint64:
			field.SetUint(1)
		case reflect.String:
			field.SetString("x")
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		default:
			t.Fatalf("%s is a %s", kind.Field(i).Name, field.Kind())
		}
		if joinable(&other) && sameTerms(&plain, &other) {
			t.Errorf("questions that differ in %s are joined", kind.Field(i).Name)
		}
	}
}

// TestJoinedSoon asks at random times a node that takes a random time. No question waits for longer
// than joinDelay and what its own answer takes.
func TestJoinedSoon(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		pauses := rapid.SliceOfN(rapid.IntRange(0, 6), 2, 60).Draw(rt, "pauses")
		takes := rapid.SliceOfN(rapid.IntRange(0, 10), 1, 20).Draw(rt, "takes")
		synctest.Test(t, func(t *testing.T) {
			const longest = 10 * time.Millisecond
			asked := 0
			var mu sync.Mutex
			n := &joinedNode{}
			j := newJoiner(n)
			j.ask = func(ctx context.Context, q api.Query) (*api.QueryResult, error) {
				mu.Lock()
				took := time.Duration(takes[asked%len(takes)]) * time.Millisecond
				asked++
				mu.Unlock()
				time.Sleep(took)
				return n.answer(q), nil
			}
			var all sync.WaitGroup
			for i, pause := range pauses {
				time.Sleep(time.Duration(pause) * time.Millisecond)
				all.Go(func() {
					begin := time.Now()
					a, err := j.query(t.Context(), keyQuery(byte(i)))
					if err != nil || len(a.Answers) != 1 || a.Answers[0].Record != (protocol.ID{byte(i)}) || time.Since(begin) > joinDelay+longest {
						t.Errorf("question %d: %+v, %v after %s", i, a, err, time.Since(begin))
					}
				})
			}
			all.Wait()
			synctest.Wait()
			j.mu.Lock()
			defer j.mu.Unlock()
			if j.running != 0 || len(j.waiting) != 0 {
				t.Errorf("%d run and %d wait", j.running, len(j.waiting))
			}
		})
		if t.Failed() {
			rt.FailNow()
		}
	})
}
