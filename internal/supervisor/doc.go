// Package supervisor starts the parts of a node and ends them.
//
// A part is a function run(ctx) error. It returns soon after its context ends. A part that returns
// earlier has finished its task, or it has failed and returns why.
//
//   - A [Group] runs functions side by side. Close ends them all together.
//   - A [Supervisor] runs named parts that stand on each other. Close ends them one by one, the
//     last one first.
package supervisor
