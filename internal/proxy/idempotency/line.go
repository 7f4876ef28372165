package idempotency

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

const (
	// maxLine bounds a line that is read: a frame in base64, and room.
	maxLine = protocol.MaxFrame*4/3 + 4<<10
	// A file of more lines than this is written again once most of them are outdated.
	minCompacted = 1024
)

// line is a line of the file: what was known of a key at a time. The last one counts.
type line struct {
	Client string          `json:"client"`
	Key    string          `json:"key"`
	Body   string          `json:"body"`
	At     int64           `json:"at"` // ms since the Unix epoch
	Frame  []byte          `json:"frame,omitempty"`
	Answer json.RawMessage `json:"answer,omitempty"`
}

func lineOf(e *entry) line {
	return line{
		Client: e.client.name, Key: hex.EncodeToString(e.key[:]), Body: hex.EncodeToString(e.body[:]), At: e.at.UnixMilli(),
		Frame: e.frame, Answer: e.answer,
	}
}

// replay takes in a line that was read. One that cannot be read is left out.
func (k *Keys) replay(text []byte) {
	var l line
	var key, body digest
	if strictjson.Unmarshal(text, &l, 0) != nil || !decodeDigest(&key, l.Key) || !decodeDigest(&body, l.Body) {
		return
	}
	e, known := k.entries[key]
	if !known {
		at := min(l.At, k.now().UnixMilli()) // the clock was ahead, or the file is damaged
		e = k.add(l.Client, key, body, time.UnixMilli(at))
	}
	e.frame, e.answer = l.Frame, l.Answer
}

func decodeDigest(d *digest, text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == len(d) && copy(d[:], b) == len(d)
}

// compact writes the file again without what is outdated, if that is most of it.
func (k *Keys) compact() error {
	if k.file.Lines() < minCompacted || k.file.Lines() < 4*len(k.entries) {
		return nil
	}
	err := k.file.Replace(func(add func(any) error) error {
		for _, c := range k.clients {
			for at := c.order.Front(); at != nil; at = at.Next() {
				if e := at.Value.(*entry); e.frame != nil || e.answer != nil {
					if err := add(lineOf(e)); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("the keys of requests: %w", err)
	}
	return nil
}

// note appends what is known of a key now.
func (k *Keys) note(e *entry, durable bool) error {
	if err := k.file.Append(lineOf(e), durable); err != nil {
		return fmt.Errorf("note a request's key: %w", err)
	}
	return nil
}
