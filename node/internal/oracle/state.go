package oracle

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

// state is what a machine remembers across restarts. All of it could be found out again but two
// things. The limit rests on the times of the records of the last hour. Without the timestamp, a
// clock that was set back would make new words older than those that they correct.
type state struct {
	// cursor: of all records up to this index everything is said.
	cursor uint64
	// timestamp is that of the last record made, published that of the last one accepted; in
	// milliseconds.
	timestamp, published uint64
	// records are the times of the records made within the last hour, oldest first, on the
	// machine's clock; those of an earlier run are negative.
	records []time.Duration
	// open says that the last of records was on its way: until when it was submitted is not known.
	open bool
	// commentaries and words count what was published.
	commentaries, words uint64
}

// savedState is a state as it is kept, in JSON. It has times of the day in place of those of the
// machine's clock, and the owner, because another oracle has other words.
type savedState struct {
	Owner        protocol.Owner `json:"owner"`
	Cursor       uint64         `json:"cursor"`
	Timestamp    uint64         `json:"timestamp"`
	Published    uint64         `json:"published"`
	Records      []int64        `json:"records"` // milliseconds since the epoch
	Open         bool           `json:"open"`
	Commentaries uint64         `json:"commentaries"`
	Words        uint64         `json:"words"`
}

// encodeState writes a state. now and wall are the same moment by the machine's clock and by that
// of the day.
func encodeState(owner protocol.Owner, s state, now time.Duration, wall time.Time) ([]byte, error) {
	saved := savedState{
		Owner: owner, Cursor: s.cursor, Timestamp: s.timestamp, Published: s.published, Open: s.open,
		Commentaries: s.commentaries, Words: s.words,
	}
	for _, at := range s.records {
		roundUp := time.Millisecond - 1 // rather too young than too old
		saved.Records = append(saved.Records, wall.Add(at-now+roundUp).UnixMilli())
	}
	raw, err := json.Marshal(&saved)
	if err != nil {
		return nil, fmt.Errorf("encode the oracle's state: %w", err)
	}
	return raw, nil
}

// decodeState reads a state for a machine whose clock begins now. The records of an owner's other
// self, the key having been replaced, still count for the limit. The time of a record is not known
// if it was on its way, or if the clock was set back. It is taken to be as young as can be. So the
// limit holds.
func decodeState(raw []byte, owner protocol.Owner, wall time.Time) (state, error) {
	var saved savedState
	if err := strictjson.Unmarshal(raw, &saved, strictjson.IgnoreUnknown); err != nil {
		return state{}, fmt.Errorf("the oracle's state: %w", err)
	}
	var s state
	for i, ms := range saved.Records {
		age := max(wall.Sub(time.UnixMilli(ms)), 0)
		if saved.Open && i == len(saved.Records)-1 {
			age = 0
		}
		if age < time.Hour {
			s.records = append(s.records, -age)
		}
	}
	slices.Sort(s.records)
	s.records = s.records[max(len(s.records)-MaxPerHour, 0):]
	if saved.Owner == owner {
		s.cursor, s.timestamp, s.published = saved.Cursor, min(saved.Timestamp, protocol.MaxTimestamp), saved.Published
		s.commentaries, s.words = saved.Commentaries, saved.Words
	}
	return s, nil
}
