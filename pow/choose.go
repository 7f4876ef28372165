package pow

import "time"

// Path is a way to hash that this machine has. They differ in speed alone.
type Path struct {
	// Name is avx512, avx2, scalar or interpreted.
	Name string
	// Attempt is the processor time of one attempt, the least of a few. It is 0 where that was not
	// measured: the interpreter is not, where there is another path.
	Attempt time.Duration
	// Wrong says that the path failed its known answers, so it is never used.
	Wrong bool
	// Chosen says that searches take this path: it is the fastest that is right.
	Chosen bool
}

// Paths returns the ways to hash that this machine has. The first call, or the first attempt of a
// search, holds each to known answers and measures them, which takes about 0.1 seconds. The choice
// stands until the process ends. In a build without cgo there are none.
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
	// attempt makes one attempt and returns its processor time.
	attempt(round int) time.Duration
}

// measuredRounds is how many attempts each path makes, in turns with the others.
const measuredRounds = 5

// choose proves all candidates and takes the fastest. The last one is the fallback, which is not
// measured unless it is the only one.
func choose(candidates []candidate) (c choice) {
	var fit []candidate
	var places []int
	for i, one := range candidates {
		there, right := one.prove()
		if !there {
			continue
		}
		if right && (i < len(candidates)-1 || len(fit) == 0) {
			fit, places = append(fit, one), append(places, len(c.paths))
		}
		c.paths = append(c.paths, Path{Name: one.name(), Wrong: !right})
	}
	for round := range measuredRounds {
		for i, one := range fit {
			p := &c.paths[places[i]]
			if took := one.attempt(round); round == 0 || took < p.Attempt {
				p.Attempt = took
			}
		}
	}
	best := 0
	for i := range fit {
		if c.paths[places[i]].Attempt < c.paths[places[best]].Attempt {
			best = i
		}
	}
	if len(fit) > 0 {
		c.paths[places[best]].Chosen, c.mode = true, fit[best].mode()
	}
	return c
}
