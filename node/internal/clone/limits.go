package clone

import "time"

// Limits of asking. Anybody on the local network or in the DHT can offer any address, so the dials
// that follow are few.
const (
	// maxOffers bounds the addresses of one source that wait to be asked, and offersAtOnce those
	// taken of one offer.
	maxOffers    = 16
	offersAtOnce = 8
	// perRound and roundEvery bound the dials: at most 16 a minute, as many as peer exchange may
	// cause.
	perRound   = 4
	roundEvery = 15 * time.Second
	// askTime bounds one question: a dial with names to resolve, and two round trips.
	askTime = 20 * time.Second
	// leaveSelf is how long an address that led to this process is left alone, leaveSilent the same
	// for one that did not answer.
	leaveSelf   = time.Hour
	leaveSilent = 10 * time.Minute
	// maxAsked bounds the addresses that are left alone, about 150 bytes each. Beyond, the one that
	// is due first is forgotten.
	maxAsked = 256
	// recheckEvery is how often a clone is asked again. After cloneLasts without a word of it, it
	// is taken to be gone.
	recheckEvery = 2 * time.Minute
	cloneLasts   = 7 * time.Minute
)

// Limits of answering. A question costs one Ed25519 verification, about 60 µs.
const (
	// answersRate and answersBurst bound the questions answered, of all peers together: strangers
	// have a new ID each.
	answersRate, answersBurst = 4, 16
	// answerTime bounds one served stream.
	answerTime = 10 * time.Second
	// answerMemory is what a served stream holds.
	answerMemory = 1 << 10
)
