// Package storedset is about a set of records that has only references to them: the store has their
// IDs. It reads these for the set, and compares a set's file with the database of a stopped node.
package storedset
