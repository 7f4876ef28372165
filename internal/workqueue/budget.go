package workqueue

import "time"

const (
	slot  = time.Minute
	slots = int64(time.Hour/slot) + 1 // the present one has only begun
)

// spending is what a client spent in the past hour, by the minute. A minute counts until all of it
// is an hour old, so the efforts of any hour stay within the budget.
type spending struct {
	effort [slots]uint64
	sum    uint64
	last   int64 // the newest slot, in minutes since 1970
}

func (s *spending) at(minute int64) *uint64 { return &s.effort[(minute%slots+slots)%slots] }

// advance forgets what is too old. A clock that was put back stands still.
func (s *spending) advance(now time.Time) {
	minute := now.Unix() / int64(slot/time.Second)
	if minute-s.last >= slots {
		*s = spending{last: minute}
		return
	}
	for s.last < minute {
		s.last++
		at := s.at(s.last)
		s.sum -= *at
		*at = 0
	}
}

// add counts an effort at the time of the last advance, and returns its slot.
func (s *spending) add(effort uint64) (minute int64) {
	*s.at(s.last) += effort
	s.sum += effort
	return s.last
}

// takeBack subtracts an effort that was added in a slot, unless that is forgotten already.
func (s *spending) takeBack(effort uint64, minute int64) {
	if s.last-minute >= slots {
		return
	}
	*s.at(minute) -= effort
	s.sum -= effort
}

// wait returns how long it takes until an effort fits into the budget, which is at least as large.
func (s *spending) wait(now time.Time, effort, budget uint64) time.Duration {
	sum := s.sum
	for minute := s.last - slots + 1; sum+effort > budget; minute++ {
		sum -= *s.at(minute)
		if sum+effort <= budget {
			return time.Unix((minute+slots)*int64(slot/time.Second), 0).Sub(now)
		}
	}
	return 0
}
