//go:build cgo

package lf_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// team makes a network for the examples: without work, and with names that cost little.
func team() *protocol.Network {
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "team", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	file, err := lf.NewNetwork(p, nil, false)
	if err != nil {
		log.Fatal(err)
	}
	n, err := file.Network()
	if err != nil {
		log.Fatal(err)
	}
	return n
}

// homed is a running node and its home.
type homed struct {
	*node.Node
	home string
}

// start runs a node of the network in a new home, on this computer alone.
func start(n *protocol.Network, seeds ...string) (running homed, stop func()) {
	dir, err := os.MkdirTemp("", "lf-example-*")
	if err != nil {
		log.Fatal(err)
	}
	h, err := home.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	running.home = dir
	running.Node, err = node.Start(context.Background(), node.Config{
		Home: h, Network: n, Profile: node.ProfileLocal, APIListen: "127.0.0.1:0", Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Seeds: seeds,
	})
	if err != nil {
		log.Fatal(err)
	}
	return running, func() {
		if err := errors.Join(running.Close(), os.RemoveAll(dir)); err != nil {
			log.Fatal(err)
		}
	}
}

// Set a value and get it again, through the node of a home. Without options, lf.Open takes the home
// in LF_HOME, else ~/.lf.
func Example() {
	n, stop := start(team())
	defer stop()
	ctx := context.Background()

	db, err := lf.Open(ctx, lf.WithHome(n.home))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	web := lf.MustKey("svc", "web#1")
	if _, err := db.Set(ctx, web, []byte("10.0.0.1:8080")); err != nil {
		log.Fatal(err)
	}
	answer, err := db.Get(ctx, web, lf.Policy("certified,weight"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Key, "is", answer.Text())
	if err := db.Delete(ctx, web); err != nil {
		log.Fatal(err)
	}
	_, err = db.Get(ctx, web)
	fmt.Println(errors.Is(err, lf.ErrDeleted))
	// Output:
	// svc#0 web#1 is 10.0.0.1:8080
	// true
}

// Read all ordinals of a name. A range of any length is asked for in pages.
func ExampleClient_Range() {
	n, stop := start(team())
	defer stop()
	ctx := context.Background()
	db, err := n.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	for i := range 3 {
		key := lf.MustKey("svc", fmt.Sprintf("web#%d", i))
		if _, err := db.Set(ctx, key, fmt.Appendf(nil, "10.0.0.%d:8080", i)); err != nil {
			log.Fatal(err)
		}
	}
	for answer, err := range db.Range(ctx, lf.MustKey("svc", "web#")) {
		if errors.Is(err, lf.ErrSealed) {
			continue // somebody sealed it with a masking key
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer.Ordinals[1], answer.Text())
	}
	// Output:
	// 0 10.0.0.0:8080
	// 1 10.0.0.1:8080
	// 2 10.0.0.2:8080
}

// Get many keys with one question to the node.
func ExampleClient_GetMany() {
	n, stop := start(team())
	defer stop()
	ctx := context.Background()
	db, err := n.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	if _, err := db.Set(ctx, lf.MustKey("mail"), []byte("10.0.0.7:25")); err != nil {
		log.Fatal(err)
	}
	for found, err := range db.GetMany(ctx, []lf.Key{lf.MustKey("mail"), lf.MustKey("news")}) {
		switch {
		case err != nil:
			log.Fatal(err)
		case errors.Is(found.Err, lf.ErrNotFound):
			fmt.Println(found.Key, "has no value")
		case found.Err == nil:
			fmt.Println(found.Key, found.Answer.Text())
		}
	}
	// Output:
	// mail#0 10.0.0.7:25
	// news#0 has no value
}

// Watch what answers under a key. The first events are what answers now.
func ExampleClient_Watch() {
	n, stop := start(team())
	defer stop()
	ctx := context.Background()
	db, err := n.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	web := lf.MustKey("svc", "web")
	if _, err := db.Set(ctx, web, []byte("10.0.0.1:8080")); err != nil {
		log.Fatal(err)
	}
	for event, err := range db.Watch(ctx, web) {
		if err != nil {
			log.Fatal(err)
		}
		switch event.Kind {
		case lf.EventAnswer:
			fmt.Println(event.Key, "is", event.Answer.Text())
		case lf.EventPresent: // from now on there are changes
			if err := db.Delete(ctx, web); err != nil {
				log.Fatal(err)
			}
		case lf.EventDeleted:
			fmt.Println(event.Key, "was deleted")
			return
		}
	}
	// Output:
	// svc#0 web#0 is 10.0.0.1:8080
	// svc#0 web#0 was deleted
}

// A program that is a node itself reads and writes without HTTP.
func ExampleNew() {
	n, stop := start(team())
	defer stop()
	db, err := n.Client() // calls lf.New with the node's service, network and home
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	ctx := context.Background()
	if _, err := db.Set(ctx, lf.MustKey("motd"), []byte("hello")); err != nil {
		log.Fatal(err)
	}
	answer, err := db.Get(ctx, lf.MustKey("motd"))
	fmt.Println(answer.Text(), err)
	// Output: hello <nil>
}

// Sign with keys of one's own, and keep a copy of a key in the home. Without it, nobody can change
// or delete what its owner has set.
func ExampleAs() {
	n, stop := start(team())
	defer stop()
	ctx := context.Background()
	db, err := n.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	ring, err := db.Keyring()
	if err != nil {
		log.Fatal(err)
	}
	ops, err := ring.New("ops")
	if err != nil {
		log.Fatal(err)
	}
	backup, err := ring.Export("ops") // PEM: keep it in a safe place; ring.Import takes it back
	if err != nil {
		log.Fatal(err)
	}
	key := lf.MustKey("motd")
	if _, err := db.Set(ctx, key, []byte("from ops"), lf.As("ops")); err != nil {
		log.Fatal(err)
	}
	secret, err := protocol.ParseKeyPEM(backup)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Set(ctx, key, []byte("from the backup"), lf.AsKey(secret)); err != nil {
		log.Fatal(err)
	}
	answer, err := db.Get(ctx, key, lf.By("ops"))
	fmt.Println(answer.Text(), answer.Owner == ops.Owner, err)

	_, own, _ := ed25519.GenerateKey(nil) // a key that is in no home
	_, err = db.Set(ctx, key, []byte("from somebody else"), lf.AsKey(own))
	fmt.Println(err)
	// Output:
	// from the backup true <nil>
	// <nil>
}

// Check a record by hand, with nothing but package protocol: what a node says of it is not needed.
func ExampleClient_Record() {
	n, stop := start(team())
	defer stop()
	ctx := context.Background()
	db, err := n.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	done, err := db.Set(ctx, lf.MustKey("motd"), []byte("hello"))
	if err != nil {
		log.Fatal(err)
	}

	info, _, err := db.Record(ctx, done.ID) // the client has checked it already
	if err != nil {
		log.Fatal(err)
	}
	record, err := protocol.DecodeFrame(info.Frame) // the bytes that travel between nodes
	if err != nil {
		log.Fatal(err)
	}
	name, err := db.Network().DeriveName("motd")
	if err != nil {
		log.Fatal(err)
	}
	value, ok := lf.Unseal(db.Network(), record, []protocol.NameKey{name}, nil)
	fmt.Println("the ID:", record.ID() == done.ID)
	fmt.Println("the signatures:", db.Network().CheckAuthorship(record))
	fmt.Println("filed under the name:", record.Selectors[0].Key == name.Selector())
	fmt.Println("the value:", string(value), ok)
	// Output:
	// the ID: true
	// the signatures: <nil>
	// filed under the name: true
	// the value: hello true
}

// Two nodes in one program: what one writes, the other answers when it is in sync.
func ExampleSynced() {
	network := team()
	first, stop := start(network)
	defer stop()
	second, stopSecond := start(network, first.Addresses()...)
	defer stopSecond()
	ctx := context.Background()
	writer, err := first.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer writer.Close()
	reader, err := second.Client()
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()

	if _, err := writer.Set(ctx, lf.MustKey("motd"), []byte("hello")); err != nil {
		log.Fatal(err)
	}
	answer, err := reader.Get(ctx, lf.MustKey("motd"), lf.Synced(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Text())
	// Output: hello
}
