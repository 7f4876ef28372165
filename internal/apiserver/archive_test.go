package apiserver_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
)

// fakeArchive is a file of these bytes, that ends with an error.
type fakeArchive struct {
	file  []byte
	fails error
	took  bytes.Buffer
}

func (f *fakeArchive) Export(_ context.Context, w io.Writer) error {
	if len(f.file) > 0 {
		if _, err := w.Write(f.file); err != nil {
			return err
		}
	}
	return f.fails
}

func (f *fakeArchive) Import(_ context.Context, r io.Reader) (*api.Imported, error) {
	if _, err := io.CopyN(&f.took, r, int64(len(f.file))); err != nil {
		return nil, err
	}
	if f.fails != nil {
		return nil, f.fails
	}
	n, err := io.Copy(&f.took, r)
	return &api.Imported{Records: uint64(n)}, err
}

func archiveClient(t *testing.T, o apiserver.HandlerOptions) *api.Client {
	t.Helper()
	o.Token = "secret"
	server := httptest.NewServer(apiserver.NewHandler(newFake(t), o))
	t.Cleanup(server.Close)
	c := api.NewClient(server.URL, "secret")
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestArchiveStreams holds that an archive of many writes passes whole, both ways.
func TestArchiveStreams(t *testing.T) {
	t.Parallel()
	f := &fakeArchive{file: bytes.Repeat([]byte("0123456789"), 100_000)}
	c := archiveClient(t, apiserver.HandlerOptions{Archive: f})
	var got bytes.Buffer
	if err := c.Export(t.Context(), &got); err != nil || !bytes.Equal(got.Bytes(), f.file) {
		t.Errorf("%d bytes of %d: %v", got.Len(), len(f.file), err)
	}
	done, err := c.Import(t.Context(), io.MultiReader(bytes.NewReader(f.file), strings.NewReader("more")))
	if err != nil || done.Records != 4 || f.took.Len() != len(f.file)+4 {
		t.Errorf("%+v, %d bytes: %v", done, f.took.Len(), err)
	}
}

// TestExportEndsEarly holds that no client takes a part for the whole.
func TestExportEndsEarly(t *testing.T) {
	t.Parallel()
	f := &fakeArchive{file: make([]byte, 200_000), fails: errors.New("the disk broke")}
	c := archiveClient(t, apiserver.HandlerOptions{Archive: f})
	if err := c.Export(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "ended the archive early") {
		t.Errorf("cut off: %v", err)
	}
	f.file, f.fails = nil, api.Unavailable("the node is closing")
	if err := c.Export(t.Context(), io.Discard); !errors.Is(err, &api.Error{Status: http.StatusServiceUnavailable}) {
		t.Errorf("nothing at all: %v", err)
	}
}

// TestImportFails holds that the client hears why an import ended, whether the node is at fault or
// the file.
func TestImportFails(t *testing.T) {
	t.Parallel()
	f := &fakeArchive{file: []byte("1234"), fails: api.Invalid("the second record is wrong")}
	c := archiveClient(t, apiserver.HandlerOptions{Archive: f})
	if _, err := c.Import(t.Context(), strings.NewReader("1234567")); err == nil || err.Error() != "the second record is wrong" {
		t.Error(err)
	}
	broken := errors.New("the disk broke")
	if _, err := c.Import(t.Context(), io.MultiReader(strings.NewReader("12"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// TestArchiveWantsToken holds that nobody exports or imports without a token: it costs much.
func TestArchiveWantsToken(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: "secret", Public: true, Archive: &fakeArchive{}})
	ask(t, h, "GET", "/v1/export", nil).want(t, http.StatusUnauthorized, "application/problem+json")
	ask(t, h, "POST", "/v1/import", nil).want(t, http.StatusUnauthorized, "application/problem+json")
}

// TestNoArchive holds that a proxy says that it has no records.
func TestNoArchive(t *testing.T) {
	t.Parallel()
	c := archiveClient(t, apiserver.HandlerOptions{})
	file, err := c.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	network, err := file.Network()
	if err != nil {
		t.Fatal(err)
	}
	client, err := lf.New(c, network)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Export(t.Context(), io.Discard); !errors.Is(err, lf.ErrNoRecords) {
		t.Error(err)
	}
	if _, err := client.Import(t.Context(), strings.NewReader("")); !errors.Is(err, lf.ErrNoRecords) {
		t.Error(err)
	}
}
