package apiserver

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lf-store/lf/node/api"
)

type jobInput struct {
	Job string `path:"job" maxLength:"64" doc:"what identifies the job"`
}

// addJobs adds what shows and ends the jobs that were made by the header Prefer.
func (h *Handler) addJobs() {
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/jobs/{job}", OperationID: "job", Summary: "A request that is answered later", Security: writers,
		Description: "What a request with the header \"Prefer: respond-async\" made, if it took long: its progress, and in the end its answer. Only the client that made it sees it. It is kept for 10 minutes after its end, and at most 32 jobs of a client are. 404: there is no such job of this client.",
	}, func(ctx context.Context, in *jobInput) (*answer[*api.Job], error) {
		one, err := h.jobs.find(clientOf(ctx), in.Job)
		if err != nil {
			return nil, err
		}
		return answered(one.show(), nil)
	})
	add(h, huma.Operation{
		Method: "DELETE", Path: "/v1/jobs/{job}", OperationID: "cancelJob", Summary: "End a request that is answered later, and forget it", Security: writers,
		Description: "What it has written stays.",
		Responses:   map[string]*huma.Response{"204": {Description: "it has ended, and is forgotten"}},
	}, func(ctx context.Context, in *jobInput) (*struct{}, error) {
		return nil, h.jobs.remove(clientOf(ctx), in.Job)
	})
}

// startJob makes a job of a request. What is answered within wait is answered as ever.
func (h *Handler) startJob(ctx huma.Context, wait time.Duration, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	body, err := readBody(ctx)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	one, err := h.jobs.start(ctx.Context(), func(with context.Context) *memoryAnswer {
		a := newMemoryAnswer()
		x := elsewhere(with, ctx, a)
		request, _ := humago.Unwrap(x)
		request.Body = io.NopCloser(bytes.NewReader(body))
		h.runJob(request, a, func() { next(x) })
		return a
	})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-one.ended:
		_ = h.jobs.remove(one.client, one.id) // nobody knows of it
		one.answer.send(w)
	case <-r.Context().Done(): // the client has gone, and nobody else knows of the job
		_ = h.jobs.remove(one.client, one.id)
	case <-timer.C:
		h.answerJob(w, one)
	}
}

// answerJob tells a client where its answer will be.
func (h *Handler) answerJob(w http.ResponseWriter, one *job) {
	w.Header().Set("Content-Type", api.TypeJSON)
	w.Header().Set("Location", "/v1/jobs/"+one.id)
	w.Header().Set("Preference-Applied", "respond-async")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusAccepted)
	_ = marshal(w, one.show()) // a job always encodes
}

// runJob answers a request in the background. A panic is the end of the job alone.
func (h *Handler) runJob(r *http.Request, a *memoryAnswer, run func()) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("panic while running a job", "route", r.Pattern, "panic", p, "stack", string(debug.Stack()))
			*a = *newMemoryAnswer()
			h.fail(a, r, api.NewError(http.StatusInternalServerError, "the node failed; its log says why"))
		}
	}()
	run()
}

// readBody reads the whole body of a request, before the request ends.
func readBody(ctx huma.Context) ([]byte, error) {
	limit := ctx.Operation().MaxBodyBytes
	body, err := io.ReadAll(io.LimitReader(ctx.BodyReader(), limit+1))
	switch {
	case err != nil:
		return nil, api.NewError(http.StatusRequestTimeout, "the body did not come in time, or not whole")
	case int64(len(body)) > limit:
		return nil, api.TooLarge("the body is larger than the limit of %d bytes", limit)
	}
	return body, nil
}
