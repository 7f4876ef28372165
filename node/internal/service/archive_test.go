package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/archive"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

// exported writes some records and returns them as an archive.
func exported(t *testing.T, s *Service, records int) []byte {
	t.Helper()
	for i := range records {
		r := api.SetRequest{Selectors: api.MustSelectors(fmt.Sprintf("n#%d", i)), Text: new(strings.Repeat("v", i))}
		if _, err := s.Set(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if err := s.Export(t.Context(), &file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// contents reads the records of an archive.
func contents(t *testing.T, n *protocol.Network, file []byte) (records []*protocol.Record) {
	t.Helper()
	a, err := archive.NewReader(bytes.NewReader(file), n)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := a.Next()
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Decode()
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
}

// rewritten is an archive of these records, whatever their order.
func rewritten(t *testing.T, n *protocol.Network, records []*protocol.Record) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := archive.NewWriter(&file, n, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

// TestArchive holds that a newcomer that imports an export has the same records. Importing twice
// adds nothing, and a file that was cut off anywhere can be imported again.
func TestArchive(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	file := exported(t, newTestService(t, n), 20)
	all := len(contents(t, n, file))
	newcomer := newTestService(t, n)
	missing := uint64(all - len(n.Genesis()))
	for cut := len(file) / 7; cut < len(file); cut += len(file) / 7 {
		_, err := newcomer.Import(t.Context(), bytes.NewReader(file[:cut]))
		if statusOf(err) != http.StatusUnprocessableEntity {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	before, err := newcomer.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	missing -= before.Sync.Attached - uint64(len(n.Genesis()))
	for _, added := range []uint64{missing, 0} {
		done, err := newcomer.Import(t.Context(), bytes.NewReader(file))
		if err != nil || done.Records != uint64(all) || done.Added != added {
			t.Errorf("imported %+v, want %d added: %v", done, added, err)
		}
	}
	if again := exported(t, newcomer, 0); len(contents(t, n, again)) != all {
		t.Error("the newcomer exports something else")
	}
}

// TestImportRefuses holds that an import ends at what is wrong, names it, and keeps what came
// before it.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	good := contents(t, n, exported(t, newTestService(t, n), 4))
	last := good[len(good)-1]
	other := nodetest.NewNetwork(t, 0)
	for name, c := range map[string]struct {
		file  []byte
		added string
		want  string
	}{
		"another network":       {rewritten(t, other, other.Genesis()), "", "another network"},
		"no archive":            {[]byte("selectors"), "", "not an archive of records"},
		"children first":        {rewritten(t, n, append(n.Genesis(), last)), "", "comes before one that it links to"},
		"a forged signature":    {rewritten(t, n, append(good[:len(good)-1:len(good)-1], forged(t, last))), "3 records were added", "record " + forged(t, last).ID().String()},
		"records of others too": {rewritten(t, n, append(good[:len(good)-2:len(good)-2], nodetest.NewNetwork(t, 0).Genesis()...)), "2 records were added", "genesis"},
	} {
		s := newTestService(t, n)
		_, err := s.Import(t.Context(), bytes.NewReader(c.file))
		if statusOf(err) != http.StatusUnprocessableEntity || !strings.Contains(fmt.Sprint(err), c.want) || !strings.Contains(fmt.Sprint(err), c.added) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// statusOf is the status of an error of the API, 0 for another error.
func statusOf(err error) int {
	var problem *api.Error
	if errors.As(err, &problem) {
		return problem.Status
	}
	return 0
}

// forged is a record whose signature is another one.
func forged(t *testing.T, r *protocol.Record) *protocol.Record {
	t.Helper()
	header := bytes.Clone(r.HeaderBytes())
	at := bytes.Index(header, r.Signature[:])
	header[at] ^= 1
	f, err := protocol.DecodeRecord(header, r.ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestImportCanceled holds that an import ends with its context.
func TestImportCanceled(t *testing.T) {
	t.Parallel()
	n := nodetest.NewNetwork(t, 0)
	file := exported(t, newTestService(t, n), 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newTestService(t, n).Import(ctx, bytes.NewReader(file)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
