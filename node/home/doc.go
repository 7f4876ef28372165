// Package home is the directory of a node, which client commands read, too. It has the node's
// secret keys, network, database, and the address and token of its API. One node at a time owns a
// home; clients read it meanwhile.
//
// The glossary of package lf explains the nouns of LF. These are the files and folders of a home:
//
//   - the lock ("lock"): held as long as a node runs, so that two never share a database;
//   - the identity ("identity.pem"): the node's secret key, which its peer ID derives from;
//   - the binding ("network.lfnet"): which network the home belongs to, forever;
//   - the socket ("api.sock"): how this user's programs reach the node, with the right to do
//     everything. Where it cannot lie in the home it lies elsewhere, and a pointer ("api.socket")
//     names it;
//   - the token ("api.token"): what a client shows over TCP to write or to administer;
//   - the limited tokens ("tokens.json"): hashes of the tokens that [Home.AddToken] has made, and
//     what each allows;
//   - the [Trust] ("trust.json"): the elected oracles, and the policy that ranks claims;
//   - the peers ("peers.json"): those that the user has added by hand, to be remembered;
//   - the [Names] that were written from here ("names"), in clear, unless they are switched off
//     ("names.off");
//   - the page file ("ui.html"): it opens the node's page in a browser, with the token of a session
//     that lf ui has made;
//   - the address ("api"): the URL of the running node's API, there only while it answers;
//   - the [Keyring] ("owners/NAME.pem", "default-owner"): the owners that records are signed by.
//
// A secret is written once, atomically, readable by its user alone, and never replaced. If one is
// damaged, empty or readable by others, the error names the file and what to do.
package home
