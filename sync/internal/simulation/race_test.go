//go:build race

package simulation

// raceDetector makes everything take some ten times as long.
const raceDetector = true
