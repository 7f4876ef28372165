package negentropy

import (
	"fmt"
	"runtime"
	"testing"
)

var orders = []string{"random", "up", "roughly up", "down", "blocks", "blocks down"}

// bytesPerItem loads items and tells what the tree takes of the heap for each.
func bytesPerItem(items []Item) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	tree := new(Tree)
	for _, item := range items {
		tree.Insert(item)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(items)
	defer runtime.KeepAlive(tree)
	return float64(after.HeapAlloc-before.HeapAlloc) / float64(tree.Len())
}

func TestTreeTakesAtMost64BytesAnItem(t *testing.T) {
	for _, order := range orders {
		if raced && order != "down" && order != "random" { // the worst and the commonest
			continue
		}
		items := ordered(randomItems(7, 200_000, 1<<40), order)
		if got := bytesPerItem(items); got > 64 {
			t.Errorf("%s: %.1f bytes an item", order, got)
		} else {
			t.Logf("%s: %.1f bytes an item", order, got)
		}
	}
}

// BenchmarkLoad inserts a million items into an empty tree.
func BenchmarkLoad(b *testing.B) {
	for _, order := range orders {
		items := ordered(randomItems(7, 1_000_000, 1<<40), order)
		b.Run(order, func(b *testing.B) {
			for b.Loop() {
				tree := new(Tree)
				for _, item := range items {
					tree.Insert(item)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(items)), "ns/item")
			b.StopTimer()
			b.ReportMetric(bytesPerItem(items), "B/item")
		})
	}
}

// BenchmarkFingerprint takes that of random ranges.
func BenchmarkFingerprint(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tree := new(Tree)
			for _, item := range randomItems(7, n, 1<<40) {
				tree.Insert(item)
			}
			i := 0
			for b.Loop() {
				i = (i + 7919) % (n / 2)
				tree.Fingerprint(i, n/2+i)
			}
		})
	}
}

// BenchmarkReconcile compares sets of which one lacks some items: spread over all times, or the
// last ones.
func BenchmarkReconcile(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		items := ordered(randomItems(7, n, 1<<40), "up")
		all := new(Tree)
		for _, item := range items {
			all.Insert(item)
		}
		for _, differ := range []int{0, 1, 100, 10_000} {
			for _, where := range []string{"spread", "last"} {
				if (differ < 2 || differ == n) && where == "last" {
					continue
				}
				b.Run(fmt.Sprintf("%d/%d/%s", n, differ, where), func(b *testing.B) {
					benchmarkReconcile(b, without(items, differ, where), all, differ)
				})
			}
		}
	}
}

// without is a tree that lacks some of the items.
func without(items []Item, count int, where string) *Tree {
	tree := new(Tree)
	for i, item := range items {
		lacks := where == "last" && i >= len(items)-count ||
			where == "spread" && count > 0 && i*count/len(items) != (i+1)*count/len(items)
		if !lacks {
			tree.Insert(item)
		}
	}
	return tree
}

func benchmarkReconcile(b *testing.B, ours, theirs *Tree, differ int) {
	const frameLimit = 32 << 10
	var s session
	for b.Loop() {
		if s = reconcile(b, Config{FrameLimit: frameLimit}, ours, theirs, frameLimit); len(s.need) != differ {
			b.Fatalf("found %d of %d", len(s.need), differ)
		}
	}
	b.ReportMetric(float64(s.rounds), "rounds")
	b.ReportMetric(float64(s.up), "B-up")
	b.ReportMetric(float64(s.down), "B-down")
}
