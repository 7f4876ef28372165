package node

import "testing"

// TestDatabaseID holds that a database has the same name after a restart, and a new one in its
// place another.
func TestDatabaseID(t *testing.T) {
	t.Parallel()
	c := config(t, newNetwork(t, 0), offline)
	var ids []string
	for range 2 {
		n := start(t, c)
		s, err := n.Service().Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.Storage.Database)
		stop(t, n)
	}
	if err := removeDatabase(c.Home); err != nil {
		t.Fatal(err)
	}
	s, err := start(t, c).Service().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(ids[0]) != 32 || ids[0] != ids[1] || s.Storage.Database == ids[0] {
		t.Errorf("%q, then %q", ids, s.Storage.Database)
	}
}
