package lf

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// What a call can end with, for [errors.Is]. The error itself says more, in one line.
var (
	// ErrNotFound says that nothing is set under the key, or that its owner released it.
	ErrNotFound = errors.New("not found")
	// ErrDeleted says that the answer is a tombstone.
	ErrDeleted = errors.New("deleted")
	// ErrSealed says that the value needs another name, or a masking key.
	ErrSealed = errors.New("the value is sealed: it needs its primary name among those asked for, or its masking key")
	// ErrLapsed says that the answer is not alive, as [Alive] asks for it.
	ErrLapsed = errors.New("not alive")
	// ErrDamaged says that the node's disk damaged the record; it is a [*DamagedError].
	ErrDamaged = errors.New("damaged")
	// ErrNotSynced says that the node was not in sync in time; it is a [*NotSyncedError].
	ErrNotSynced = errors.New("the node is not in sync")
	// ErrChanged says that the answer is another one than [IfNewest] names.
	ErrChanged = errors.New("the answer is another one by now")
	// ErrNoHome says that the owner of a home is needed, and there is no home.
	ErrNoHome = errors.New("no home directory, and so no owners")
	// ErrClosed says that the client was closed.
	ErrClosed = errors.New("the client is closed")
)

// notFoundError says in words what was not found; it is an [ErrNotFound].
type notFoundError struct{ text string }

func (e *notFoundError) Error() string        { return e.text }
func (e *notFoundError) Is(target error) bool { return target == ErrNotFound }

func notFound(format string, args ...any) error { return &notFoundError{fmt.Sprintf(format, args...)} }

// ForgedError says that a node answered what is provably false. Nothing of such an answer is
// returned.
type ForgedError struct {
	// Node is the address of the node, "" for one in this process.
	Node string
	// What says what was false.
	What error
}

func (e *ForgedError) Error() string {
	return fmt.Sprintf("the node%s answered falsely, do not trust it: %v", at(e.Node), e.What)
}

// Unwrap returns what was false.
func (e *ForgedError) Unwrap() error { return e.What }

func at(address string) string {
	if address == "" {
		return ""
	}
	return " at " + address
}

// DamagedError says that a node's disk damaged a record. The node says so itself; nothing false was
// answered. It is an [ErrDamaged].
type DamagedError struct {
	Record protocol.ID `json:"record"`
	What   string      `json:"error"`
	// Unavailable tells that no peer has the record. Otherwise the node is fetching it.
	Unavailable bool `json:"unavailable,omitempty"`
	// Selectors are those under which it is filed, as far as the node says.
	Selectors []string `json:"selectors,omitempty"`
}

func (e *DamagedError) Error() string {
	text := api.DamagedText(e.Record, e.Unavailable)
	if len(e.Selectors) > 0 {
		text = strings.Join(e.Selectors, " ") + ": " + text
	}
	return text
}

// Is makes it an [ErrDamaged].
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// damagedIn is what a node says of a damaged record, nil where it is sound.
func damagedIn(from *api.Version) *DamagedError {
	if from.Error == "" {
		return nil
	}
	return &DamagedError{Record: from.Record, What: from.Error, Unavailable: from.Unavailable}
}

// NotSyncedError says how far a node came that was not in sync in time. It is an [ErrNotSynced].
type NotSyncedError struct {
	Within time.Duration
	Sync   *api.SyncStatus
}

func (e *NotSyncedError) Error() string {
	if e.Sync.State == api.SyncOffline {
		return "the node is offline: there is nobody to be in sync with"
	}
	return fmt.Sprintf("the node is not in sync within %s: %d of %s agree, %s missing", e.Within, e.Sync.Agreeing,
		text.Count(e.Sync.Peers, "peer", "peers"), text.Count(e.Sync.Missing, "record is", "records are"))
}

// Is makes it an [ErrNotSynced].
func (e *NotSyncedError) Is(target error) bool { return target == ErrNotSynced }

// InputError says that what a caller gave makes no sense: a key, an option, an address.
type InputError struct{ text string }

func (e *InputError) Error() string { return e.text }

func wrongInput(format string, args ...any) error { return &InputError{fmt.Sprintf(format, args...)} }

// DraftError says that no valid record says what a caller wants, such as one with a value that is
// too large for the network.
type DraftError struct{ err error }

func (e *DraftError) Error() string { return e.err.Error() }

// Unwrap returns what is wrong.
func (e *DraftError) Unwrap() error { return e.err }

// OwnerError says that the key of an owner cannot be had from the home. It is an [fs.ErrNotExist]
// where the home has no such owner.
type OwnerError struct{ err error }

func (e *OwnerError) Error() string { return e.err.Error() }

// Unwrap returns what is wrong.
func (e *OwnerError) Unwrap() error { return e.err }

// NetworkError says that a node is on another network than the home belongs to, or than the caller
// wants.
type NetworkError struct {
	Node      string
	Got, Want *protocol.Network
	// Home is the directory that belongs to Want, "" where the caller named the network.
	Home string
}

func (e *NetworkError) Error() string {
	got := fmt.Sprintf("the node%s is on network %q (%s)", at(e.Node), e.Got.Params().Name, e.Got.ID())
	want := fmt.Sprintf("%q (%s)", e.Want.Params().Name, e.Want.ID())
	if e.Home == "" {
		return fmt.Sprintf("%s, not on %s", got, want)
	}
	return fmt.Sprintf("%s, home %s belongs to %s: name another home or node", got, e.Home, want)
}

// TokenError says that writing over TCP needs the node's token, and none was given.
type TokenError struct {
	Node string
	// Home is where no node has ever run, "" where one has.
	Home string
}

func (e *TokenError) Error() string {
	if e.Home != "" {
		return fmt.Sprintf("no node has ever run in %s: start one, or say where one is", e.Home)
	}
	return fmt.Sprintf("writing through %s needs that node's token (its file api.token), or the socket in the node's home", e.Node)
}

// ClockError says that this computer's clock is wrong, or many others are. The records that a new
// one must link to are further ahead than the network allows. Times are in milliseconds.
type ClockError struct{ Newest, Now uint64 }

func (e *ClockError) Error() string {
	return fmt.Sprintf("the newest records of the network are dated %s, and it is %s here: check this computer's clock", text.LocalTime(e.Newest), text.LocalTime(e.Now))
}

// AheadError says that an owner's record is dated ahead of the clock: it was written when a clock
// was wrong. A record that replaces it must be later, and other nodes would not accept that yet.
// Times are in milliseconds.
type AheadError struct {
	Owner protocol.Owner
	// Name is the owner's name in the home, "" for none.
	Name string
	// Dated is the record's timestamp, From when a later one is possible.
	Dated, From uint64
}

func (e *AheadError) Error() string {
	return fmt.Sprintf("what owner %q has there is dated %s, which is ahead: it was written when a clock was wrong. "+
		"A record that replaces it must be later, so that is possible from %s on; until then another owner can write there",
		ownerText(e.Name, e.Owner), text.LocalTime(e.Dated), text.LocalTime(e.From))
}

// UncertifiedError says that a network takes records of certified owners only, and the owner has no
// certificate that is valid now.
type UncertifiedError struct {
	Network string
	Owner   protocol.Owner
	Name    string // in the home, "" for none
}

func (e *UncertifiedError) Error() string {
	return fmt.Sprintf("network %q takes records of certified owners only, and %q has no valid certificate: ask the holder of the network's CA",
		e.Network, ownerText(e.Name, e.Owner))
}

func ownerText(name string, owner protocol.Owner) string {
	if name == "" {
		return owner.String()
	}
	return name
}

// IsAway reports whether a call failed as it does where no node runs. The node may be restarting,
// and the same call may succeed later.
func IsAway(err error) bool {
	var unreachable *api.UnreachableError
	var late *api.TimeoutError
	var answered *api.Error
	switch {
	case errors.As(err, &unreachable), errors.As(err, &late), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return true // nobody there, or gone in the middle of an answer
	case errors.As(err, &answered):
		return answered.Status == http.StatusServiceUnavailable || answered.Status == http.StatusTooManyRequests
	}
	return false
}

// msOf is the timestamp of a time; records have none before 1970 or after [protocol.MaxTimestamp].
func msOf(t time.Time) uint64 { return min(uint64(max(t.UnixMilli(), 0)), protocol.MaxTimestamp) }
