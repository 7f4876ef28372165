package apitest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Plan says what to ask a server, and how hard.
type Plan struct {
	// Address is HOST:PORT.
	Address string
	// Conns is how many connections are kept, each with one request under way; 0 is 16.
	Conns int
	// Requests is how many requests are made in all.
	Requests int
	// Request returns the i-th request as it goes over the wire; see [Get] and [Post]. It is called
	// from several goroutines.
	Request func(i int) []byte
}

// Figures tell how a server did: the time that a request took, and requests per second over all
// connections.
type Figures struct {
	Median, P99 time.Duration
	PerSecond   float64
}

// Report writes the figures as metrics of a benchmark: *testing.B has the method.
func (f Figures) Report(b interface {
	ReportMetric(n float64, unit string)
}) {
	b.ReportMetric(f.PerSecond, "req/s")
	b.ReportMetric(float64(f.Median.Microseconds()), "µs-median")
	b.ReportMetric(float64(f.P99.Microseconds()), "µs-p99")
}

// Get is a request for a path and query string.
func Get(path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
}

// Post is a request with a body of JSON.
func Post(path string, body []byte) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// Load makes a plan's requests. It is deliberately poor at HTTP, so that on the same machine it
// leaves the processor to the server, as wrk does. Any answer but 200 is an error.
func Load(ctx context.Context, p Plan) (Figures, error) {
	if p.Conns == 0 {
		p.Conns = 16
	}
	if p.Conns > p.Requests {
		p.Conns = p.Requests
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	times := make([][]time.Duration, p.Conns)
	var wg sync.WaitGroup
	begin := time.Now()
	for c := range p.Conns {
		wg.Go(func() {
			var err error
			if times[c], err = p.connection(ctx, &next); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	if ctx.Err() != nil {
		return Figures{}, context.Cause(ctx)
	}
	return figures(slices.Concat(times...), took), nil
}

func figures(times []time.Duration, took time.Duration) Figures {
	if len(times) == 0 {
		return Figures{}
	}
	slices.Sort(times)
	n := len(times)
	return Figures{
		Median: times[n/2], P99: times[min(n-1, n*99/100)],
		PerSecond: float64(n) / took.Seconds(),
	}
}

// connection makes requests over one connection until there are none left.
func (p *Plan) connection(ctx context.Context, next *atomic.Int64) ([]time.Duration, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// wakes what reads or writes
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	times := make([]time.Duration, 0, p.Requests/p.Conns+1)
	r := bufio.NewReaderSize(conn, 16<<10)
	for {
		i := int(next.Add(1)) - 1
		if i >= p.Requests {
			return times, nil
		}
		request := p.Request(i)
		begin := time.Now()
		if _, err := conn.Write(request); err != nil {
			return nil, fmt.Errorf("request %d: %w", i, err)
		}
		if err := readAnswer(r); err != nil {
			return nil, fmt.Errorf("request %d: %w", i, err)
		}
		times = append(times, time.Since(begin))
	}
}

// readAnswer reads an answer and forgets it.
func readAnswer(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	failed := ""
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200")) {
		failed = string(bytes.TrimSpace(status))
	}
	length, err := readHeader(r)
	if err != nil {
		return err
	}
	body := io.LimitReader(r, int64(length))
	if length < 0 {
		body = httputil.NewChunkedReader(r)
	}
	if failed != "" {
		text, _ := io.ReadAll(body)
		return fmt.Errorf("the server answers %s: %s", failed, text)
	}
	if _, err = io.Copy(io.Discard, body); err == nil && length < 0 {
		_, err = r.ReadSlice('\n') // the end of the trailer, which is empty
	}
	return err
}

// readHeader reads up to the body and returns its length, -1 if it comes in chunks.
func readHeader(r *bufio.Reader) (length int, err error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return length, nil
		}
		if string(line) == "Transfer-Encoding: chunked" {
			length = -1
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		}
	}
}
