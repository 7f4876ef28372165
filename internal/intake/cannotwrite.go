package intake

// CannotWrite is an error of a store that nothing can be written to for now. The records are not to
// blame, and may be stored later. It says what the user is to do.
type CannotWrite string

func (e CannotWrite) Error() string { return string(e) }
