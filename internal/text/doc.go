// Package text writes numbers, sizes, times, durations and lists for people, and makes foreign text
// safe to show. Commands, the doctor and the testbed use it, so that the same fact reads alike
// everywhere.
package text
