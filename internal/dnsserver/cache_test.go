package dnsserver

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/internal/dnszone"
)

// addressOf is what a server answers for a name's address: the code, "stale", and the addresses.
func addressOf(s *Server, name string) string {
	m := ask(s, name+".lf.", dns.TypeA)
	words := []string{dns.RcodeToString[m.Rcode]}
	for _, line := range said(m) {
		if strings.HasPrefix(line, "because Stale") {
			words = append(words, "stale")
		}
	}
	for _, rr := range m.Answer {
		words = append(words, rr.(*dns.A).A.String())
	}
	return strings.Join(words, " ")
}

// TestChanges: what is set, changed and removed is answered soon after, also under a wildcard and
// where there was nothing. The node is not asked again.
func TestChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(map[string]string{"a": "A 192.0.2.1"})
		s := newServer(t, n, nil)
		want := func(name, want string) {
			t.Helper()
			if got := addressOf(s, name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		want("a", "NOERROR 192.0.2.1")
		want("b", "NOERROR")
		time.Sleep(time.Minute + time.Second) // between two probes
		asked, streams, _ := n.counts()
		if streams != 1 {
			t.Errorf("%d watches", streams)
		}
		n.set("a", "A 192.0.2.2")
		n.set("b", "A 192.0.2.3")
		synctest.Wait()
		want("a", "NOERROR 192.0.2.2")
		want("b", "NOERROR 192.0.2.3")
		n.remove("a")
		n.set("*", "A 192.0.2.4")
		synctest.Wait()
		want("a", "NOERROR 192.0.2.4")
		n.set("b", "no record")
		synctest.Wait()
		want("b", "SERVFAIL")
		if now, _, _ := n.counts(); now > asked {
			t.Errorf("the node was asked for %d keys again", now-asked)
		}
	})
}

// TestChangeBeforeWatch: a name that changes before it is watched is true within a second.
func TestChangeBeforeWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(map[string]string{"a": "A 192.0.2.1"})
		s := newServer(t, n, nil)
		if got := addressOf(s, "a"); got != "NOERROR 192.0.2.1" {
			t.Error(got)
		}
		n.set("a", "A 192.0.2.2")
		time.Sleep(time.Second)
		if got := addressOf(s, "a"); got != "NOERROR 192.0.2.2" {
			t.Error(got)
		}
	})
}

// TestStale: while the node is away the last known state is answered, with a short TTL, for a
// bounded time. Afterwards, and of what was never asked for, there is no answer. Then the node is
// back.
func TestStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(map[string]string{"a": "300 A 192.0.2.1", "c": "A 192.0.2.3"})
		s := newServer(t, n, func(c *Config) { c.Stale = time.Hour })
		addressOf(s, "a")
		addressOf(s, "b")
		time.Sleep(48 * time.Hour) // it is watched: that is no age
		n.setDown(true)
		synctest.Wait()
		n.set("a", "A 192.0.2.2")
		time.Sleep(59 * time.Minute)
		for name, want := range map[string]string{"a": "NOERROR stale 192.0.2.1", "b": "NOERROR stale", "c": "SERVFAIL"} {
			began := time.Now()
			if got := addressOf(s, name); got != want || time.Since(began) > 2*time.Second {
				t.Errorf("%s: %s after %s, want %s", name, got, time.Since(began), want)
			}
		}
		if m := ask(s, "a.lf.", dns.TypeA); len(m.Answer) != 1 || m.Answer[0].Header().Ttl != 30 {
			t.Errorf("%v", m.Answer)
		}
		time.Sleep(2 * time.Minute)
		if got := addressOf(s, "a"); got != "SERVFAIL" {
			t.Error(got)
		}
		n.setDown(false)
		time.Sleep(2 * lastPause)
		for name, want := range map[string]string{"a": "NOERROR 192.0.2.2", "b": "NOERROR", "c": "NOERROR 192.0.2.3"} {
			if got := addressOf(s, name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	})
}

// TestSilentWatch: watches that stay while nobody answers, as those of a proxy without nodes, keep
// nothing true.
func TestSilentWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(map[string]string{"a": "A 192.0.2.1"})
		s := newServer(t, n, nil)
		addressOf(s, "a")
		time.Sleep(time.Hour)
		if got := addressOf(s, "a"); got != "NOERROR 192.0.2.1" {
			t.Error(got)
		}
		n.setState(true, false)
		n.set("a", "A 192.0.2.2")
		time.Sleep(probeEvery + time.Second)
		if got := addressOf(s, "a"); got != "NOERROR stale 192.0.2.1" {
			t.Error(got)
		}
		n.setState(false, false)
		time.Sleep(2 * lastPause)
		if got := addressOf(s, "a"); got != "NOERROR 192.0.2.2" {
			t.Error(got)
		}
	})
}

// TestHungNode: a node that takes questions and does not answer delays one question, and not those
// for which a stale answer is there.
func TestHungNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(map[string]string{"a": "A 192.0.2.1"})
		s := newServer(t, n, nil)
		addressOf(s, "a")
		time.Sleep(time.Minute)
		n.setDown(true)
		n.mu.Lock()
		n.delay = time.Hour
		n.mu.Unlock()
		time.Sleep(time.Minute)
		for i, most := range []time.Duration{answerWithin, 0, 0} {
			began := time.Now()
			if got := addressOf(s, "a"); got != "NOERROR stale 192.0.2.1" || time.Since(began) > most {
				t.Errorf("question %d: %s after %s", i, got, time.Since(began))
			}
		}
	})
}

// TestCertifiedOnly: an owner without a certificate has nothing there, until it has one.
func TestCertifiedOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(map[string]string{"a": "A 192.0.2.1", "b": "A 192.0.2.2"})
		n.uncertified[keyOf("b")] = true
		s := newServer(t, n, func(c *Config) { c.Certified = true })
		if a, b := addressOf(s, "a"), addressOf(s, "b"); a != "NOERROR 192.0.2.1" || b != "NOERROR" {
			t.Error(a, b)
		}
		n.mu.Lock()
		delete(n.uncertified, keyOf("b"))
		n.mu.Unlock()
		time.Sleep(recheckUncertified + time.Second)
		if got := addressOf(s, "b"); got != "NOERROR 192.0.2.2" {
			t.Error(got)
		}
	})
}

// TestFlood: questions for names that nobody has set fill neither memory nor the node, and names
// that are known are answered at once meanwhile.
func TestFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(map[string]string{"a": "A 192.0.2.1"})
		s := newServer(t, n, func(c *Config) { c.Entries = 200 })
		addressOf(s, "a")
		time.Sleep(time.Second)
		n.mu.Lock()
		n.delay = 20 * time.Millisecond
		n.mu.Unlock()
		busy := make(chan string, 600)
		for i := range cap(busy) {
			go func() { busy <- addressOf(s, fmt.Sprintf("x%d", i)) }()
		}
		synctest.Wait() // all wait or have been refused
		began := time.Now()
		if got := addressOf(s, "a"); got != "NOERROR 192.0.2.1" || time.Since(began) > 0 {
			t.Errorf("%s after %s", got, time.Since(began))
		}
		codes := map[string]int{}
		for range cap(busy) {
			codes[<-busy]++
		}
		if codes["NOERROR"] < maxShare || codes["SERVFAIL"] == 0 || len(codes) != 2 {
			t.Errorf("%v", codes)
		}
		for i := range 600 {
			addressOf(s, fmt.Sprintf("y%d", i))
		}
		time.Sleep(time.Minute + time.Second) // between two probes
		asked, streams, begun := n.counts()
		s.cache.mu.Lock()
		defer s.cache.mu.Unlock()
		if n.most() > maxShare || len(s.cache.entries) > 200 || s.cache.entries["a.lf."] == nil || streams > 12 {
			t.Errorf("%d at once, %d entries, a there %t, %d keys asked for, %d watches of %d", n.most(), len(s.cache.entries), s.cache.entries["a.lf."] != nil, asked, streams, begun)
		}
		watched := 0
		for _, g := range s.cache.watcher.groups {
			watched += len(g.entries)
		}
		if watched > 3*200 {
			t.Errorf("%d names are watched", watched)
		}
	})
}

// TestFewWatches: names that come one after the other end in few watches, and each name has moved
// to another one only a few times.
func TestFewWatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode(nil)
		s := newServer(t, n, nil)
		const names = 1500
		for i := range names {
			addressOf(s, fmt.Sprintf("n%d", i))
			time.Sleep(gather / 4)
		}
		time.Sleep(time.Minute)
		_, streams, begun := n.counts()
		if streams > 16 || begun > names {
			t.Errorf("%d watches of %d that were begun", streams, begun)
		}
		s.cache.mu.Lock()
		for _, e := range s.cache.entries {
			if e.group == nil || !e.group.live {
				t.Fatalf("%s is not watched", e.name)
			}
		}
		s.cache.mu.Unlock()
		n.set("n7", "A 192.0.2.7")
		synctest.Wait()
		if got := addressOf(s, "n7"); got != "NOERROR 192.0.2.7" {
			t.Error(got)
		}
	})
}

// TestModel has names set, removed and asked for, while the node goes and comes back and the cache
// is too small. Soon after a change an answer is what the node has, or says that it is stale.
func TestModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// without the deadline of the test, which there is none of in fake time
		rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) {
			n := newFakeNode(nil)
			zones, err := dnszone.ParseZones([]string{dnszone.DefaultZone})
			if err != nil {
				rt.Fatal(err)
			}
			s, err := Start(Config{Source: n, Zones: zones, Entries: 1})
			if err != nil {
				rt.Fatal(err)
			}
			defer s.Close()
			name := rapid.Custom(func(rt *rapid.T) string { return fmt.Sprintf("n%d", rapid.IntRange(0, 2*minEntries).Draw(rt, "name")) })
			model, down := map[string]string{}, false
			rt.Repeat(map[string]func(*rapid.T){
				"set": func(rt *rapid.T) {
					at, value := name.Draw(rt, "at"), fmt.Sprintf("192.0.2.%d", rapid.IntRange(1, 250).Draw(rt, "value"))
					model[at] = " " + value
					n.set(at, "A "+value)
				},
				"remove": func(rt *rapid.T) {
					at := name.Draw(rt, "at")
					delete(model, at)
					n.remove(at)
				},
				"turn": func(rt *rapid.T) {
					down = !down
					n.setDown(down)
				},
				"wait": func(rt *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(1, 10000).Draw(rt, "ms")) * time.Millisecond)
				},
				"ask": func(rt *rapid.T) {
					at := name.Draw(rt, "at")
					time.Sleep(grace)
					switch got := addressOf(s, at); {
					case down && (strings.HasPrefix(got, "NOERROR stale") || got == "SERVFAIL"):
					case !down && got == "NOERROR"+model[at]:
					case !down && strings.HasPrefix(got, "NOERROR stale"): // it has not noticed yet
					case !down && got == "SERVFAIL":
						rt.Fatalf("%s: %s", at, got)
					default:
						rt.Fatalf("%s: %q, the node has %q (away: %t)", at, got, model[at], down)
					}
				},
			})
		})
	})
}
