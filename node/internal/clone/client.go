package clone

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
)

// ask dials an address from a new stranger and finds out who answers there. Each question has a
// stranger of its own, which knows one address only: a host that knew several would choose among
// them.
func (d *Detector) ask(ctx context.Context, address string) (v verdict, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	at, err := ma.NewMultiaddr(address)
	if err != nil {
		return silent, fmt.Errorf("address: %w", err)
	}
	stranger, err := d.stranger()
	if err != nil {
		return silent, fmt.Errorf("make a throw-away host: %w", err)
	}
	defer func() { err = errors.Join(err, stranger.Close()) }()
	stranger.Peerstore().AddAddrs(d.host.ID(), []ma.Multiaddr{at}, peerstore.TempAddrTTL)
	s, err := stranger.NewStream(ctx, d.host.ID(), Protocol(d.network))
	if err != nil {
		return silent, fmt.Errorf("open a stream: %w", err)
	}
	defer s.Reset() //nolint:errcheck // it is of no further use
	release, err := enter(ctx, s, askTime)
	if err != nil {
		return silent, err
	}
	defer release()
	responder, err := d.exchange(s, stranger.ID())
	switch {
	case err != nil:
		return silent, err
	case responder == d.nonce:
		return oneself, nil
	}
	return another, nil
}

// stream is what a question needs of a stream.
type stream interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	CloseWrite() error
}

// exchange sends the question and reads the answer.
func (d *Detector) exchange(s stream, stranger peer.ID) (responder nonce, err error) {
	if _, err := s.Write(makeQuestion(d.network, d.key, d.nonce, stranger)); err != nil {
		return responder, fmt.Errorf("send the question: %w", err)
	}
	if err := s.CloseWrite(); err != nil {
		return responder, fmt.Errorf("end the question: %w", err)
	}
	return readAnswer(s)
}
