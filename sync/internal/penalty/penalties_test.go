package penalty

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A fault is enough for a ban, and the first one is short. A nuisance is borne for a while. A peer
// that comes back and goes on is refused for longer; one that behaves for an hour is forgiven. What
// was under way when a ban began adds nothing to it.
func TestPenalties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bans []time.Duration
		cheap, costly := Minor{1, "streams", "cheap"}, Minor{10, "lf.fetch", "costly"}
		c := New(nil, nil, func(b Ban) { bans = append(bans, b.For) })
		want := func(d ...time.Duration) {
			t.Helper()
			if !slices.Equal(bans, d) {
				t.Fatalf("banned for %v, want %v", bans, d)
			}
			bans = nil
		}
		for range minorBurst {
			c.ReportMinor("pest", cheap)
		}
		want()
		c.ReportMinor("pest", cheap)
		want(minorBan)
		c.ReportMinor("pest", costly) // it has its patience back when it may come again
		time.Sleep(minorBan)
		c.ReportMinor("pest", cheap)
		want()
		for range minorBurst / costly.Weight {
			c.ReportMinor("pest", costly)
		}
		want(2 * minorBan)

		broken := Violates("broken")
		c.ReportRejected("babbler", "lf.gossip", broken)
		c.ReportRejected("babbler", "lf.gossip", broken)
		want()
		c.ReportRejected("babbler", "lf.gossip", broken)
		want(firstBan)
		for range 5 { // gossip's score forgives it meanwhile, too
			c.ReportRejected("one that errs now and then", "lf.gossip", broken)
			time.Sleep(Forgiveness + time.Second)
		}
		want()

		fault := func() { c.Report("liar", "lf.fetch", broken) }
		fault()
		fault() // on another of its streams
		c.ReportMinor("liar", costly)
		want(firstBan)
		if firstBan < 10*time.Second || firstBan > 30*time.Second {
			t.Errorf("the first ban lasts %v", firstBan)
		}
		for pause := 2 * firstBan; pause < longestBan; pause *= 2 {
			time.Sleep(pause / 2)
			fault()
			want(pause)
		}
		for range 3 {
			time.Sleep(longestBan)
			fault()
			want(longestBan)
		}
		time.Sleep(longestBan + Forgiveness + time.Second)
		fault()
		want(firstBan)
	})
}
