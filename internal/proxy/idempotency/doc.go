// Package idempotency remembers what came of requests that carry a key of the client's choice. A
// request that is sent again, after a broken connection say, then writes nothing twice.
//
// A client's key stands for one request. [Keys.Begin] takes it, and waits while an earlier request
// with the same key is under way. Before a record is handed in, [Request.Made] notes it on disk.
// After a crash the same record is handed in again, which is no second write. [Request.Done] notes
// the answer, which a repeated request gets.
//
// The file has neither keys nor requests in it: a key is the secret under which both are hashed.
// So a request cannot be guessed from the file as long as its key cannot.
package idempotency
