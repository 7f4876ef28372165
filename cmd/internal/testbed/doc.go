// Package testbed breaks networks of real nodes and measures how they heal.
//
// The nouns:
//
//   - a [Scenario] is a file that names nodes, the links between them, and steps; docs/testbed.md
//     is its language;
//   - a [Step] is one [Action] of a scenario: start, kill, write, partition, heal, expect;
//   - a [ScenarioError] is what is wrong with a scenario, where, and what to do about it;
//   - a machine is what runs a node: a process with a home, or, in tests of the engine, something
//     in memory;
//   - a [Fabric] links nodes and cuts links: [Loopback], or network namespaces;
//   - a writer makes records as a client does, with keys of its own;
//   - the ledger says which record was acknowledged where, and which node has it;
//   - a [Report] is the result of a run: steps, nodes, bytes, what was lost, and a timeline.
//
// A scenario is checked as a whole before anything starts, by a dry run of its steps. A step that
// cannot work is an error with a line.
//
// The tables in docs/testbed.md are generated from schema.go, the language of scenarios.
package testbed
