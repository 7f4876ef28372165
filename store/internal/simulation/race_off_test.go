//go:build !race

package simulation

// raceEnabled: the race detector makes everything several times slower.
const raceEnabled = false
