// Command lf runs a node of LF and talks to one.
//
// The glossary of package lf explains the nouns of LF. These are the words of this package:
//
//   - a [cli] is one invocation: its streams and the flags that every command has;
//   - a [question] is what lf get asks for: a key, and options of package lf;
//   - a [field] is a line of a listing.
//
// Only node.go imports the node. Every other command is a thin layer over package lf, the client
// library. It reads flags, and writes what came of them for people or as JSON.
//
// Each command has a file.
package main
