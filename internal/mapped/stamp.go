package mapped

import (
	"errors"
	"fmt"
)

// A Stamp says of which moment of which database a file is.
type Stamp struct {
	// Token is what the database remembers of the checkpoint. No other database has it, and no
	// other moment of this one.
	Token [16]byte
	Index uint64 // of the last record in the file
}

// Config says where a file is, and what is in it.
type Config struct {
	Path string // the state is beside it
	// Layout names what is in the file, with the version of its format. A file of another layout
	// does not check out.
	Layout string
	// Heap has the pieces read into heap memory, as where the kernel cannot map them.
	Heap bool
	// ReadOnly has Open change nothing on the disk. No checkpoint can be made then.
	ReadOnly bool
	// Volatile does not wait for the disk: a power cut may leave a file that does not check out.
	Volatile bool
}

// StateSuffix is appended to the path of a file to name its state.
const StateSuffix = "-state"

func (c Config) statePath() string { return c.Path + StateSuffix }

// ErrNone says that there is no file.
var ErrNone = errors.New("there is none")

// A BrokenError says that a file does not check out: it is damaged, or of another moment, database,
// machine or version. Its owner makes it again.
type BrokenError struct {
	Path   string
	Reason string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("%s, which is derived from the records, cannot be used: %s", e.Path, e.Reason)
}

func (c Config) broken(format string, args ...any) *BrokenError {
	return &BrokenError{c.Path, fmt.Sprintf(format, args...)}
}
