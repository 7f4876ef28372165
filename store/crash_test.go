package store

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// childDir tells the test binary that it is the process to be killed, and where its files are.
const childDir = "LF_STORE_CRASH_DIR"

// runChild writes the records of a file into a store from several goroutines, out of order, one by
// one and many at once. It prints the number of each after it was acknowledged. It reports whether
// this process was such a child.
func runChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	if err := child(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func child(dir string) error {
	w, records, err := readCrashFiles(dir)
	if err != nil {
		return err
	}
	s, err := Open(filepath.Join(dir, "lf.db"), w.Network, Options{files: smallFiles, tuning: crashTuning()})
	if err != nil {
		return err
	}
	var out sync.Mutex
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			mine := slices.DeleteFunc(rand.Perm(len(records)), func(i int) bool { return i%8 != g })
			if g == 0 {
				slices.Sort(mine) // as a backfill does
			}
			for len(mine) > 0 {
				n := 1
				if g < 2 {
					n = min(1+rand.IntN(200), len(mine))
				}
				putSome(s, records, mine[:n])
				out.Lock()
				for _, i := range mine[:n] {
					fmt.Println(i)
				}
				out.Unlock()
				mine = mine[n:]
			}
		})
	}
	group.Wait()
	return s.Close()
}

// crashTuning writes and merges runs all the time.
func crashTuning() tuning {
	t := defaultTuning
	t.runs = runs.Tuning{Recent: 40, Fanout: 3, Rate: 6}
	return t
}

// putSome puts one record by itself, and several in bulk.
func putSome(s *Store, records []*protocol.Record, some []int) {
	var results []Result
	var err error
	if len(some) == 1 {
		results = make([]Result, 1)
		results[0], err = s.Put(context.Background(), records[some[0]], 0)
	} else {
		bulk := make([]*protocol.Record, len(some))
		for i, n := range some {
			bulk[i] = records[n]
		}
		results, err = s.PutAll(context.Background(), bulk, nil)
	}
	for _, result := range results {
		if err != nil || result.Outcome == 0 || result.Outcome == Refused {
			panic(fmt.Sprint(result, err))
		}
	}
}

func readCrashFiles(dir string) (*world, []*protocol.Record, error) {
	text, err := os.ReadFile(filepath.Join(dir, "network.json"))
	if err != nil {
		return nil, nil, err
	}
	n, _, err := protocol.ParseNetworkFile(text)
	if err != nil {
		return nil, nil, err
	}
	text, err = os.ReadFile(filepath.Join(dir, "records.json"))
	if err != nil {
		return nil, nil, err
	}
	var frames [][]byte
	if err := json.Unmarshal(text, &frames); err != nil {
		return nil, nil, err
	}
	records := make([]*protocol.Record, len(frames))
	for i, f := range frames {
		if records[i], err = protocol.DecodeFrame(f); err != nil {
			return nil, nil, err
		}
	}
	return worldOf(n), records, nil
}

func writeCrashFiles(t *testing.T, dir string, w *world, records []*protocol.Record) {
	t.Helper()
	frames := make([][]byte, len(records))
	for i, r := range records {
		frames[i] = r.EncodeFrame()
	}
	for name, v := range map[string]any{"network.json": w.File(nil), "records.json": frames} {
		text, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCrash kills a writing process at random moments, again and again on the same file. What it
// acknowledged before must be there, in whatever state, and the file sound.
func TestCrash(t *testing.T) {
	t.Parallel()
	kills := 20
	if testing.Short() {
		kills = 4
	}
	w := newWorld(t)
	records := w.chain(4000)
	dir := t.TempDir()
	writeCrashFiles(t, dir, w, records)
	acknowledged := map[int]bool{}
	for i := range kills {
		crash(t, dir, acknowledged)
		o := Options{files: smallFiles, tuning: crashTuning()}
		if i%2 > 0 {
			o.tuning = tuning{} // runs are readable with any tuning
		}
		s, err := Open(filepath.Join(dir, "lf.db"), w.Network, o)
		if err != nil {
			t.Fatal(err)
		}
		mustBeSound(t, s)
		for i := range acknowledged {
			if _, _, err := s.Get(t.Context(), records[i].ID()); err != nil {
				t.Errorf("record %d was acknowledged and is lost: %v", i, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d records were acknowledged", len(acknowledged), len(records))
	if len(acknowledged) < kills {
		t.Errorf("only %d records were acknowledged: the child was killed too early to show anything", len(acknowledged))
	}
}

func crash(t *testing.T, dir string, acknowledged map[int]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var timer *time.Timer
	lines := bufio.NewScanner(out)
	for lines.Scan() { // the last line may be cut: then it is no number, or nobody counts on it
		var i int
		if n, err := fmt.Sscanf(lines.Text()+";", "%d;", &i); n == 1 && err == nil {
			acknowledged[i] = true
		}
		if timer == nil {
			timer = time.AfterFunc(time.Duration(rand.IntN(250))*time.Millisecond, func() { cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // it was killed
	if timer != nil {
		timer.Stop()
	}
}
