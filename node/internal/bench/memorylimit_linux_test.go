package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// memoryLimit makes a control group with a hard limit of memory, page cache included, and returns
// the file that a process writes its ID to. It takes root.
func memoryLimit(b *testing.B, bytes int) (procs string) {
	b.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		b.Skip("no control groups here:", err)
	}
	var parents []string
	for line := range strings.Lines(string(own)) {
		switch _, controllers, _ := strings.Cut(strings.TrimSpace(line), ":"); {
		case strings.HasPrefix(controllers, "memory:"):
			parents = append(parents, filepath.Join("/sys/fs/cgroup/memory", strings.TrimPrefix(controllers, "memory:")))
		case strings.HasPrefix(controllers, ":"):
			parents = append(parents, filepath.Join("/sys/fs/cgroup", controllers[1:]))
		}
	}
	for _, parent := range append(parents, "/sys/fs/cgroup/memory", "/sys/fs/cgroup") {
		group := filepath.Join(parent, fmt.Sprintf("lf-bench-%d-%d", os.Getpid(), time.Now().UnixNano()))
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		for _, name := range []string{"memory.limit_in_bytes", "memory.max"} {
			file := filepath.Join(group, name)
			if _, err := os.Stat(file); err == nil && os.WriteFile(file, []byte(strconv.Itoa(bytes)), 0o600) == nil {
				b.Cleanup(func() {
					if err := os.Remove(group); err != nil {
						b.Error(err)
					}
				})
				return filepath.Join(group, "cgroup.procs")
			}
		}
		_ = os.Remove(group)
	}
	b.Skip("no control group with a limit of memory can be made here: it takes root")
	return ""
}

// putVariable makes the test binary a process that puts the records of a file into the home that it
// names.
const putVariable = "LF_BENCH_PUT"

// putFrames puts the frames on standard input into the database of a home and says how many it put
// a second.
func putFrames(dir string) error {
	h, err := home.Open(dir)
	if err != nil {
		return err
	}
	network, _, err := h.Network()
	if err != nil {
		return err
	}
	s, err := store.Open(h.Database(), network, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	in, began, count := bufio.NewReader(os.Stdin), time.Now(), 0
	for {
		records, err := readFrames(in, 1024)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			break
		}
		if _, err := s.PutAll(context.Background(), records, nil); err != nil {
			return err
		}
		count += len(records)
	}
	_, err = fmt.Println(float64(count) / time.Since(began).Seconds())
	return err
}

// readFrames reads frames, each after its length, until the end.
func readFrames(in io.Reader, most int) (records []*protocol.Record, err error) {
	for len(records) < most {
		var size [2]byte
		if _, err := io.ReadFull(in, size[:]); errors.Is(err, io.EOF) {
			return records, nil
		} else if err != nil {
			return nil, err
		}
		frame := make([]byte, int(size[0])<<8|int(size[1]))
		if _, err := io.ReadFull(in, frame); err != nil {
			return nil, err
		}
		r, err := protocol.DecodeFrame(frame)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// limited compares how fast a process stores records with and without a hard limit of memory, the
// best of two runs each, in turns. None of the database's pages are in memory before.
func (g *largeHome) limited(b *testing.B) {
	const limit = 1 << 30
	procs := memoryLimit(b, limit)
	for b.Loop() {
		var free, bound float64
		for range 2 {
			free = max(free, g.putIn(b, "/dev/null"))
			bound = max(bound, g.putIn(b, procs))
		}
		b.ReportMetric(free, "unlimited-records/s")
		b.ReportMetric(bound, "1GiB-records/s")
		b.ReportMetric(bound/free, "×-unlimited")
	}
	b.ReportMetric(0, "ns/op")
}

// putIn has a process that joins a control group put the next records, and returns how many it put
// a second.
func (g *largeHome) putIn(b *testing.B, procs string) float64 {
	records, err := g.maker.Make(min(measuredPuts, g.maker.Made()/5))
	if err != nil {
		b.Fatal(err)
	}
	var frames []byte
	for _, r := range records {
		frame := r.EncodeFrame()
		frames = append(append(frames, byte(len(frame)>>8), byte(len(frame))), frame...)
	}
	g.evict(b)
	cmd := exec.Command("sh", "-c", `echo $$ >"$0" && exec "$1"`, procs, os.Args[0])
	cmd.Env = append(os.Environ(), putVariable+"="+g.Dir())
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(frames)), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}

// evict has the kernel forget the pages of the home's files.
func (g *largeHome) evict(b *testing.B) {
	unix.Sync()
	files, err := filepath.Glob(filepath.Join(g.Dir(), "*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			continue // a socket
		}
		_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		f.Close()
	}
}
