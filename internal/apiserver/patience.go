package apiserver

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lf-store/lf/node/api"
)

const (
	// eventInterval is the least time between two events: as often as a person needs it.
	eventInterval = 250 * time.Millisecond
	// eventTimeout is how long a client may take to accept an event.
	eventTimeout = 10 * time.Second
)

// patient makes an operation one that may take long. A client that accepts events is told the
// progress. One that prefers to be answered later gets a job.
func (h *Handler) patient(op huma.Operation) huma.Operation {
	op.Middlewares = huma.Middlewares{takeTime, h.await}
	op.Description += " Accept " + api.TypeEvents + " to be told the progress: events \"" + api.EventProgress + "\", then one \"" + api.EventResult + "\" or \"" + api.EventError +
		"\" with what the body would be. Or send \"Prefer: respond-async\": what takes long becomes a job."
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: "Prefer", In: "header", Schema: &huma.Schema{Type: huma.TypeString}, Example: "respond-async, wait=5",
		Description: "respond-async: answer 202 with a job if this takes longer than wait seconds (at most 60; absent: a moment)",
	})
	op.Responses["200"] = h.withEvents(op.Responses["200"])
	job := &huma.MediaType{Schema: h.schema(typeOf[api.Job]())}
	if later := op.Responses["202"]; later != nil {
		later.Description += "; or, with the header Preference-Applied, the request became a job"
		later.Content[api.TypeJSON] = &huma.MediaType{Schema: &huma.Schema{OneOf: []*huma.Schema{later.Content[api.TypeJSON].Schema, job.Schema}}}
	} else {
		op.Responses["202"] = &huma.Response{Description: "the request became a job", Content: map[string]*huma.MediaType{api.TypeJSON: job}}
	}
	op.Responses["202"].Headers = map[string]*huma.Param{
		"Location":           {Description: "of a job: where it is", Schema: &huma.Schema{Type: huma.TypeString, Format: "uri-reference"}},
		"Preference-Applied": {Description: "of a job: respond-async", Schema: &huma.Schema{Type: huma.TypeString}},
	}
	return op
}

// withEvents adds to a response that it may come as events.
func (h *Handler) withEvents(r *huma.Response) *huma.Response {
	if r == nil {
		r = &huma.Response{Description: "events, if the client accepts them", Content: map[string]*huma.MediaType{}}
	}
	r.Content[api.TypeEvents] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: "events: " + api.EventProgress + " with a WorkProgress, " + api.EventResult + ", " + api.EventError + " with a problem"}}
	return r
}

func (h *Handler) await(ctx huma.Context, next func(huma.Context)) {
	r, _ := humago.Unwrap(ctx)
	switch asked := preferences(r.Header); {
	case asked.async:
		h.startJob(ctx, asked.wait, next)
	case acceptsEvents(r.Header):
		tellProgress(ctx, next)
	default:
		next(ctx)
	}
}

// elsewhere returns the request with another context, and its answer going to another writer.
func elsewhere(with context.Context, ctx huma.Context, w http.ResponseWriter) exchange {
	r, _ := humago.Unwrap(ctx)
	r = r.WithContext(with)
	r.Header = r.Header.Clone()
	r.Header.Set("Accept", api.TypeJSON) // the form in which the answer is kept
	x := exchange{humaContext: humago.NewContext(ctx.Operation(), r, w)}
	if from, ok := ctx.(exchange); ok {
		x.query = from.query
	}
	return x
}

// acceptsEvents reports whether an Accept header names events. One that takes anything does not.
func acceptsEvents(h http.Header) bool {
	for _, line := range h.Values("Accept") {
		for one := range strings.SplitSeq(line, ",") {
			if mediaType(strings.TrimSpace(one)) == api.TypeEvents {
				return true
			}
		}
	}
	return false
}

// tellProgress answers with events. What fails before there is any progress is answered as ever.
func tellProgress(ctx huma.Context, next func(huma.Context)) {
	_, w := humago.Unwrap(ctx)
	with, cancel := context.WithCancel(ctx.Context())
	defer cancel()
	s := &eventStream{w: w, control: http.NewResponseController(w), cancel: cancel}
	a := newMemoryAnswer()
	next(elsewhere(api.WithWorkProgress(with, s.progress), ctx, a))
	switch {
	case a.failed() && !s.begun:
		a.send(w)
	case a.failed():
		s.send(api.EventError, a.body.Bytes())
	default:
		s.send(api.EventResult, a.body.Bytes())
	}
}

// eventStream is an answer that comes as events.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	cancel  func() // ends the request, whose client takes no events any more
	begun   bool
	last    time.Time
}

func (s *eventStream) progress(p api.WorkProgress) {
	if s.begun && time.Since(s.last) < eventInterval {
		return
	}
	data, err := json.Marshal(p)
	if err != nil {
		panic(err) // it has numbers alone
	}
	s.last = time.Now()
	s.send(api.EventProgress, data)
}

func (s *eventStream) send(name string, data []byte) {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", api.TypeEvents)
		s.w.Header().Set("X-Accel-Buffering", "no") // nginx passes events on as they come
	}
	// a writer without deadlines needs none
	_ = s.control.SetWriteDeadline(time.Now().Add(eventTimeout))
	_, err := s.w.Write(api.AppendEvent(nil, name, data))
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		s.cancel()
	}
}
