package ui_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/ui/uitest"
)

var update = flag.Bool("update", false, "make the pictures of docs/ui.md again")

const picturesFolder = "../../docs/pictures"

// TestPictures makes the pictures of docs/ui.md with -update, from a node and from a world of peers
// that no test has. Without, it wants the document to show each of them.
func TestPictures(t *testing.T) {
	t.Parallel()
	names := []string{"ui-status.png", "ui-peers.png", "ui-explore.png"}
	if *update {
		makePictures(t)
	}
	document, err := os.ReadFile("../../docs/ui.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		png, err := os.ReadFile(filepath.Join(picturesFolder, name))
		if err != nil || !bytes.HasPrefix(png, []byte("\x89PNG")) || len(png) > 200<<10 {
			t.Errorf("%s: %d bytes, %v: go test ./internal/ui -run Pictures -update makes it", name, len(png), err)
		}
		if !strings.Contains(string(document), "](pictures/"+name+")") {
			t.Errorf("docs/ui.md does not show %s", name)
		}
	}
}

func makePictures(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(picturesFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	picture := func(b *uitest.Tab, name string) { b.Picture(filepath.Join(picturesFolder, name)) }
	n := testNetwork(t)
	first := startNode(t, n)
	here := startNode(t, n, seeds(first))
	startNode(t, n, seeds(here, first))
	db := clientOf(t, here)
	ops, other := lf.AsKey(newKey(t)), lf.AsKey(newKey(t))
	for i, value := range []string{"10.0.0.1:8080", "10.0.0.7:8080", "10.0.0.9:8080"} {
		by := ops
		if i == 1 {
			by = other
		}
		if _, err := db.Set(t.Context(), lf.MustKey("svc", "web#1"), []byte(value), by); err != nil {
			t.Fatal(err)
		}
	}
	b := uitest.Open(t, here.APIURL())
	b.Size(960, 900)
	b.UntilText("#sync", "2 of 2 peers")
	b.UntilText("#agreeing", "had the same records")
	b.UntilText("#records", "5 records")
	picture(b, "ui-status.png")

	explore(b, "svc", "web#1")
	b.UntilText("#reason", ".")
	b.Until(`document.querySelectorAll("#around g.node").length > 2`)
	uitest.Eval[bool](b, `(document.querySelector("#key").scrollIntoView(), true)`)
	picture(b, "ui-explore.png")

	w := newWorld(t, 4)
	for i := range w.peers {
		w.peers[i].Agent = "lf/0.9"
	}
	b = uitest.Open(t, serveWorld(t, w)+"/#peers")
	b.Size(960, 800)
	b.Until(`document.querySelectorAll("#connected tbody tr").length === 8`)
	picture(b, "ui-peers.png")
}
