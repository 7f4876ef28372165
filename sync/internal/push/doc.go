// Package push announces new records to peers that are reached through a relay only, and sends
// those that they want: GossipSub leaves such connections alone. Without it a record would wait for
// the next comparison. What gossip forwards, it pushes.
//
// Like gossip it is a hint. A queue that is full drops, and a peer that fails loses what waits for
// it: comparing finds that.
//
//   - A [Pusher] is both sides of the protocol on one node.
//   - An [Announcement] is a record to push.
//   - A queue holds the announcements that wait for one peer. It is a pure state machine.
//   - A pending request is a record that one peer was asked for and that has not come.
package push
