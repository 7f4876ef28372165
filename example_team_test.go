//go:build cgo

package lf_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/protocol"
)

// Say that a service is alive, once a minute until the context ends. Others ask only for what is.
func ExampleClient_KeepAlive() {
	n, stop := start(team())
	defer stop()
	db, err := n.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	web := lf.MustKey("svc", "web#1")
	if _, err := db.Set(ctx, web, []byte("10.0.0.1:8080")); err != nil {
		log.Fatal(err)
	}
	_, err = db.Get(ctx, web, lf.Alive(5*time.Minute))
	fmt.Println("before:", errors.Is(err, lf.ErrLapsed))
	err = db.KeepAlive(ctx, []lf.Key{web}, lf.Renew(nil), lf.OnPulse(func(p lf.Pulsed) {
		answer, err := db.Get(ctx, web, lf.Alive(5*time.Minute))
		fmt.Println("then:", answer.Text(), err)
		cancel() // the service ends
	}))
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// before: true
	// then: 10.0.0.1:8080 <nil>
	// true
}

// Make a network on which only certified owners write, certify one, and take the certificate back.
func ExampleClient_Certify() {
	ca, err := lf.NewCA("team", time.Now().Add(-time.Hour), time.Now().AddDate(10, 0, 0))
	if err != nil {
		log.Fatal(err)
	}
	params := protocol.DefaultParams()
	params.Name, params.WorkPerKiB = "team", 0
	params.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1} // easy to guess
	params.Authorities, params.AuthRequired = [][]byte{ca.Authority()}, true
	file, err := lf.NewNetwork(params, nil, true)
	if err != nil {
		log.Fatal(err)
	}
	network, err := file.Network()
	if err != nil {
		log.Fatal(err)
	}
	n, stop := start(network)
	defer stop()
	ctx := context.Background()
	db, err := n.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	_, alice, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	motd := lf.MustKey("motd")
	_, err = db.Set(ctx, motd, []byte("hello"), lf.AsKey(alice))
	var uncertified *lf.UncertifiedError
	fmt.Println("without a certificate:", errors.As(err, &uncertified))

	request, err := protocol.NewRequest(alice, "alice") // she sends this to the CA's holder
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Certify(ctx, ca, request, time.Now().AddDate(1, 0, 0)); err != nil {
		log.Fatal(err)
	}
	if _, err := db.Set(ctx, motd, []byte("hello"), lf.AsKey(alice)); err != nil {
		log.Fatal(err)
	}
	answer, err := db.Get(ctx, motd, lf.Policy("certified,weight"))
	fmt.Println(answer.Text(), err)

	serials, err := db.SerialsOf(ctx, ca, protocol.OwnerOf(alice))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Revoke(ctx, ca, serials, time.Time{}); err != nil {
		log.Fatal(err)
	}
	_, err = db.Get(ctx, motd)
	fmt.Println("revoked:", errors.Is(err, lf.ErrNotFound))
	// Output:
	// without a certificate: true
	// hello <nil>
	// revoked: true
}
