// Package workqueue shares solver threads fairly among clients that want proofs of work.
//
// [Queue] decides whose turn it is. It is a pure state machine: it starts nothing, and its caller
// tells it the time. [Pool] runs a queue on threads.
//
// # Turns
//
// Clients take turns by effort (start-time fair queuing: Goyal, Vin and Cheng, SIGCOMM 1996). Each
// client has a clock that its efforts advance. The job of the client with the least clock comes
// first. Of two clients with the same clock the one with fewer jobs comes first. A client
// that was away starts with the clock of the present, so it can save up nothing.
//
// A search remembers nothing of the attempts that failed. So a job is put aside between two
// attempts at no loss. A client that comes while another has thousands of jobs waits for one
// attempt. A job whose effort is large advances its client's clock while it runs. It does so a
// [Quantum] at a time and whenever a client comes back, and gives way in between.
//
// # Budgets
//
// A client may have a budget: the sum of the efforts of its records in any hour. The attempts that
// luck took do not count. A job that is given up counts as the attempts made for it, but at most as
// its effort.
package workqueue
