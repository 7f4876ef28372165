//go:build !linux

package main

import "net"

// listenAs listens as this user: a thread cannot be another one here.
func listenAs(_ int, network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}
