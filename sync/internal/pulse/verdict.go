package pulse

// Verdict is what became of a pulse.
type Verdict int

// The verdicts.
const (
	Accepted  Verdict = iota // it is the newest of its claim
	Forwarded                // it came before by an answer, and is passed on now
	Malformed                // it is no pulse
	Forged                   // the owner's signature does not verify
	Known                    // a pulse as new is known
	NoRecord                 // its record is not attached here
	Withdrawn                // its record may have no pulses: released, deleted, or no value
	Clock                    // its second is too far from the clock
	TooSoon                  // less than a minute after the one before
	Ended                    // the record does not pay for it any more
	OverBudget
	NoRoom
	Busy
	Failed // the store did
)

var verdictNames = [...]string{"accepted", "forwarded", "malformed", "forged", "known", "no_record", "withdrawn", "clock", "too_soon", "ended", "over_budget", "no_room", "busy", "failed"}

func (v Verdict) String() string { return verdictNames[v] }

// PassesOn reports whether the pulse is passed on to other peers.
func (v Verdict) PassesOn() bool { return v == Accepted || v == Forwarded }

// Rejected reports whether no correct peer sends such a pulse. All others are ignored.
func (v Verdict) Rejected() bool { return v == Malformed || v == Forged }
