package store

// indexTrust adds an attached record to the indices that policies need.
func (t *tx) indexTrust(*entry, place) error { return nil }
