package api

import "context"

// Activities is what a node offers in addition to [Service]: it tells what it took in and sent
// lately. A proxy does not.
type Activities interface {
	// Activity tells what came, went and was dropped in the last hour and day.
	Activity(ctx context.Context) (*Activity, error)
}

// Activity tells what a node took in and sent lately. A restart of the node loses at most what it
// counted in the last 15 minutes before a crash.
type Activity struct {
	Since    uint64           `json:"since" doc:"what is counted begins here, ms since the Unix epoch; within the last 24 hours"`
	Hour     ActivityCounts   `json:"hour" doc:"of the last 60 minutes"`
	Day      ActivityCounts   `json:"day" doc:"of the last 24 hours"`
	Minutes  []ActivitySample `json:"minutes" nullable:"false" doc:"the last 60 minutes, the newest at the end"`
	Quarters []ActivitySample `json:"quarters" nullable:"false" doc:"the last 96 quarters of an hour, the newest at the end"`
}

// ActivityCounts count what a node did in a time.
type ActivityCounts struct {
	Records uint64 `json:"records" doc:"records that were attached"`
	In      uint64 `json:"in" doc:"bytes from peers, as far as streams carry them"`
	Out     uint64 `json:"out" doc:"bytes to peers, the same"`
	Dropped uint64 `json:"dropped" doc:"what bounded queues dropped"`
}

// Add adds what was counted in another time.
func (c *ActivityCounts) Add(o ActivityCounts) {
	c.Records += o.Records
	c.In += o.In
	c.Out += o.Out
	c.Dropped += o.Dropped
}

// ActivitySample counts what a node did in a minute or a quarter of an hour.
type ActivitySample struct {
	At uint64 `json:"at" doc:"when it began, ms since the Unix epoch"`
	ActivityCounts
}

var _ Activities = (*Client)(nil)

// Activity implements [Activities].
func (c *Client) Activity(ctx context.Context) (*Activity, error) {
	var a Activity
	return ok(&a, c.get(ctx, "/v1/activity", &a))
}
