package store

// first reports whether a datum's claim is the first to its key, as far as this node has seen.
func (t *tx) first(*entry, place) (bool, error) { return true, nil }
