package bench

import (
	"io"
	"sort"
	"testing"
	"time"
)

// pace is an archive on its way to or from a node. It notes when the bytes passed.
type pace struct {
	io.Reader
	io.Writer
	bytes   int64
	samples []passed
}

// passed is a number of bytes and when they had passed.
type passed struct {
	bytes int64
	at    time.Time
}

func (p *pace) Read(into []byte) (int, error) {
	n, err := p.Reader.Read(into)
	p.note(n)
	return n, err
}

func (p *pace) Write(from []byte) (int, error) {
	n, err := p.Writer.Write(from)
	p.note(n)
	return n, err
}

func (p *pace) note(n int) {
	p.bytes += int64(n)
	if now := time.Now(); len(p.samples) == 0 || now.Sub(p.samples[len(p.samples)-1].at) > time.Millisecond {
		p.samples = append(p.samples, passed{p.bytes, now})
	}
}

// lastTenth is how long the last tenth of the bytes took, when all was done at the end.
func (p *pace) lastTenth(end time.Time) time.Duration {
	late := sort.Search(len(p.samples), func(i int) bool { return p.samples[i].bytes >= p.bytes-p.bytes/10 })
	if late == len(p.samples) {
		return 0
	}
	return end.Sub(p.samples[late].at)
}

// TestLastTenth has 100 bytes pass, one each second but for the last ten, which take two.
func TestLastTenth(t *testing.T) {
	t.Parallel()
	p, now := pace{bytes: 100}, time.Now()
	for i := range 100 {
		now = now.Add(time.Second)
		if i >= 90 {
			now = now.Add(time.Second)
		}
		p.samples = append(p.samples, passed{int64(i + 1), now})
	}
	if took := p.lastTenth(now); took != 20*time.Second {
		t.Errorf("the last tenth took %v, want 20 s", took)
	}
	if took := new(pace).lastTenth(now); took != 0 {
		t.Errorf("nothing took %v", took)
	}
}
