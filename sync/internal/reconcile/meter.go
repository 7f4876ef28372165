package reconcile

import "time"

// meter tells how many records came in a second, lately.
type meter struct {
	seconds [10]int // by second, modulo their number; the current one is not full yet
	at      int64   // the current second
}

// note notes n records at a time since some start.
func (m *meter) note(now time.Duration, n int) {
	m.advance(now)
	m.seconds[m.at%int64(len(m.seconds))] += n
}

func (m *meter) advance(now time.Duration) {
	for to := int64(now / time.Second); m.at < to; {
		m.at = max(m.at+1, to-int64(len(m.seconds)))
		m.seconds[m.at%int64(len(m.seconds))] = 0
	}
}

// rate is that of the seconds that are full, of those since a time.
func (m *meter) rate(now, since time.Duration) float64 {
	m.advance(now)
	sum, full := 0, 0
	for at := m.at - 1; at > m.at-int64(len(m.seconds)) && at >= int64(since/time.Second); at-- {
		sum += m.seconds[at%int64(len(m.seconds))]
		full++
	}
	if full == 0 { // it began just now
		if passed := (now - since).Seconds(); passed > 0 {
			return float64(m.seconds[m.at%int64(len(m.seconds))]) / passed
		}
		return 0
	}
	return float64(sum) / float64(full)
}
