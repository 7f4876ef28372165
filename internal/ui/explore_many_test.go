package ui_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/ui/uitest"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/protocol"
)

// submit hands a node a record under each ordinal of a name, from 0 to below count.
func submit(t testing.TB, on *node.Node, n *protocol.Network, of string, from, count int) {
	t.Helper()
	name, err := n.DeriveName(of)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	var links []protocol.ID
	for _, g := range n.Genesis() {
		links = append(links, g.ID())
	}
	todo := make(chan int)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for i := range todo {
				r, err := n.Compose(protocol.Draft{
					Owner: protocol.OwnerOf(key), Timestamp: uint64(time.Now().UnixMilli()), Value: fmt.Appendf(nil, "value %d", i),
					Names: []protocol.NamePoint{{Name: name, Ordinal: uint64(i)}}, Links: links,
				})
				if err == nil {
					r, err = n.Sign(r, key)
				}
				if err == nil {
					_, err = on.Service().Submit(t.Context(), r.EncodeFrame())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range count {
		todo <- from + i
	}
	close(todo)
	group.Wait()
}

// TestManyAnswers lists many answers in pages, and follows as many as a node lets a watcher follow.
// More are listed as well.
func TestManyAnswers(t *testing.T) {
	t.Parallel()
	for _, count := range []int{250, 10_000} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			network := testNetwork(t)
			n := startNode(t, network)
			submit(t, n, network, "many", 0, count)
			b := uitest.Open(t, n.APIURL())
			explore(b, "many#")
			says := func(of, from, to int) {
				t.Helper()
				b.Until(fmt.Sprintf(`document.querySelector("#answer-count")?.innerText === "%s answers, %s to %s shown"`, thousands(of), thousands(from), thousands(to)))
			}
			says(count, 1, 100)
			b.Click("#page-next")
			says(count, 101, 200)
			b.UntilText("#answers tbody tr:first-child", "value 100")
			if rows := uitest.Eval[int](b, `document.querySelectorAll("#answers tbody tr").length`); rows != 100 {
				t.Errorf("%d rows on a page", rows)
			}
			b.Click("#answers tbody tr:nth-child(3) button")
			b.UntilText("#answer", "value 102")
			submit(t, n, network, "many", count, 1) // more than 10,000 are not followed
			if count < 10_000 {
				says(count+1, 101, 200)
				return
			}
			explore(b, "many#")
			says(count+1, 1, 100)
			b.UntilText("#explore-problem", "does not change by itself")
			b.Click("#answers tbody tr:nth-child(5) button")
			b.UntilText("#answer", "value 4")
		})
	}
}

// thousands is how the page writes a number.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
