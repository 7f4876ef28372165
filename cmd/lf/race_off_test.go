//go:build !race

package main

// raceEnabled: the race detector multiplies the memory of a process.
const raceEnabled = false
