package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// maxSetLine bounds a line of a batch, in bytes: the longest value, with every byte of it escaped,
// and its names.
const maxSetLine = 1 << 20

// setBatch sets what the lines of a batch say: one after the other, in their order.
type setBatch struct {
	*cli
	client  *lf.Client
	options lf.BulkOption
	report  func(lf.Work)
	erase   func() // of what report draws

	// Of the line: what the node took, and whether a record was composed for it.
	done     *lf.Written
	composed bool

	lines, failed int
}

// setLine is what came of a line, in JSON output.
type setLine struct {
	Line int `json:"line"`
	*lf.Written
	Error string `json:"error,omitempty"`
}

func (c *cli) setBatch(ctx context.Context, a *authoring, name string) error {
	if err := a.check(); err != nil {
		return err
	}
	var in io.Reader = c.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("--batch: %w", err)
		}
		defer f.Close()
		in = f
	}
	return a.within(ctx, func(ctx context.Context) error {
		client, err := c.connectAuthor(ctx, a)
		if err != nil {
			return err
		}
		defer client.Close()
		b := &setBatch{cli: c, client: client}
		b.report, b.erase = c.workReport()
		options, err := a.options(c, client)
		if err != nil {
			return err
		}
		b.options = lf.Join(options, lf.OnWork(b.report), lf.OnComposed(func(*protocol.Record) { b.composed = true }), lf.OnWritten(func(_ *protocol.Record, w *lf.Written) { b.done = w }))
		return b.run(ctx, name, in)
	})
}

// run writes each line when it comes: the input may be a pipe that stays open.
func (b *setBatch) run(ctx context.Context, name string, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for lines := linesOf(ctx, in); ; {
		line, err := nextLine(ctx, lines)
		switch {
		case errors.Is(err, io.EOF):
			return b.end(name)
		case err != nil && line.number > 0:
			return fmt.Errorf("--batch %s, line %d: %w", name, line.number, err)
		case err != nil:
			return err
		case len(line.text) == 0:
			continue
		}
		b.lines++
		err = b.set(ctx, line.text)
		b.erase()
		if isOfAll(ctx, err) {
			return fmt.Errorf("--batch %s, line %d: %w (%s before it)", name, line.number, err, text.Count(b.lines-1-b.failed, "line was written", "lines were written"))
		}
		if err != nil {
			b.failed++
			b.note("--batch %s, line %d: %v", name, line.number, err)
		}
		if err := b.print(line.number, err); err != nil {
			return err
		}
	}
}

func (b *setBatch) end(name string) error {
	if b.failed > 0 {
		return fmt.Errorf("--batch %s: %d of %s failed", name, b.failed, text.Count(b.lines, "line", "lines"))
	}
	return nil
}

func (b *setBatch) set(ctx context.Context, line []byte) error {
	b.done, b.composed = nil, false
	e, err := lf.ParseEntry(line)
	switch {
	case err != nil:
		return err
	case e.Deleted:
		return b.client.Delete(ctx, e.Key, b.options)
	}
	_, err = b.client.Set(ctx, e.Key, e.Value, b.options)
	return err
}

// print says what came of a line: the record's CID, or a JSON object in a line.
func (b *setBatch) print(line int, failed error) error {
	switch {
	case b.json:
		out := setLine{Line: line, Written: b.done}
		if failed != nil {
			out.Written, out.Error = nil, text.Line(failed.Error())
		}
		encoded, err := json.Marshal(out)
		if err != nil {
			return fmt.Errorf("encode the output: %w", err)
		}
		return b.printf("%s\n", encoded)
	case failed == nil:
		return b.printSubmitted(b.done, b.composed)
	}
	return nil
}

// isOfAll reports whether an error is about more than the line at hand, so that the next one would
// fail as well.
func isOfAll(ctx context.Context, err error) bool {
	var forged *lf.ForgedError
	var noToken *lf.TokenError
	var uncertified *lf.UncertifiedError
	var clock *lf.ClockError
	var refused *api.Error
	switch {
	case err == nil:
		return false
	case errors.As(err, &refused) && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden):
		return true
	}
	return ctx.Err() != nil || lf.IsAway(err) || errors.Is(err, lf.ErrNoHome) || errors.As(err, &forged) || errors.As(err, &noToken) ||
		errors.As(err, &uncertified) || errors.As(err, &clock)
}

// inputLine is a line of an input, or why there are no more.
type inputLine struct {
	number int
	text   []byte
	err    error
}

// nextLine returns io.EOF after the last line.
func nextLine(ctx context.Context, lines <-chan inputLine) (inputLine, error) {
	select {
	case <-ctx.Done():
		return inputLine{}, context.Cause(ctx)
	case line, more := <-lines:
		if !more && ctx.Err() == nil {
			return line, io.EOF
		}
		return line, cmp.Or(line.err, context.Cause(ctx))
	}
}

// linesOf reads lines until the context ends. A read that waits for input cannot be ended: it goes
// on until the process ends.
func linesOf(ctx context.Context, in io.Reader) <-chan inputLine {
	out := make(chan inputLine)
	go func() {
		defer close(out)
		lines := bufio.NewScanner(in)
		lines.Buffer(make([]byte, 64<<10), maxSetLine)
		for n := 1; ; n++ {
			line := inputLine{number: n}
			if lines.Scan() {
				line.text = bytes.Clone(bytes.Trim(lines.Bytes(), " \t\r"))
			} else if line.err = lines.Err(); line.err == nil {
				return
			}
			select {
			case out <- line:
			case <-ctx.Done():
				return
			}
			if line.err != nil {
				return
			}
		}
	}()
	return out
}
