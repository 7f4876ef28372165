package main

import (
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// byteMeter counts the bytes that pass, and shows them on a terminal.
type byteMeter struct {
	bytes int64
	all   *mpb.Progress // nil: nothing is shown
	bar   *mpb.Bar
}

// byteMeter shows how far a file is that has this many bytes; 0: it is not known how many.
func (c *cli) byteMeter(total int64) *byteMeter {
	if !c.interactive() {
		return &byteMeter{}
	}
	all := mpb.New(mpb.WithOutput(c.stderr), mpb.WithRefreshRate(100*time.Millisecond))
	counters := decor.CountersKibiByte("% .1f / % .1f")
	if total == 0 {
		counters = decor.CurrentKibiByte("% .1f")
	}
	bar := all.AddBar(total, mpb.PrependDecorators(counters), mpb.AppendDecorators(decor.AverageSpeed(decor.SizeB1024(0), "% .1f")))
	return &byteMeter{all: all, bar: bar}
}

func (m *byteMeter) count(n int) {
	m.bytes += int64(n)
	if m.bar != nil {
		m.bar.IncrBy(n)
	}
}

// end leaves what is shown as it is.
func (m *byteMeter) end(complete bool) {
	if m.bar == nil {
		return
	}
	if complete {
		m.bar.SetTotal(-1, true)
	} else {
		m.bar.Abort(false)
	}
	m.all.Wait()
}

func (m *byteMeter) reader(r io.Reader) io.Reader { return meteredReader{r, m} }
func (m *byteMeter) writer(w io.Writer) io.Writer { return meteredWriter{w, m} }

type meteredReader struct {
	io.Reader
	meter *byteMeter
}

func (r meteredReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.meter.count(n)
	return n, err
}

type meteredWriter struct {
	io.Writer
	meter *byteMeter
}

func (w meteredWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.meter.count(n)
	return n, err
}
