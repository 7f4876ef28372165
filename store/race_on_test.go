//go:build race

package store

// raceEnabled: the race detector makes everything several times slower.
const raceEnabled = true
