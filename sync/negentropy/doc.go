// Package negentropy finds out how two sets differ, at a cost set by the difference: range-based set reconciliation,
// Negentropy protocol v1.
package negentropy
