package apiserver

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/node/api"
)

const (
	// streamComment is the time without events after which a comment is sent: proxies and clients
	// see that the stream lives.
	streamComment = 15 * time.Second
	// streamPatience is how long a client may take to accept an event.
	streamPatience = 2 * time.Minute
)

// subscription is a stream of events to one client that asked to be told of changes. Comments come
// from a timer.
type subscription struct {
	handler *Handler
	request *http.Request
	w       http.ResponseWriter
	control *http.ResponseController
	cancel  func() // ends a stream whose client takes no events any more
	begun   bool

	mu      sync.Mutex // held while something is sent
	comment *time.Timer
	ended   bool
}

// subscribe is an answer whose events tell sends, until the client or the service leaves.
func (h *Handler) subscribe(tell func(context.Context, *subscription)) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		request, w := humago.Unwrap(ctx)
		release, err := h.takeStream(request, caller.Of(ctx.Context()))
		if err != nil {
			h.fail(w, request, err)
			return
		}
		defer release()
		with, cancel := context.WithCancel(ctx.Context())
		defer cancel()
		defer context.AfterFunc(h.ending, cancel)()
		s := &subscription{handler: h, request: request, w: w, control: http.NewResponseController(w), cancel: cancel}
		defer s.end()
		tell(with, s)
	}}
}

// fail tells the client why its stream ends, or does not begin.
func (s *subscription) fail(err error) {
	if !s.begun {
		s.handler.fail(s.w, s.request, err)
		return
	}
	problem := s.handler.problem(s.request.Context(), s.request.Pattern, err)
	data := newMemoryAnswer()
	_ = marshal(data, problem) // an Error always encodes
	_ = s.send(api.AppendEvent(nil, api.EventError, data.body.Bytes()))
}

// sendWatched sends an event of a watch. It blocks while the client does not read.
func (s *subscription) sendWatched(e *api.WatchEvent) error {
	data := newMemoryAnswer()
	if err := marshal(data, e); err != nil {
		return err
	}
	return s.send(api.AppendEvent([]byte("id: "+e.Cursor+"\n"), e.Event, data.body.Bytes()))
}

func (s *subscription) send(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", api.TypeEvents)
		s.w.Header().Set("X-Accel-Buffering", "no") // nginx passes events on as they come
		s.comment = time.AfterFunc(streamComment, s.remind)
	}
	s.comment.Reset(streamComment)
	return s.write(b)
}

func (s *subscription) write(b []byte) error {
	// a writer without deadlines needs none
	_ = s.control.SetWriteDeadline(time.Now().Add(streamPatience))
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	err := s.control.Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	_ = s.control.SetWriteDeadline(time.Time{}) // the next event may be long in coming
	return err
}

// remind sends a comment, unless an event is being sent.
func (s *subscription) remind() {
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if err := s.write([]byte(":\n\n")); err != nil { // nobody is there, or nobody reads
		s.cancel()
		return
	}
	s.comment.Reset(streamComment)
}

// end waits for a comment that is being sent: nothing may be written after the request.
func (s *subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.comment != nil {
		s.comment.Stop()
	}
}
