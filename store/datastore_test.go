package store

import (
	"context"
	"fmt"
	"testing"

	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/query"
	dstest "github.com/ipfs/go-datastore/test"
)

func keyOf(s string) datastore.Key { return datastore.NewKey(s) }

// TestDatastore runs go-datastore's own suite.
func TestDatastore(t *testing.T) {
	t.Parallel()
	s := openTest(t, newWorld(t), Options{volatile: true})
	dstest.SubtestAll(t, s.Datastore())
}

func TestDatastorePages(t *testing.T) {
	t.Parallel()
	s := openTest(t, newWorld(t), Options{Readers: 1})
	d := s.Datastore()
	b, err := d.Batch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = 3*datastorePage + 1
	for i := range n {
		if err := b.Put(t.Context(), keyOf(fmt.Sprintf("/a/%05d", i)), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"/a", "/ab", "/a0", "/Z", "/b/1", "/é"} {
		if err := b.Put(t.Context(), keyOf(other), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	results, err := d.Query(t.Context(), query.Query{Prefix: "/a", Orders: []query.Order{query.OrderByKey{}}})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for r := range results.Next() {
		if r.Error != nil || r.Key != fmt.Sprintf("/a/%05d", count) || len(r.Value) != 1 || r.Size != 1 {
			t.Fatalf("entry %d: %+v", count, r)
		}
		if count++; count%100 == 0 { // the only reader is not the query's while its consumer works
			if ok, err := d.Has(t.Context(), keyOf(r.Key)); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
	}
	if count != n {
		t.Fatalf("%d entries, want %d", count, n)
	}
	used, err := datastore.DiskUsage(context.Background(), d)
	if err != nil || used < n*9 || used > n*10 {
		t.Fatalf("disk usage %d, %v", used, err)
	}
}

func TestDatastoreKeepsNothingOfTheCallers(t *testing.T) {
	t.Parallel()
	s := openTest(t, newWorld(t), Options{})
	d := s.Datastore()
	value := []byte("before")
	b, _ := d.Batch(t.Context())
	if err := b.Put(t.Context(), keyOf("/x"), value); err != nil {
		t.Fatal(err)
	}
	copy(value, "after!")
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if have, err := d.Get(t.Context(), keyOf("/x")); err != nil || string(have) != "before" {
		t.Fatalf("%q, %v", have, err)
	}
	if err := d.Put(t.Context(), keyOf("/nil"), nil); err != nil {
		t.Fatal(err)
	}
	if have, err := d.Get(t.Context(), keyOf("/nil")); err != nil || len(have) != 0 {
		t.Fatalf("%q, %v", have, err)
	}
	if err := d.Sync(t.Context(), keyOf("/")); err != nil {
		t.Fatal(err)
	}
}
