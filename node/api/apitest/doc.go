// Package apitest helps to test what implements [api.Service] and what serves it.
//
//   - [TestService] is what every service must do: run it against a node, against a client of it,
//     against anything else.
//   - [Fake] is a small service in memory that passes it.
//   - [Load] asks a server over many kept connections and tells how fast it answered.
package apitest
