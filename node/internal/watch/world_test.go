package watch

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// start is when drawn records begin, in ms; second is the unit of their times: certificates count
// in seconds.
const (
	start  = 1_700_000_000_000
	second = 1000
	paid   = 1 << 20
)

// world makes records. Its owners are drawn from by number; the last two are CAs, of which the
// network knows the first.
type world struct {
	*protocol.Network
	owners []ed25519.PrivateKey
	names  map[string]protocol.NameKey
	// certificates are values of certificate records, lists those of revocation records about them.
	certificates [][]byte
	lists        []list
	foreign      []byte // the certificate of the CA that the network does not know
}

type list struct {
	value []byte
	by    int
}

const (
	people    = 4
	ownCA     = people
	foreignCA = people + 1
)

func newWorld(t testing.TB, change func(*protocol.Params)) *world {
	w := &world{names: map[string]protocol.NameKey{}}
	for range people + 2 {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		w.owners = append(w.owners, key)
	}
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiBCertified, p.ClockDrift = "test", 0, 2*second
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	signers := make([]*protocol.Signer, 2)
	for i, name := range []string{"own", "foreign"} {
		key := w.owners[ownCA+i]
		der, err := protocol.NewAuthority(key, name, at(-1000*86400), at(1000*86400), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signers[i], err = protocol.NewSigner(key, der); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			p.Authorities = [][]byte{der}
		} else {
			w.foreign = der
		}
	}
	change(&p)
	var err error
	if w.Network, err = protocol.NewNetwork(p, start, rand.Reader); err != nil {
		t.Fatal(err)
	}
	for owner := range people {
		for i, signer := range signers {
			w.certify(t, signer, ownCA+i, owner, at(-86400), at(86400))
			w.certify(t, signer, ownCA+i, owner, at(0), at(7))
		}
	}
	return w
}

func at(seconds int) time.Time {
	return time.UnixMilli(start).Add(time.Duration(seconds) * time.Second)
}

// certify makes a certificate for an owner, and two lists that revoke it.
func (w *world) certify(t testing.TB, by *protocol.Signer, ca, owner int, from, until time.Time) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, w.owners[owner])
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	value, err := by.Certify(request, from, until, false, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.certificates = append(w.certificates, value)
	chain, err := protocol.ParseChain(value)
	if err != nil {
		t.Fatal(err)
	}
	for _, since := range []uint64{0, start + 6*second} {
		revoked, err := by.Revoke([]protocol.Revoked{{Serial: string(chain.Serial()), Since: since}}, at(0))
		if err != nil {
			t.Fatal(err)
		}
		w.lists = append(w.lists, list{revoked, ca})
	}
}

func (w *world) name(s string) protocol.NameKey {
	k, ok := w.names[s]
	if !ok {
		var err error
		if k, err = w.DeriveName(s); err != nil {
			panic(err)
		}
		w.names[s] = k
	}
	return k
}

func (w *world) where(name string, from, to uint64) store.Range {
	return store.Range{Key: w.name(name).Selector(), From: from, To: to}
}

// selectorNames are what drawn records are under.
var selectorNames = []string{"a", "b"}

// draw makes a small network in which owners claim, update, delete, release, certify, revoke and
// comment, in an order in which parents come first.
func (w *world) draw(t *rapid.T) []*protocol.Record {
	known := slices.Clone(w.Genesis())
	carried := map[protocol.Owner][]*protocol.Record{} // certificates of an owner
	var records []*protocol.Record
	if w.Params().AuthRequired || rapid.Bool().Draw(t, "certified") {
		for owner := range people {
			d := protocol.Draft{Type: protocol.TypeCertificate, Owner: w.owner(owner), Timestamp: start, Value: w.certificates[4*owner]}
			d.Links = []protocol.ID{known[0].ID(), known[1].ID()}
			r := w.make(t, d, owner, paid)
			records, carried[d.Owner] = append(records, r), append(carried[d.Owner], r)
		}
		known = append(known, records...)
	}
	for range rapid.IntRange(5, 60).Draw(t, "records") {
		d := protocol.Draft{Owner: protocol.OwnerOf(w.owners[rapid.IntRange(0, people-1).Draw(t, "owner")])}
		d.Type = rapid.SampledFrom([]protocol.Type{
			protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum,
			protocol.TypeRelease, protocol.TypeCommentary, protocol.TypeCertificate, protocol.TypeRevocation,
		}).Draw(t, "type")
		effort := rapid.SampledFrom([]uint32{0, paid, paid, paid, paid, paid + 3, 2 * paid, 4 * paid}).Draw(t, "effort")
		signer := slices.IndexFunc(w.owners, func(k ed25519.PrivateKey) bool { return protocol.OwnerOf(k) == d.Owner })
		switch d.Type {
		case protocol.TypeCertificate:
			d.Value, effort = rapid.SampledFrom(w.certificates).Draw(t, "certificate"), paid
		case protocol.TypeRevocation:
			l := rapid.SampledFrom(w.lists).Draw(t, "list")
			if d.Value, effort = l.value, paid; rapid.IntRange(0, 2).Draw(t, "own") > 0 {
				signer = l.by
			}
		case protocol.TypeCommentary:
			d.Value, effort = w.drawWords(t), paid
		default:
			names := selectorNames[:1]
			if rapid.IntRange(0, 1).Draw(t, "elsewhere") > 0 {
				names = rapid.SliceOfNDistinct(rapid.SampledFrom(selectorNames), 1, 2, rapid.ID[string]).Draw(t, "names")
			}
			for _, n := range names {
				d.Names = append(d.Names, protocol.NamePoint{Name: w.name(n), Ordinal: rapid.SampledFrom([]uint64{0, 0, 0, 1}).Draw(t, "ordinal")})
			}
			if d.Type == protocol.TypeDatum && rapid.IntRange(0, 4).Draw(t, "tombstone") > 0 {
				d.Value = []byte("v")
			}
		}
		d.Owner = protocol.OwnerOf(w.owners[signer])
		var links []*protocol.Record
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(max(0, len(known)-8), len(known)-1), 2, 3, rapid.ID[int]).Draw(t, "links") {
			links = append(links, known[i])
		}
		if mine := carried[d.Owner]; len(mine) > 0 && (w.Params().AuthRequired || rapid.IntRange(0, 3).Draw(t, "rests") > 0) {
			links = append(links, rapid.SampledFrom(mine).Draw(t, "on"))
		}
		for _, l := range links {
			if d.Timestamp = max(d.Timestamp, l.Timestamp); !slices.Contains(d.Links, l.ID()) {
				d.Links = append(d.Links, l.ID())
			}
		}
		d.Timestamp += rapid.SampledFrom([]uint64{0, 1, second, 2 * second}).Draw(t, "later")
		r := w.make(t, d, signer, effort)
		if slices.ContainsFunc(known, func(k *protocol.Record) bool { return k.ID() == r.ID() }) {
			continue
		}
		known, records = append(known, r), append(records, r)
		if d.Type == protocol.TypeCertificate {
			if c, err := protocol.ParseChain(r.ValueBytes()); err == nil {
				carried[c.Owner()] = append(carried[c.Owner()], r)
			}
		}
	}
	return records
}

// make makes a record with work of an effort, which the store does not verify.
func (w *world) make(t interface{ Fatal(...any) }, d protocol.Draft, signer int, effort uint32) *protocol.Record {
	composed, err := w.Compose(d)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := w.Sign(composed, w.owners[signer])
	if err != nil {
		t.Fatal(err)
	}
	h := signed.Header
	if h.Work = nil; effort > 0 {
		h.Work = &protocol.Work{Effort: effort}
	}
	r, err := protocol.NewRecord(h, signed.ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drawWords is a commentary on claims to single keys.
func (w *world) drawWords(t *rapid.T) []byte {
	var words []protocol.Word
	for _, owner := range rapid.SliceOfNDistinct(rapid.IntRange(0, people-1), 1, 3, rapid.ID[int]).Draw(t, "about") {
		points := []protocol.SelectorPoint{{Key: w.name(rapid.SampledFrom(selectorNames).Draw(t, "of")).Selector(), Ordinal: rapid.Uint64Range(0, 1).Draw(t, "ordinal")}}
		words = append(words, protocol.Word{Composite: protocol.CompositeOf(points), Owner: protocol.OwnerOf(w.owners[owner]), Objects: rapid.IntRange(0, 2).Draw(t, "objects") > 0})
	}
	value, err := protocol.EncodeCommentary(words)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
