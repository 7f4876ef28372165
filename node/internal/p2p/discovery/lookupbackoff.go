package discovery

import "time"

// lookupBackoff decides when a node looks for others. It is pure: who owns it tells it the time and
// how many peers there are. It is often at first, backs off while it finds nobody, and is rare when
// there are peers enough; losing them all begins again.
type lookupBackoff struct {
	// the pauses: at first, at most while peers are few, and when they are enough
	first, most, content time.Duration
	// the pause at most while they are few and stay as many; 0: most
	quiet  time.Duration
	enough int
	pause  time.Duration
	alone  bool
	last   int
}

// wait returns how long to wait after a look. peers counts the connected peers of the network.
func (s *lookupBackoff) wait(peers int) time.Duration {
	most := s.most
	if peers == s.last && peers > 0 {
		most = max(most, s.quiet)
	}
	s.last = peers
	switch {
	case peers >= s.enough:
		s.pause = 0
		return s.content
	case s.pause == 0, peers == 0 && !s.alone:
		s.pause = s.first
	default:
		s.pause = min(2*s.pause, most)
	}
	s.alone = peers == 0
	return s.pause
}
