// Package testbed breaks networks of real nodes and measures how they heal.
//
// The nouns:
//
//   - a [Scenario] is a file that names nodes, the links between them, and steps; docs/testbed.md
//     is its language;
//   - a [Step] is one [Action] of a scenario: start, kill, write, partition, heal, expect;
//   - a [Mistake] is what is wrong with a scenario, where, and what to do about it;
//   - a machine is what runs a node: a process with a home, or, in tests of the engine, something
//     in memory;
//   - a [Fabric] is what nodes are linked by, and what cuts them off from each other: [Loopback],
//     or namespaces;
//   - a writer makes records as a client does, with keys of its own, and remembers what was
//     acknowledged;
//   - a [Report] is what a run came to: steps, nodes, bytes, what was lost; and the timeline that
//     shows it.
//
// A scenario is checked as a whole before anything starts: a step that cannot work is a mistake
// with a line.
//
// docs/testbed.md is generated from words.go, the language of scenarios.
package testbed
