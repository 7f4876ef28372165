package bench

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// BenchmarkHTTPNames asks a node for one key of 20,000 records, and with LF_RECORDS=1000000 of a
// million. A client that has derived the selector asks by key. A stranger asks by names that no
// cache has: for each the node runs Argon2id with the parameters of the public network.
func BenchmarkHTTPNames(b *testing.B) {
	sizes := []int{20_000}
	if os.Getenv("LF_RECORDS") == "1000000" {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		d := hardened[n].make(b, n)
		p := startNode(b, d.dir)
		h, err := home.Open(d.dir)
		if err != nil {
			b.Fatal(err)
		}
		network, _, err := h.Network()
		if err != nil {
			b.Fatal(err)
		}
		keys := make([]protocol.SelectorKey, 200)
		for i := range keys {
			name, err := network.DeriveName(nameOf(i * n / len(keys)))
			if err != nil {
				b.Fatal(err)
			}
			keys[i] = name.Selector()
		}
		ask := func(r api.SelectorRange) []byte {
			body, err := json.Marshal(api.Query{Selectors: []api.SelectorRange{r}})
			if err != nil {
				b.Fatal(err)
			}
			return apitest.Post("/v1/query", body)
		}
		b.Run(fmt.Sprintf("key/%dk", n/1000), func(b *testing.B) {
			load(b, p.address, requests, func() []byte {
				ordinal := rand.Uint64N(perName)
				return ask(api.SelectorRange{Key: &keys[rand.IntN(len(keys))], From: api.Uint64(ordinal), To: api.Uint64(ordinal)})
			})
		})
		b.Run(fmt.Sprintf("new name/%dk", n/1000), func(b *testing.B) {
			load(b, p.address, requests/10, func() []byte {
				return ask(api.SelectorRange{Name: fmt.Sprintf("new-%x", rand.Uint64())})
			})
		})
		p.stop()
	}
}
