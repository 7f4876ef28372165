package protocol

// CheckCarried compares the value that came with the header with what the header says of it, where
// it came. It is what tells two frames of one record apart: all other rules are decided by the
// header alone, and so by the ID.
func (r *Record) CheckCarried() error { return r.checkValue(MaxValue) }
