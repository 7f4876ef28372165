// Package heap has a priority queue of any type. It wraps container/heap, whose interface asks for
// five methods wherever a queue is used.
package heap

import "container/heap"

// Heap is a priority queue. Make one with [New].
type Heap[T any] struct{ items items[T] }

// New makes a heap whose first element is one that less puts before all others. moved, where not
// nil, is told an element's new place, and -1 when it has left: then Remove can be used.
func New[T any](less func(a, b T) bool, moved func(T, int)) *Heap[T] {
	if moved == nil {
		moved = func(T, int) {}
	}
	return &Heap[T]{items[T]{less: less, moved: moved}}
}

// Len counts the elements.
func (h *Heap[T]) Len() int { return len(h.items.all) }

// Push adds an element.
func (h *Heap[T]) Push(v T) { heap.Push(&h.items, v) }

// First returns the first element. The heap must not be empty.
func (h *Heap[T]) First() T { return h.items.all[0] }

// Pop takes the first element out. The heap must not be empty.
func (h *Heap[T]) Pop() T { return heap.Pop(&h.items).(T) }

// Remove takes out the element at a place.
func (h *Heap[T]) Remove(at int) T { return heap.Remove(&h.items, at).(T) }

// All returns the elements in their places, the first one in front, the others in no useful order.
// The slice is valid until the heap changes.
func (h *Heap[T]) All() []T { return h.items.all }

// items implements heap.Interface.
type items[T any] struct {
	all   []T
	less  func(a, b T) bool
	moved func(T, int)
}

func (s *items[T]) Len() int           { return len(s.all) }
func (s *items[T]) Less(i, j int) bool { return s.less(s.all[i], s.all[j]) }

func (s *items[T]) Swap(i, j int) {
	s.all[i], s.all[j] = s.all[j], s.all[i]
	s.moved(s.all[i], i)
	s.moved(s.all[j], j)
}

// Push implements heap.Interface.
func (s *items[T]) Push(x any) {
	v := x.(T)
	s.moved(v, len(s.all))
	s.all = append(s.all, v)
}

// Pop implements heap.Interface.
func (s *items[T]) Pop() any {
	last := len(s.all) - 1
	v := s.all[last]
	var none T
	s.all[last] = none
	s.all = s.all[:last]
	s.moved(v, -1)
	return v
}
