package negentropy

// buckets is how many parts a range is split into; a range with fewer than twice as many items is
// listed.
const buckets = 16

// split writes what is to be said of a range whose fingerprints differ: the fingerprints of its
// parts, or the IDs when they are few. It takes at most maxSkip + [maxSplit] bytes. Each is called
// with every range written.
func (w *writer) split(s Set, lower, upper Bound, from, to int, each func(upper Bound)) {
	count := to - from
	if count < 2*buckets {
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

// maxSplit is the most bytes that [writer.split] takes, apart from a skip: sixteen fingerprints, or
// 31 IDs.
const maxSplit = max(buckets*maxFingerprint, maxSkip+maxVarint+(2*buckets-1)*32)

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
