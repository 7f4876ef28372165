// Package watchstate keeps what a watcher has been told of each key, and makes events of what a
// query answers now. It is pure: the caller asks and sends, and brings the time.
package watchstate
