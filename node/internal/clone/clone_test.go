package clone

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/lf-store/lf/protocol"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/ipfs/go-log/v2/writer.(*MirrorWriter).logRoutine"))
}

func testNetwork(t *testing.T) *protocol.Network {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "test", 0
	n, err := protocol.NewNetwork(p, 1_700_000_000_000, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// loopback makes a host that listens on loopback, or one that listens nowhere.
func loopback(t *testing.T, key ed25519.PrivateKey, listen ...string) host.Host {
	t.Helper()
	k, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(libp2p.Identity(k), libp2p.ListenAddrStrings(listen...), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// world is a network with detectors of one identity.
type world struct {
	t          *testing.T
	network    *protocol.Network
	key        ed25519.PrivateKey
	violations atomic.Int64
}

func newWorld(t *testing.T) *world { return &world{t: t, network: testNetwork(t), key: newKey(t)} }

func (w *world) detector() *Detector {
	d := New(Config{
		Network: w.network, Host: loopback(w.t, w.key, "/ip4/127.0.0.1/tcp/0"), Key: w.key, Logger: slog.New(slog.DiscardHandler),
		Stranger: func() (host.Host, error) {
			return libp2p.New(libp2p.NoListenAddrs, libp2p.RandomIdentity, libp2p.DisableRelay(), libp2p.DisableMetrics())
		},
		Violation: func(peer.ID, error) { w.violations.Add(1) },
	})
	w.t.Cleanup(func() { _ = d.Close() })
	return d
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begin := time.Now(); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatal("did not happen: ", what)
		}
	}
}

func (d *Detector) hasClone() bool {
	_, found := d.Sighting()
	return found
}

// TestClones holds that of two with one identity both learn of the other when one of them is
// offered the other's address.
func TestClones(t *testing.T) {
	w := newWorld(t)
	a, b := w.detector(), w.detector()
	a.Offer(DHT, b.host.Addrs())
	eventually(t, "the asker knows", a.hasClone)
	eventually(t, "the asked knows", b.hasClone)
	var none *Detector
	none.Offer(DHT, b.host.Addrs())
	if none.hasClone() {
		t.Error("no detector, and a clone")
	}
}

// TestHairpin leads a node to itself by an address that it does not know for its own. It is no
// clone.
func TestHairpin(t *testing.T) {
	w := newWorld(t)
	d := w.detector()
	around := turnAround(t, d.host.Addrs()[0])
	d.Offer(Seeds, []ma.Multiaddr{around})
	eventually(t, "it is found to be the node itself", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return time.Until(d.plan.leave[around.String()]) > leaveSilent
	})
	if d.hasClone() {
		t.Error("the node is its own clone")
	}
}

// turnAround listens at an address of its own and passes all on, as a router does that has hairpin
// NAT.
func turnAround(t *testing.T, to ma.Multiaddr) ma.Multiaddr {
	t.Helper()
	port, err := to.ValueForProtocol(ma.P_TCP)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp4", "127.0.0.1:"+port)
			if err != nil {
				_ = in.Close()
				return
			}
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
	_, at, _ := net.SplitHostPort(l.Addr().String())
	number, _ := strconv.Atoi(at)
	return ma.StringCast("/ip4/127.0.0.1/tcp/" + strconv.Itoa(number))
}

// TestImpostor holds that whoever answers without the key is no clone, whatever is offered.
func TestImpostor(t *testing.T) {
	w := newWorld(t)
	d := w.detector()
	liar := loopback(t, newKey(t), "/ip4/127.0.0.1/tcp/0")
	liar.SetStreamHandler(Protocol(w.network), func(s network.Stream) {
		_, _ = s.Write(make([]byte, nonceSize))
		_ = s.Close()
	})
	at := liar.Addrs()[0]
	d.Offer(DHT, []ma.Multiaddr{at})
	eventually(t, "it was asked", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return !d.plan.leave[at.String()].IsZero()
	})
	if d.hasClone() {
		t.Error("an impostor passes for a clone")
	}
}

// TestViolations sends what no correct peer sends: each is reset and reported, and none makes a
// clone.
func TestViolations(t *testing.T) {
	w := newWorld(t)
	d := w.detector()
	peer := loopback(t, newKey(t))
	peer.Peerstore().AddAddrs(d.host.ID(), d.host.Addrs(), time.Hour)
	good := makeQuestion(w.network, w.key, newNonce(), peer.ID())
	forged := makeQuestion(w.network, newKey(t), newNonce(), peer.ID())
	elses := makeQuestion(w.network, w.key, newNonce(), d.host.ID())
	for name, question := range map[string][]byte{
		"nothing": {}, "short": good[:questionSize-1], "long": append(bytes.Clone(good), 0), "forged": forged, "somebody else's": elses,
	} {
		before := w.violations.Load()
		answer, err := send(t.Context(), peer, d, question)
		if err == nil || len(answer) > 0 {
			t.Errorf("%s: answered %x", name, answer)
		}
		eventually(t, name+" is reported", func() bool { return w.violations.Load() == before+1 })
	}
	if d.hasClone() {
		t.Error("nonsense makes a clone")
	}
	answer, err := send(t.Context(), peer, d, good)
	if err != nil || !bytes.Equal(answer, d.nonce[:]) {
		t.Errorf("a good question: %x, %v", answer, err)
	}
	eventually(t, "a good question is a clone's", d.hasClone)
}

// TestTooMany holds that a flood of questions is turned away, and that this is no violation by a
// peer that comes then.
func TestTooMany(t *testing.T) {
	w := newWorld(t)
	d := w.detector()
	peer := loopback(t, newKey(t))
	peer.Peerstore().AddAddrs(d.host.ID(), d.host.Addrs(), time.Hour)
	question := makeQuestion(w.network, w.key, d.nonce, peer.ID())
	answered, refused := 0, 0
	for range 4 * answersBurst {
		if _, err := send(t.Context(), peer, d, question); err != nil {
			refused++
		} else {
			answered++
		}
	}
	if answered < answersBurst || refused == 0 {
		t.Errorf("%d answered, %d refused", answered, refused)
	}
	if w.violations.Load() > 0 {
		t.Error("to come too often is no violation")
	}
}

// send sends a question and returns the whole answer.
func send(ctx context.Context, from host.Host, d *Detector, question []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	s, err := from.NewStream(ctx, d.host.ID(), Protocol(d.network))
	if err != nil {
		return nil, err
	}
	defer s.Reset() // it is of no further use
	if _, err := s.Write(question); err != nil {
		return nil, err
	}
	if err := s.CloseWrite(); err != nil {
		return nil, err
	}
	return io.ReadAll(s)
}

// TestAnswers holds what is an answer.
func TestAnswers(t *testing.T) {
	for size, ok := range map[int]bool{0: false, nonceSize - 1: false, nonceSize: true, nonceSize + 1: false, 1 << 20: false} {
		_, err := readAnswer(bytes.NewReader(make([]byte, size)))
		var violation *Violation
		if (err == nil) != ok || err != nil && !errors.As(err, &violation) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if _, err := readAnswer(io.MultiReader(bytes.NewReader(make([]byte, 3)), iotestError{})); err == nil {
		t.Error("an answer that breaks off passes")
	}
}

type iotestError struct{}

func (iotestError) Read([]byte) (int, error) { return 0, errors.New("broken") }

// TestSignedText holds the bytes that SPEC.md says are signed.
func TestSignedText(t *testing.T) {
	n := testNetwork(t)
	id := n.ID()
	var asker nonce
	copy(asker[:], "0123456789abcdef")
	want := append([]byte("lf/clone/1"), id[:]...)
	want = append(want, "0123456789abcdef"...)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	pub, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := peer.IDFromPrivateKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	// The multihash "identity" (0x00, 36 bytes) of the protobuf of an Ed25519 public key (0x08 0x01
	// 0x12 0x20).
	head, _ := hex.DecodeString("002408011220")
	want = append(append(want, head...), key.Public().(ed25519.PublicKey)...)
	if got := signedText(n, asker, stranger); !bytes.Equal(got, want) {
		t.Errorf("signed is %x, want %x", got, want)
	}
}
