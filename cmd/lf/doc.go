// Command lf runs a node of LF and talks to one.
//
// The glossary of package lf explains the nouns of LF. These are the words of this package:
//
//   - a [cli] is one invocation: its streams and the flags that every command has;
//   - a [session] is a connection to a node: its client, the network, the names derived so far;
//   - a [reader] asks a node and checks every answer itself: a node can hide records, it cannot
//     forge them;
//   - an explanation of an answer is the node's; the reader checks that it agrees with itself and
//     with its records;
//   - an [authority] is a CA in its file: its key and what it certifies and revokes with;
//   - an [author] makes records: names derived here, signed with the keys in the home, worked for
//     here;
//   - a [journal] remembers which lines of a file a node has acknowledged, so that load goes on
//     where it stopped.
//
// Only node.go imports the node; every other command is a client of its API.
//
// Each command has a file.
package main
