// Package proxy serves the API of a node without being one: it keeps no records and asks one or
// more full nodes. A device too small for a full node uses a proxy, and many clients share one.
//
//   - A [Proxy] is the process: a home, a list of nodes, a listening API. [Start] makes one.
//   - A [Service] is what it serves. It believes no node what it can check, asks several nodes the
//     same, and unites what they say.
//
// The files node* choose nodes and watch how they are. The files read* answer questions, status*
// tell how the proxy is, and write* and client* are about writing.
package proxy
