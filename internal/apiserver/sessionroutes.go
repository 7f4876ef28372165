package apiserver

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
)

type (
	sessionAnswer struct {
		Status int
		Body   *api.Session
	}
	sessionInput struct {
		ID string `path:"id" maxLength:"32" doc:"the session's id; self: the one whose token comes with the request"`
	}
)

// addSessions adds what lets the page in a browser act for the service's user.
func (h *Handler) addSessions() {
	addJSON(h, huma.Operation{
		Method: "POST", Path: "/v1/sessions", OperationID: "newSession", Summary: "Let a browser act for you, for a time", Security: holders,
		Description:  "For the page at /. The session's token allows what the page offers: to read, to write as the owners of the home, and to elect oracles. It gives out no secret key, makes no other session, and ends after 12 hours, with DELETE, or with the service's process.",
		MaxBodyBytes: maxSessionBody, DefaultStatus: http.StatusCreated,
	}, func(_ context.Context, r *api.SessionRequest) (*sessionAnswer, error) {
		if r.Code {
			made, code := h.sessions.code()
			out := made.shown()
			out.Code = code
			return &sessionAnswer{http.StatusCreated, &out}, nil
		}
		return started(h.sessions.start())
	})
	addJSON(h, huma.Operation{
		Method: "POST", Path: "/v1/session", OperationID: "openSession", Summary: "Start a session with a code", Security: everybody,
		Description:  "The code is one of POST /v1/sessions, and is used up by this. 401: there is no such code, or it was used, or its 2 minutes are over.",
		MaxBodyBytes: maxSessionBody, DefaultStatus: http.StatusCreated,
	}, func(_ context.Context, r *api.SessionCode) (*sessionAnswer, error) {
		made, token, ok := h.sessions.exchange(r.Code)
		if !ok {
			return nil, api.Unauthorized("this code does not work, or was used already: lf ui --print gives another one")
		}
		return started(made, token)
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/session", OperationID: "session", Summary: "The session that a request comes with", Security: users,
		Description: "For the page, which wants to know whether it may still write. 401: the session has ended. 404: the token is no session's.",
	}, func(ctx context.Context, _ *nothing) (*answer[*api.Session], error) {
		id := ""
		if g := grantOf(ctx); g != nil {
			id = g.Session
		}
		for _, one := range h.sessions.list().Sessions {
			if one.ID == id {
				return answered(&one, nil)
			}
		}
		return nil, api.NotFound("this request comes with no session")
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/sessions", OperationID: "sessions", Summary: "The open sessions of the page", Security: holders,
		Description: "The oldest first, without their tokens.",
	}, func(context.Context, *nothing) (*answer[*api.SessionList], error) {
		return answered(h.sessions.list(), nil)
	})
	add(h, huma.Operation{
		Method: "DELETE", Path: "/v1/sessions/{id}", OperationID: "endSession", Summary: "End a session of the page, at once", Security: users,
		Description: "A session may end itself, as self or by its ID. The service's user may end every one. 404: there is no such session.", DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *sessionInput) (*struct{}, error) {
		if g := grantOf(ctx); g != nil {
			if in.ID != "self" && in.ID != g.Session {
				return nil, api.Forbidden("a session may end itself alone: this needs the %s's own token", h.guard.self)
			}
			in.ID = g.Session
		}
		if !h.sessions.end(in.ID) {
			return nil, api.NotFound("there is no session %q", in.ID)
		}
		return nil, nil
	})
}

func started(made session, token string) (*sessionAnswer, error) {
	out := made.shown()
	out.Token = token
	return &sessionAnswer{http.StatusCreated, &out}, nil
}
