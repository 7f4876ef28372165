//go:build cgo

package pow

import (
	"slices"
	"testing"
	"time"
)

// fakeWay is a way to hash that is as fast and as right as a test wants.
type fakeWay struct {
	way
	absent, wrong bool
	takes         []time.Duration
	made          *[]string // the samples, in their order
}

func (f fakeWay) prove() (there, right bool) { return !f.absent, !f.wrong }

func (f fakeWay) sample(round int) time.Duration {
	*f.made = append(*f.made, f.named)
	return f.takes[round%len(f.takes)]
}

// TestChoose: the fastest way that is right is taken, by its best attempt. One that is wrong is
// never measured and never used, however fast it is.
func TestChoose(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	var made []string
	wide := fakeWay{way: way{avx512, "avx512"}, takes: []time.Duration{9 * ms, 2 * ms, 9 * ms}}
	narrow := fakeWay{way: way{avx2, "avx2"}, takes: []time.Duration{4 * ms}}
	plain := fakeWay{way: way{scalar, "scalar"}, takes: []time.Duration{5 * ms, 3 * ms}}
	slow := fakeWay{way: way{interpreted, "interpreted"}, takes: []time.Duration{40 * ms}}
	wrong := func(f fakeWay) fakeWay { f.wrong = true; return f }
	absent := func(f fakeWay) fakeWay { f.absent = true; return f }
	for name, row := range map[string]struct {
		all  []fakeWay
		want mode
	}{
		"one moment of rest is enough": {[]fakeWay{wide, narrow, plain, slow}, avx512},
		"the widest is wrong":          {[]fakeWay{wrong(wide), narrow, plain, slow}, scalar},
		"the widest is not there":      {[]fakeWay{absent(wide), narrow, absent(plain), slow}, avx2},
		"all code is wrong":            {[]fakeWay{wrong(wide), wrong(narrow), wrong(plain), slow}, interpreted},
		"no code is allowed":           {[]fakeWay{absent(wide), absent(narrow), absent(plain), slow}, interpreted},
	} {
		made = nil
		var candidates []candidate
		for _, f := range row.all {
			f.made = &made
			candidates = append(candidates, f)
		}
		c := choose(candidates)
		if c.mode != row.want {
			t.Errorf("%s: way %d is chosen, want %d", name, c.mode, row.want)
		}
		for _, f := range row.all {
			at := slices.IndexFunc(c.paths, func(p Path) bool { return p.Name == f.named })
			if (at < 0) != f.absent {
				t.Errorf("%s: %s is listed: %v", name, f.named, at >= 0)
			}
			if at < 0 {
				continue
			}
			p := c.paths[at]
			if p.Wrong != f.wrong || p.Chosen != (f.is == row.want) {
				t.Errorf("%s: %+v", name, p)
			}
			if measured := slices.Contains(made, f.named); measured && (f.wrong || f.is == interpreted && row.want != interpreted) {
				t.Errorf("%s: %s is measured", name, f.named)
			}
		}
	}
}

// TestPaths: on this machine every way that there is knows the answers, and one of the fastest is
// taken.
func TestPaths(t *testing.T) {
	t.Parallel()
	paths := Paths()
	if len(paths) != len(offered()) {
		t.Fatalf("%+v, and the machine has %+v", paths, offered())
	}
	for _, p := range paths {
		if p.Wrong {
			t.Errorf("%s does not know the answers", p.Name)
		}
		if p.Measure(1) == 0 {
			t.Errorf("%s takes no time", p.Name)
		}
	}
	if n := len(slices.DeleteFunc(paths, func(p Path) bool { return !p.Chosen })); n != 1 {
		t.Errorf("%d are chosen", n)
	}
}

// TestProvenHashes: the digest that every way has to show is the one of the reference in Go.
func TestProvenHashes(t *testing.T) {
	t.Parallel()
	const seeds = 32
	var digest uint64
	for i := range seeds {
		h := newRefHashX([]byte{'p', 'r', 'o', 'v', 'e', byte(i)}, nil)
		for _, first := range []uint64{0, ^uint64(0) - lanes/2 + 1} {
			for k := range uint64(lanes) {
				digest = (digest<<7 | digest>>57 ^ h.hash(first+k)) * 0x9e3779b97f4a7c15
			}
		}
	}
	if want := provenDigest(); digest != want {
		t.Errorf("the digest of the known answers is %#x, the C code wants %#x", digest, want)
	}
}
