package linelog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// File is a file of lines. Its user alone may read it. Its methods may not be called concurrently.
type File struct {
	path  string
	file  *os.File
	lines int
	torn  bool // the last line has no end
}

// Open opens a file, or makes it, and gives each of its lines to take. A line is longer than
// maxLine bytes only where the file is damaged: it is passed over. take keeps no line. The caller
// must Close.
func Open(path string, maxLine int, take func(line []byte)) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	l := &File{path: path, file: f}
	if err := l.read(maxLine, take); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return l, nil
}

func (l *File) read(maxLine int, take func([]byte)) error {
	if err := l.file.Chmod(0o600); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(l.file, maxLine)
	for tooLong := false; ; {
		text, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // no line of ours
			tooLong = true
			continue
		case errors.Is(err, io.EOF):
			l.torn = len(text) > 0 || tooLong
			return nil
		case err != nil:
			return err
		}
		if l.lines++; !tooLong {
			take(text)
		}
		tooLong = false
	}
}

// Lines counts the lines, those that are outdated included.
func (l *File) Lines() int { return l.lines }

// Append writes a value as a line. If it must be durable, Append waits until it is on disk.
func (l *File) Append(v any, durable bool) error {
	line, err := encode(v)
	if err != nil {
		return err
	}
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	_, err = l.file.Write(line)
	if l.torn = err != nil; err == nil && durable {
		err = l.file.Sync()
	}
	if err != nil {
		return err
	}
	l.lines++
	return nil
}

// Replace puts new lines in place of all old ones, which stay if that fails. each calls add for
// each of them.
func (l *File) Replace(each func(add func(v any) error) error) error {
	var text bytes.Buffer
	lines := 0
	err := each(func(v any) error {
		line, err := encode(v)
		text.Write(line)
		lines++
		return err
	})
	if err != nil {
		return err
	}
	f, err := l.write(text.Bytes())
	if err != nil {
		return err
	}
	old := l.file
	l.file, l.lines, l.torn = f, lines, false
	return old.Close()
}

// write makes a file with this content in place of the present one.
func (l *File) write(text []byte) (*os.File, error) {
	temporary := l.path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync()); err == nil {
		err = os.Rename(temporary, l.path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close closes the file.
func (l *File) Close() error { return l.file.Close() }

func encode(v any) ([]byte, error) {
	line, err := json.Marshal(v)
	return append(line, '\n'), err
}
