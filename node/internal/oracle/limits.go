package oracle

import "time"

// Limits that a configuration may choose.
const (
	// DefaultPerHour is a commentary a minute. With about 14 words in each, on a network of the
	// default value limit, that is about 800 words an hour. It takes less than a thousandth of a
	// core.
	DefaultPerHour = 60
	// MaxPerHour bounds what of the past is remembered: as many times as a limit counts.
	MaxPerHour = 3600
	// DefaultOverload makes a commentary weigh on the tips that it links as much as four records of
	// others do.
	DefaultOverload = 4
	// MaxOverload is a bound against slips: at a thousand times the price one commentary costs
	// minutes of a core.
	MaxOverload = 1000
)

// limits are the numbers of a machine, so that tests can make them small.
type limits struct {
	// perRecord is how many words a record holds, perHour how many records an hour holds.
	perRecord, perHour int
	// queue bounds the words that wait in memory; what does not fit is found again from the cursor.
	queue int
	// page is how many composite keys are asked for at once.
	page int
	// gap is the time between two records. settle is how long a word waits for others to join it,
	// unless they are enough for a record.
	gap, settle time.Duration
	// scanGap is the time between two scans once everything was looked at, pageGap between two
	// pages before that.
	scanGap, pageGap time.Duration
	// poll is the time after which a scan needs no notice.
	poll time.Duration
	// fresh is how old a decision may be when its word is said; older ones are made again.
	fresh time.Duration
	// saveEvery is how often the cursor is saved while there is nothing to say.
	saveEvery time.Duration
	// retryMin doubles up to retryMax with every failure in a row. attempts is how often a record
	// is submitted before another one is made in its place.
	retryMin, retryMax time.Duration
	attempts           int
}

func defaultLimits(perRecord, perHour int) limits {
	return limits{
		perRecord: perRecord, perHour: perHour,
		// More than an hour's words at the default, 64 KiB. With pages of 64 keys it is refreshed
		// within seconds.
		queue: 1024, page: 64,
		// A burst of collisions, a squatter's or one after a heal, comes within seconds.
		gap: 5 * time.Second, settle: 5 * time.Second,
		// Scans read what is in the cache of the database. A page every 50 ms is a few percent of a
		// core, and 1,280 keys a second.
		scanGap: time.Second, pageGap: 50 * time.Millisecond,
		poll: time.Minute,
		// A release within a minute before an objection is rare, and mended by a withdrawal.
		fresh: time.Minute,
		// What is scanned twice after a crash costs little, a write to the disk every second much.
		saveEvery: time.Minute,
		retryMin:  2 * time.Second, retryMax: 5 * time.Minute,
		attempts: 4,
	}
}

// wantLinks is how many tips a commentary lends its weight to: more widen its reach, at 41 bytes
// each in the price.
const wantLinks = 8
