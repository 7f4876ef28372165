package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// TypeCAR is the media type of an archive: all records of a node, as a CAR file (version 1).
const TypeCAR = "application/vnd.ipld.car"

// archiveSilence is how long a node may take for the next bytes of an archive, or for taking some.
const archiveSilence = 2 * time.Minute

// Archive is what a full node offers in addition to [Service]: its records as a file.
type Archive interface {
	// Export writes all attached records to w, parents before children. With an error the file is
	// cut off.
	Export(ctx context.Context, w io.Writer) error
	// Import takes in the records of an archive that anybody may have made. Each is checked like
	// one from a peer. It ends at the first that is wrong, with an [Error] that says which; the
	// records before it stay. To go on after an interruption, import the same file again: what the
	// node has costs little.
	Import(ctx context.Context, r io.Reader) (*Imported, error)
}

// Imported is what became of an archive.
type Imported struct {
	Records uint64 `json:"records" doc:"records in the file"`
	Added   uint64 `json:"added" doc:"how many of them the node did not have"`
}

var _ Archive = (*Client)(nil)

// Export implements [Archive]. A node that sends nothing for 2 minutes is taken for dead.
func (c *Client) Export(ctx context.Context, w io.Writer) error {
	ctx, alive := c.alive(ctx)
	defer alive.end()
	resp, err := c.stream(ctx, request{method: http.MethodGet, path: "/v1/export", accept: TypeCAR, repeatable: true}, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), TypeCAR) {
		return c.stranger(resp)
	}
	to := &writerErrors{w: w}
	if _, err := io.Copy(to, awaited{resp.Body, alive.timer}); err != nil {
		if to.err != nil {
			return fmt.Errorf("write the archive: %w", to.err)
		}
		return c.failed(ctx, fmt.Errorf("the node ended the archive early; its log says why: %w", err))
	}
	return nil
}

// Import implements [Archive]. A node that takes nothing for 2 minutes is taken for dead.
func (c *Client) Import(ctx context.Context, r io.Reader) (*Imported, error) {
	ctx, alive := c.alive(ctx)
	defer alive.end()
	from := &readerErrors{r: offered{r, alive.timer}}
	resp, err := c.stream(ctx, request{method: http.MethodPost, path: "/v1/import", contentType: TypeCAR}, from)
	if err != nil {
		if from.err != nil {
			return nil, fmt.Errorf("read the archive: %w", from.err)
		}
		return nil, err
	}
	defer resp.Body.Close()
	var done Imported
	return ok(&done, c.read(ctx, resp, &done))
}

// stream makes a call whose body, or whose answer, takes as long as it takes.
func (c *Client) stream(ctx context.Context, q request, body io.Reader) (*http.Response, error) {
	if c.err != nil {
		return nil, c.err
	}
	r, err := c.newRequest(ctx, q)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Body = io.NopCloser(body)
		r.ContentLength = -1
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return nil, c.problem(resp)
	}
	return resp, nil
}

// aliveness ends a call when nothing has moved for a time.
type aliveness struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func (c *Client) alive(ctx context.Context) (context.Context, *aliveness) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &aliveness{time.AfterFunc(archiveSilence, func() { cancel(&TimeoutError{c.url, archiveSilence}) }), cancel}
}

func (a *aliveness) end() {
	a.timer.Stop()
	a.cancel(nil)
}

// awaited is read from the node: the time counts while a read waits.
type awaited struct {
	io.Reader
	timer *time.Timer
}

func (r awaited) Read(p []byte) (int, error) {
	r.timer.Reset(archiveSilence)
	defer r.timer.Stop()
	return r.Reader.Read(p)
}

// offered is sent to the node: the time counts while nothing more is asked for.
type offered struct {
	io.Reader
	timer *time.Timer
}

func (r offered) Read(p []byte) (int, error) {
	r.timer.Stop()
	defer r.timer.Reset(archiveSilence)
	return r.Reader.Read(p)
}

// readerErrors and writerErrors tell the fault of the caller's file from one of the connection.
type readerErrors struct {
	r   io.Reader
	err error
}

func (e *readerErrors) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		e.err = err
	}
	return n, err
}

type writerErrors struct {
	w   io.Writer
	err error
}

func (e *writerErrors) Write(p []byte) (int, error) {
	n, err := e.w.Write(p)
	if err != nil {
		e.err = err
	}
	return n, err
}
