// Package knownhosts writes the host keys of ssh as values of LF, and as lines of known_hosts.
//
//   - A [Template] makes the key of LF under which a host's keys stand.
//   - [Keys] are a host's keys: a line each, as in known_hosts but without the host.
//   - A [Memory] keeps what was answered for the ssh process that asks. ssh asks twice for one
//     connection, and gets the same twice.
//
// What is read may come from anybody. A line that is written holds one host and a key that was read
// and written again, so a value cannot speak of another host.
package knownhosts
