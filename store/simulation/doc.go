// Package simulation attacks a network that runs in one process on virtual time. It holds no code but tests.
package simulation
