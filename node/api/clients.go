package api

import "context"

// Clients is what a proxy offers in addition to [Service]: it tells its user how its clients use
// it.
type Clients interface {
	// Clients returns what each client uses, by name.
	Clients(ctx context.Context) (*ClientList, error)
}

// ClientList is the answer of GET /v1/clients.
type ClientList struct {
	Clients []ClientUse `json:"clients" nullable:"false"`
}

// ClientUse is what a client of a proxy uses. Efforts are those of records: the attempts that luck
// took do not count.
type ClientUse struct {
	Name          string `json:"name"`
	EffortPerHour uint64 `json:"effortPerHour,omitempty" doc:"the client's budget: effort in any hour; absent: not limited"`
	Spent         uint64 `json:"spent" doc:"effort in the past hour, that of waiting requests included"`
	Waiting       int    `json:"waiting" doc:"requests that wait for work, or are worked for"`
}

var _ Clients = (*Client)(nil)

// Clients implements [Clients].
func (c *Client) Clients(ctx context.Context) (*ClientList, error) {
	var list ClientList
	return ok(&list, c.get(ctx, "/v1/clients", &list))
}
