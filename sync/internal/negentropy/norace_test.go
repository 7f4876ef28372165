//go:build !race

package negentropy

const raced = false
