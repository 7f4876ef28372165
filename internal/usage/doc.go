// Package usage tells what a process has used of the machine: processor time, bytes that it read
// and wrote, memory. Benchmarks and tests measure with it. Only Linux tells.
package usage
