// Package home is the directory that a node lives in and that client commands look into: its secret keys, the network
// it belongs to, its database, its API's address and token. One node at a time owns a home; clients read it meanwhile.
//
// The nouns, each a file or a folder of its own:
//
//   - the lock ("lock"): held as long as a node runs, so that two never share a database;
//   - the identity ("identity.pem"): the node's secret key, which its peer ID derives from;
//   - the binding ("network.lfnet"): which network the home belongs to, for ever;
//   - the token ("api.token"): what a client shows to write or to administer;
//   - the [Trust] ("trust.json"): the oracles elected, and by what conflicting claims are ranked;
//   - the address ("api"): where the running node's API listens, there only while it does;
//   - the [Keyring] ("owners/NAME.pem", "default-owner"): the owners that records are signed by.
//
// A secret is written once, atomically, readable by its user alone, and never replaced: where one is damaged, empty or
// readable by others, the error names the file and what to do.
//
// Reading order: home.go, lock.go, secret.go, network.go, trust.go, address.go, keyring.go, write.go.
package home
