package oracle

import (
	"fmt"
	"slices"
	"time"
)

// machine decides what a commentator does next. It is a pure state machine: what happened and the
// time go in by its methods, and next says what to do. It has no goroutine and no clock, and does
// no I/O. It is not safe for concurrent use. Times are durations since its start.
//
// It does one thing at a time. Whatever next returns, but for wait, is answered by the method of
// the same matter before next is called again. So a key is never judged while a record with words
// about it is on its way. What the store says of the oracle's words is always all that was said.
type machine struct {
	limits limits
	now    time.Duration
	state  // with the cursor that was saved last

	// pos is up to where the store was looked at; lags says that there may be more. full says
	// that a page did not fit into the queue.
	pos          uint64
	lags, full   bool
	scanAt       time.Duration
	scanFailures int

	queue     queue
	since     time.Duration // when the queue was last empty
	forgotten int           // words that wait although they were dropped, to be decided again
	flight    *flight       // the record on its way
	retryAt   time.Duration
	failures  int

	saveAt time.Duration

	// What went wrong last, empty when it did not.
	scanTrouble, trouble string
}

// flight is a record on its way: made, and neither accepted nor given up.
type flight struct {
	words    []Word
	saved    bool // that it counts for the limit
	attempts int
}

// An action is what the driver has to do.
type action interface{ isAction() }

// scan asks for the collisions after an index and for the oracle's words about them; scanned
// answers.
type scan struct {
	after uint64
	limit int
}

// prepare asks for a record with these words, with its work and a timestamp above after; prepared
// answers.
type prepare struct {
	words []Word
	after uint64
}

// save asks to keep the state, durably; saved answers. It comes before every submission.
type save struct{ state state }

// submit asks to submit the record that was prepared last; submitted answers.
type submit struct{}

// wait says that there is nothing to do until a time, or until something is attached.
type wait struct{ until time.Duration }

func (scan) isAction()    {}
func (prepare) isAction() {}
func (save) isAction()    {}
func (submit) isAction()  {}
func (wait) isAction()    {}

func newMachine(l limits, s state) *machine {
	return &machine{
		limits: l, state: s, pos: s.cursor, lags: true,
		queue: newQueue(l.queue), saveAt: l.saveEvery,
	}
}

// tick tells the time.
func (m *machine) tick(now time.Duration) {
	m.now = max(m.now, now)
	keep := 0
	if m.flight != nil { // its time is still to be corrected
		keep = 1
	}
	for len(m.records) > keep && m.now-m.records[0] >= time.Hour {
		m.records = m.records[1:]
	}
}

// attached tells that there are new records.
func (m *machine) attached() { m.lags = true }

// next says what to do. It changes nothing that matters when it is called twice.
func (m *machine) next() action {
	if m.flight != nil {
		return m.forward()
	}
	if m.queue.words > 0 && m.publishAt() <= m.now {
		words, decided := m.queue.first(m.limits.perRecord)
		if m.now-decided <= m.limits.fresh {
			return prepare{words, m.timestamp}
		}
		m.startOver()
	}
	if m.mayScan() && m.scanAt <= m.now {
		return scan{m.pos, m.limits.page}
	}
	if m.changed() && m.saveAt <= m.now {
		return save{m.snapshot()}
	}
	return m.idle()
}

// forward moves the record on its way.
func (m *machine) forward() action {
	switch {
	case m.retryAt > m.now:
		return wait{m.retryAt}
	case !m.flight.saved:
		return save{m.snapshot()}
	}
	return submit{}
}

// idle waits until the first of what is to come.
func (m *machine) idle() action {
	var until time.Duration
	switch {
	case m.full: // then words wait
		until = m.publishAt()
	case m.lags:
		until = m.scanAt
	default:
		until = m.scanAt + m.limits.poll
	}
	if m.queue.words > 0 {
		until = min(until, m.publishAt())
	}
	if m.changed() {
		until = min(until, m.saveAt)
	}
	return wait{until}
}

// mayScan reports whether there may be something to find, and room for it. Without any notice there
// is once in a while.
func (m *machine) mayScan() bool {
	if m.full && m.queue.words <= m.limits.queue/2 {
		m.full = false
	}
	return !m.full && (m.lags || m.now >= m.scanAt+m.limits.poll)
}

// publishAt is when the next record may be made, given that words wait.
func (m *machine) publishAt() time.Duration {
	at := m.retryAt
	if m.queue.words < m.limits.perRecord {
		at = max(at, m.since+m.limits.settle)
	}
	if n := len(m.records); n > 0 {
		at = max(at, m.records[n-1]+m.limits.gap)
	}
	return max(at, m.roomAt())
}

// roomAt is when the limit lets the next record through.
func (m *machine) roomAt() time.Duration {
	if n := len(m.records) - m.limits.perHour; n >= 0 {
		return m.records[n] + time.Hour
	}
	return m.now
}

// startOver drops what waits and looks at everything again that is not said.
func (m *machine) startOver() {
	m.pos = m.position()
	m.forgotten = max(m.forgotten, m.queue.words)
	m.queue = newQueue(m.limits.queue)
	m.lags, m.full = true, false
}

// position is up to where everything is said.
func (m *machine) position() uint64 { return m.queue.cursor(m.pos) }

// snapshot is the state to keep.
func (m *machine) snapshot() state {
	s := m.state
	s.cursor, s.records, s.open = m.position(), slices.Clone(m.records), m.flight != nil
	return s
}

// changed reports whether there is more to keep than was saved last.
func (m *machine) changed() bool { return m.position() != m.cursor || m.open }

// scanned tells what a scan found. A store that ends before the cursor is another one than the
// cursor is of.
func (m *machine) scanned(found []judged, next uint64, err error) {
	if err != nil {
		m.scanFailures++
		m.scanTrouble = fmt.Sprintf("cannot look for collisions: %v", err)
		m.scanAt = m.now + m.limits.pause(m.scanFailures)
		return
	}
	m.scanFailures, m.scanTrouble = 0, ""
	m.scanAt = m.now + m.limits.pageGap
	switch {
	case next < m.pos:
		m.startOver()
		m.pos = 0
		return
	case next == m.pos:
		m.lags, m.forgotten, m.scanAt = false, 0, m.now+m.limits.scanGap
		return
	}
	fits := true
	for _, j := range found {
		fits = m.weigh(j) && fits
	}
	if fits {
		m.pos = next
		return
	}
	m.full, m.forgotten = true, 0
}

// weigh puts what there is to say about a key into the queue.
func (m *machine) weigh(j judged) bool {
	if m.queue.words == 0 {
		m.since = m.now
	}
	return m.queue.put(waitingKey{composite: j.Composite, words: j.differences(), after: m.pos, at: m.now})
}

// prepared tells what came of making a record with these words.
func (m *machine) prepared(words []Word, timestamp uint64, err error) {
	if err != nil {
		m.failed(err)
		return
	}
	m.timestamp = timestamp
	m.records = append(m.records, m.now)
	m.flight = &flight{words: words}
}

// saved tells whether the state of the last save is kept.
func (m *machine) saved(s state, err error) {
	m.saveAt = m.now + m.limits.saveEvery
	switch {
	case err == nil:
		m.cursor, m.open = s.cursor, s.open
		if m.flight != nil {
			m.flight.saved = true
		}
	case m.flight != nil:
		m.missed(fmt.Errorf("cannot save how far it is: %w", err))
	}
}

// submitted tells whether the record is accepted.
func (m *machine) submitted(err error) {
	m.records[len(m.records)-1] = m.now
	if err != nil {
		m.missed(err)
		return
	}
	m.commentaries++
	m.words += uint64(len(m.flight.words))
	m.published = m.timestamp
	m.queue.drop(m.flight.words)
	m.since = m.now
	m.flight, m.failures, m.trouble, m.forgotten = nil, 0, "", 0
}

// missed notes a failure of the record on its way. It is tried again as it is. So its work is not
// lost, and there are no two of it if it was accepted after all. It is not tried forever, since
// something may be wrong with it.
func (m *machine) missed(err error) {
	m.failed(err)
	m.flight.saved = false // the limit counts from the last attempt
	if m.flight.attempts++; m.flight.attempts >= m.limits.attempts {
		m.flight = nil
		m.startOver()
	}
}

func (m *machine) failed(err error) {
	m.failures++
	m.trouble = err.Error()
	m.retryAt = m.now + m.limits.pause(m.failures)
}

// waiting is how many words are known to wait.
func (m *machine) waiting() int { return max(m.queue.words, m.forgotten) }

// silent says why words wait, or why it is not known whether any do; empty when nothing is the
// matter.
func (m *machine) silent() string {
	if complaint := m.complaint(); complaint != "" || m.waiting() == 0 || m.roomAt() <= m.now {
		return complaint
	}
	return fmt.Sprintf("%d commentaries within an hour, as many as it may publish", m.limits.perHour)
}

// complaint says what is wrong, which the limit is not.
func (m *machine) complaint() string {
	switch {
	case m.scanTrouble != "":
		return m.scanTrouble
	case m.waiting() > 0:
		return m.trouble
	}
	return ""
}

// pause is how long to wait after a number of failures in a row.
func (l *limits) pause(failures int) time.Duration {
	if failures > 16 { // no overflow
		return l.retryMax
	}
	return min(l.retryMin<<(failures-1), l.retryMax)
}
