package heap_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/internal/heap"
)

type element struct{ value, place int }

// Whatever is pushed, popped and removed, the first element is the least, and each element knows
// its place.
func TestHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := heap.New(func(a, b *element) bool { return a.value < b.value }, func(e *element, to int) { e.place = to })
		var in []*element
		leave := func(e *element) {
			if e.place != -1 {
				t.Fatalf("an element that left has the place %d", e.place)
			}
			in = slices.DeleteFunc(in, func(o *element) bool { return o == e })
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				e := &element{value: rapid.IntRange(0, 9).Draw(t, "value")}
				h.Push(e)
				in = append(in, e)
			},
			"pop": func(t *rapid.T) {
				if len(in) == 0 {
					t.Skip("empty")
				}
				least := slices.MinFunc(in, func(a, b *element) int { return a.value - b.value })
				if first := h.First(); first.value != least.value {
					t.Fatalf("the first is %d, the least %d", first.value, least.value)
				}
				leave(h.Pop())
			},
			"remove": func(t *rapid.T) {
				if len(in) == 0 {
					t.Skip("empty")
				}
				e := rapid.SampledFrom(in).Draw(t, "element")
				if h.Remove(e.place) != e {
					t.Fatal("another element was removed")
				}
				leave(e)
			},
			"": func(t *rapid.T) {
				if h.Len() != len(in) {
					t.Fatalf("%d elements, want %d", h.Len(), len(in))
				}
				for i, e := range h.All() {
					if e.place != i {
						t.Fatalf("the element at %d has the place %d", i, e.place)
					}
				}
			},
		})
	})
}
