package outbox

import (
	"fmt"
	"time"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

const (
	// maxLine bounds a line that is read: a frame in base64, and room.
	maxLine = protocol.MaxFrame*4/3 + 4<<10
	// A file of more lines than this is written again once most of them are outdated.
	minCompacted = 256
)

// line is a line of the file.
type line struct {
	ID     protocol.ID `json:"id"`
	Client string      `json:"client,omitempty"`
	At     int64       `json:"at,omitempty"` // ms since the Unix epoch
	Frame  []byte      `json:"frame,omitempty"`
	Done   bool        `json:"done,omitempty"`
}

func lineOf(r *Record) line {
	return line{ID: r.ID, Client: r.Client, At: r.at.UnixMilli(), Frame: r.Frame}
}

// replay takes in a line that was read. One that cannot be read, or that is no record, is left out.
func (o *Outbox) replay(text []byte) {
	var l line
	if strictjson.Unmarshal(text, &l, 0) != nil {
		return
	}
	if l.Done {
		if r, ok := o.records[l.ID]; ok {
			o.remove(r)
		}
		return
	}
	r, err := protocol.DecodeFrame(l.Frame)
	if _, twice := o.records[l.ID]; err != nil || twice || r.ID() != l.ID {
		return
	}
	at := time.UnixMilli(min(l.At, o.now().UnixMilli())) // the clock was ahead
	o.add(&Record{ID: l.ID, Frame: l.Frame, Client: l.Client, at: at})
}

// note appends a line, and writes the file again where most of it is outdated.
func (o *Outbox) note(l line, durable bool) error {
	err := o.file.Append(l, durable)
	if err == nil && o.file.Lines() >= max(minCompacted, 4*len(o.records)) {
		err = o.file.Replace(func(add func(any) error) error {
			for _, r := range o.records {
				if err := add(lineOf(r)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("the outbox: %w", err)
	}
	return nil
}
