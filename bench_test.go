package lf_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/lf-store/lf/node/api"
)

// BenchmarkGet compares a verified get with the same request by hand, of which nothing is checked.
func BenchmarkGet(b *testing.B) {
	db := open(b, newFake(b))
	set(b, db, horse, "Bad Horse")
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.Get(b.Context(), horse); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		name, err := db.Network().DeriveName("horse")
		if err != nil {
			b.Fatal(err)
		}
		key := name.Selector()
		body, err := json.Marshal(api.Query{Selectors: []api.SelectorRange{{Key: &key}}, Limit: 100, Frames: true})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			resp, err := http.Post(db.Address()+"/v1/query", "application/json", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
				b.Fatal(resp.Status, err)
			}
			resp.Body.Close()
		}
		http.DefaultClient.CloseIdleConnections()
	})
}
