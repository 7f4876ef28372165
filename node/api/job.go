package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Job is a request that the service answers later, because its client asked for that with the
// header "Prefer: respond-async". Only that client can see it. It is forgotten some minutes after
// its end.
type Job struct {
	Job      string        `json:"job" doc:"identifies the job: GET /v1/jobs/JOB"`
	Done     bool          `json:"done" doc:"whether it has ended"`
	Made     uint64        `json:"made" doc:"when the request came, ms since the Unix epoch"`
	Progress *WorkProgress `json:"progress,omitempty" doc:"how far its work is; absent: nothing is known yet, or it has ended"`
	// Status and one of Result and Error are there once it has ended.
	Status int             `json:"status,omitempty" doc:"the status with which the request is answered"`
	Result json.RawMessage `json:"result,omitempty" doc:"the body with which the request is answered"`
	Error  *Error          `json:"error,omitempty" doc:"why the request failed"`
	Until  uint64          `json:"until,omitempty" doc:"when a job that has ended is forgotten, ms since the Unix epoch"`
}

// Job returns a job that this client has made.
func (c *Client) Job(ctx context.Context, id string) (*Job, error) {
	var j Job
	return ok(&j, c.get(ctx, "/v1/jobs/"+url.PathEscape(id), &j))
}

// CancelJob ends a job and forgets it. What it has written stays.
func (c *Client) CancelJob(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/v1/jobs/" + url.PathEscape(id)})
}
