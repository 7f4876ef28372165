package idempotency

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
	if k.file.lines < minCompacted || k.file.lines < 4*len(k.entries) {
		return nil
	}
	var text bytes.Buffer
	lines := 0
	for _, c := range k.clients {
		for at := c.order.Front(); at != nil; at = at.Next() {
			if e := at.Value.(*entry); e.frame != nil || e.answer != nil {
				if err := encode(&text, lineOf(e)); err != nil {
					return err
				}
				lines++
			}
		}
	}
	return k.file.replace(text.Bytes(), lines)
}

// encode writes a line.
func encode(w io.Writer, l line) error {
	if err := json.NewEncoder(w).Encode(l); err != nil {
		return fmt.Errorf("encode a request's key: %w", err)
	}
	return nil
}

// journal is the file. Its user may read it alone.
type journal struct {
	path  string
	file  *os.File
	lines int
	torn  bool // the last line has no end
}

// openJournal opens a file and gives each of its lines to take.
func openJournal(path string, take func([]byte)) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the keys of requests: %w", err)
	}
	j := &journal{path: path, file: f}
	if err := j.read(take); err != nil {
		return nil, errors.Join(fmt.Errorf("the keys of requests: %s: %w", path, err), f.Close())
	}
	return j, nil
}

func (j *journal) read(take func([]byte)) error {
	if err := j.file.Chmod(0o600); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(j.file, maxLine)
	for {
		text, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // no line of ours
			continue
		case errors.Is(err, io.EOF):
			j.torn = len(text) > 0
			return nil
		case err != nil:
			return err
		}
		j.lines++
		take(text)
	}
}

// append writes a line, and waits until it is on disk if it must be.
func (j *journal) append(l line, durable bool) error {
	var text bytes.Buffer
	if j.torn {
		text.WriteByte('\n')
	}
	if err := encode(&text, l); err != nil {
		return err
	}
	_, err := j.file.Write(text.Bytes())
	if j.torn = err != nil; err == nil && durable {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("note a request's key: %w", err)
	}
	j.lines++
	return nil
}

// replace puts a new content in place of the old one, which stays if that fails.
func (j *journal) replace(text []byte, lines int) error {
	temporary := j.path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the keys of requests: %w", err)
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.Write(text)
		if err = errors.Join(err, f.Sync()); err == nil {
			err = os.Rename(temporary, j.path)
		}
	}
	if err != nil {
		return fmt.Errorf("the keys of requests: %w", errors.Join(err, closeFile(f)))
	}
	old := j.file
	j.file, j.lines, j.torn = f, lines, false
	return closeFile(old)
}

func closeFile(f *os.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

func (j *journal) close() error { return j.file.Close() }
