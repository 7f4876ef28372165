// Package linelog keeps a file of JSON lines that only grows, until it is written again. What was
// appended durably outlives a crash of the machine. A line that a crash cut off spoils no other.
package linelog
