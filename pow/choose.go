package pow

import (
	"math"
	"time"
)

// Path is a way to hash that this machine has. They differ in speed alone.
type Path struct {
	// Name is avx512, avx2, scalar or interpreted.
	Name string
	// Wrong says that the path failed its known answers, so it is never used.
	Wrong bool
	// Chosen says that searches take this path: it is the fastest that is right.
	Chosen bool

	mode mode
}

// Measure returns the processor time of an attempt in this way, the least of a number of them. It
// is 0 where the system does not tell.
func (p Path) Measure(attempts int) (least time.Duration) {
	for i := range attempts {
		if took := attemptTime(p.mode, i); i == 0 || took < least {
			least = took
		}
	}
	return least
}

// Paths returns the ways to hash that this machine has. The first call, or the first attempt of a
// search, holds each to known answers and measures how fast it hashes. That takes about 10
// milliseconds. The choice stands until the process ends. In a build without cgo there are none.
func Paths() []Path { return append([]Path(nil), chosen().paths...) }

// choice is what came of proving and measuring.
type choice struct {
	paths []Path
	mode  mode
}

// candidate is a way to hash that may be chosen.
type candidate interface {
	mode() mode
	name() string
	// prove reports whether the way is there at all, and whether its known answers are right.
	prove() (there, right bool)
	// sample hashes as much as an eighth of an attempt and returns its processor time. The rest of
	// an attempt takes the same in all ways.
	sample(round int) time.Duration
}

// sampleRounds is how often each path is measured, in turns with the others.
const sampleRounds = 5

// choose proves all candidates and takes the fastest, by its best sample. The last one is the
// fallback, which is measured only if there is no other.
func choose(candidates []candidate) (c choice) {
	var fit []candidate
	var places []int // of those that are fit among the paths
	for i, one := range candidates {
		there, right := one.prove()
		if !there {
			continue
		}
		if right && (i < len(candidates)-1 || len(fit) == 0) {
			fit, places = append(fit, one), append(places, len(c.paths))
		}
		c.paths = append(c.paths, Path{Name: one.name(), Wrong: !right, mode: one.mode()})
	}
	if len(fit) == 0 {
		return c
	}
	best, least := 0, time.Duration(math.MaxInt64)
	for round := range sampleRounds {
		for i, one := range fit {
			if took := one.sample(round); took < least {
				best, least = i, took
			}
		}
	}
	c.paths[places[best]].Chosen, c.mode = true, fit[best].mode()
	return c
}
