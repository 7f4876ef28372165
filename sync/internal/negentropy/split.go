package negentropy

// buckets is how many parts a range is split into, and maxBuckets the same in sets so large that
// this saves a round. A range with fewer than listed items is listed.
const buckets, maxBuckets, listed = 16, 32, 32

// bucketsOf is how many parts the ranges of a set are split into. Four splits are three rounds, and
// must leave ranges that are listed.
func bucketsOf(items int) int {
	switch {
	case items > reach(maxBuckets):
	case items > reach(26):
		return maxBuckets
	case items > reach(buckets):
		return 26
	}
	return buckets
}

// reach is the size of the largest set that four splits take apart, with room for an item that only
// the other side has.
func reach(buckets int) int { return (listed - 2) * buckets * buckets * buckets * buckets }

// split writes what is to be said of a range whose fingerprints differ: the fingerprints of its
// parts, or the IDs when they are few. It takes at most maxSkip + [maxSplit] bytes. Each is called
// with every range written.
func (w *writer) split(s Set, lower, upper Bound, from, to int, each func(upper Bound)) {
	count, buckets := to-from, bucketsOf(s.Len())
	if count < listed {
		w.list(lower, upper, s, from, count)
		each(upper)
		return
	}
	for i := range buckets {
		size := count / buckets
		if i < count%buckets {
			size++
		}
		bound := upper
		if i < buckets-1 {
			bound = boundAt(s, from+size)
		}
		w.fingerprint(lower, bound, s.Fingerprint(from, from+size))
		each(bound)
		lower, from = bound, from+size
	}
}

// maxSplit is the most bytes that [writer.split] takes, apart from a skip: 32 fingerprints, or 31
// IDs.
const maxSplit = max(maxBuckets*maxFingerprint, maxSkip+maxVarint+(listed-1)*32)

// boundAt is the shortest bound that has rank items of the set before it; the set has items on both
// sides of it.
func boundAt(s Set, rank int) Bound {
	var pair [2]Item
	n := 0
	for item := range s.Items(rank-1, rank+1) {
		pair[n] = item
		n++
	}
	return between(pair[0], pair[1])
}
