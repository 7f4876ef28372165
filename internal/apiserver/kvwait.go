package apiserver

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/node/api"
)

// maxKVWait is the longest that a request for values may wait for a change.
const maxKVWait = 5 * time.Minute

// takeWait counts a request that waits as a stream, and adds the time that it may wait to that for
// its answer.
func (h *Handler) takeWait(ctx huma.Context, next func(huma.Context)) {
	seconds, err := strconv.ParseFloat(ctx.Query("wait"), 64)
	if err != nil || !(seconds > 0) || seconds > maxKVWait.Seconds() {
		next(ctx) // it does not wait, or is refused
		return
	}
	r, w := humago.Unwrap(ctx)
	release, err := h.takeStream(r, caller.Of(ctx.Context()))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer release()
	// a writer without deadlines needs none moved
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Duration(seconds*float64(time.Second)) + answerTimeout))
	next(ctx)
}

// waiting is a request for values that its client has seen already, as far as tag says.
type waiting struct {
	seen []string // entity tags
	time time.Duration
}

// waiting reads how long to wait, and for what to change.
func (in *KVOptions) waiting() (waiting, error) {
	if math.IsNaN(in.Wait) { // which is neither below the minimum nor above the maximum
		return waiting{}, api.Invalid("parameter \"wait\": not a number")
	}
	w := waiting{time: time.Duration(in.Wait * float64(time.Second))}
	for tag := range strings.SplitSeq(in.IfNoneMatch, ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag != "" {
			w.seen = append(w.seen, tag)
		}
	}
	if w.time > 0 && (in.After != "" || in.Older != "" || in.Since != 0 || in.Until != 0 || in.History || in.Alive != 0) {
		return w, api.Invalid("wait goes with none of after, since, until, history and alive")
	}
	return w, nil
}

// knows reports whether the client has seen an answer with a tag.
func (w *waiting) knows(tag string) bool { return slices.Contains(w.seen, tag) }

// tagOf is the entity tag of a result: that of its one record, or of all of them. It does not tell
// how the values are shown.
func tagOf(result *api.QueryResult, exact bool) string {
	if exact && len(result.Answers) == 1 && result.Answers[0].Error == "" {
		return `"` + result.Answers[0].Record.String() + `"`
	}
	if len(result.Answers) == 0 {
		return `"none"`
	}
	h := sha256.New()
	for i := range result.Answers {
		a := &result.Answers[i]
		h.Write(a.Record[:])
		h.Write([]byte(a.Error))
		if a.Unavailable {
			h.Write([]byte{1})
		}
		for _, o := range a.Ordinals {
			h.Write(strconv.AppendUint([]byte{' '}, o, 10))
		}
	}
	return `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16]) + `"`
}

// awaited answers a query once its client has not seen the answer, or when the time is up. It
// returns the answer's tag, and whether the client has seen it.
func (h *Handler) awaited(ctx context.Context, q api.Query, w waiting, exact bool) (*api.QueryResult, string, error) {
	result, err := h.query(ctx, q)
	if err != nil {
		return nil, "", err
	}
	tag := tagOf(result, exact)
	if !w.knows(tag) || w.time <= 0 {
		return result, tag, nil
	}
	ctx, cancel := context.WithTimeout(ctx, w.time)
	defer cancel()
	defer context.AfterFunc(h.ending, cancel)()
	watch := api.WatchRequest{
		Keys:   []api.WatchKey{{Selectors: q.Selectors, Open: q.Open}},
		Owners: q.Owners, Policy: q.Policy, Oracles: q.Oracles,
	}
	listing := true
	for e, err := range h.service.Watch(ctx, watch) {
		if ctx.Err() != nil {
			return result, tag, nil // the time is up
		}
		if err != nil {
			return nil, "", err
		}
		if listing = listing && e.Event != api.WatchSync; listing || e.Event == api.WatchSettled {
			continue // what is listed is asked for when the listing is over
		}
		if result, err = h.query(ctx, q); err != nil {
			return nil, "", err
		}
		if tag = tagOf(result, exact); !w.knows(tag) {
			return result, tag, nil
		}
	}
	return result, tag, nil
}

// notModified says that a client knows the answer.
func notModified(tag string) *kvAnswer {
	return &kvAnswer{Status: http.StatusNotModified, ETag: tag, ContentType: api.TypeJSON}
}
