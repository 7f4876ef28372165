// Package clock tells how this node's clock stands to those of its peers, by the clock protocol.
// Nothing goes by the outcome: a person whose clock is wrong is told.
package clock
