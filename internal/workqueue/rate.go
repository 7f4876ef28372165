package workqueue

import "time"

// rate is how long an attempt took on average, the last ones counting most.
type rate struct{ attempt time.Duration }

const rateWeight = 32

func (r *rate) add(took time.Duration) {
	if r.attempt == 0 {
		r.attempt = took
	}
	r.attempt += (took - r.attempt) / rateWeight
}

// time is how long an effort takes on average: an attempt tries two solutions. It is at most
// a thousand hours.
func (r *rate) time(effort uint64, threads int) time.Duration {
	const most = 1000 * time.Hour
	return time.Duration(min(float64(effort)/2*float64(r.attempt)/float64(threads), float64(most)))
}
