package clone

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Unix(1_700_000_000, 0)

// TestPlanBounds offers anything at any pace: the dials and the memory stay bounded, and every
// source has its turn.
func TestPlanBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, now := newPlan(), epoch
		asked := map[time.Time]int{} // addresses by the time of their round
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "pause")))
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				var list []string
				for range rapid.IntRange(0, 20).Draw(t, "offered") {
					list = append(list, fmt.Sprint(rapid.IntRange(0, 1000).Draw(t, "address")))
				}
				p.offer(Source(rapid.IntRange(0, int(sources)-1).Draw(t, "source")), list, now)
			case 1:
				round := p.round(now)
				asked[now] += len(round)
				for _, a := range round {
					p.answered(a, verdict(rapid.IntRange(0, 2).Draw(t, "verdict")), now)
				}
			case 2:
				p.asked("stranger", now)
			}
			for s, list := range p.offers {
				if len(list) > maxOffers {
					t.Fatalf("%d offers of source %d wait", len(list), s)
				}
			}
			if len(p.leave) > maxAsked {
				t.Fatalf("%d addresses are remembered", len(p.leave))
			}
			if due := p.due(); !due.IsZero() && !due.After(now) {
				count := len(p.round(now))
				asked[now] += count
				if count == 0 {
					t.Fatal("something is due, and nothing is asked")
				}
			}
		}
		for at, count := range asked {
			if count > perRound {
				t.Fatalf("%d addresses at %s", count, at)
			}
			for other, also := range asked {
				if gap := other.Sub(at); count > 0 && also > 0 && gap > 0 && gap < roundEvery {
					t.Fatalf("two rounds %s apart", gap)
				}
			}
		}
	})
}

// TestPlanFair holds that a source that offers without end keeps no other from being asked.
func TestPlanFair(t *testing.T) {
	p := newPlan()
	for i := range 100 {
		p.offer(DHT, []string{fmt.Sprint(i)}, epoch)
	}
	p.offer(Seeds, []string{"seed"}, epoch)
	for _, a := range p.round(epoch) {
		if a == "seed" {
			return
		}
	}
	t.Error("the seed is not among the first that are asked")
}

// TestPlanClone holds that a clone is news once, is asked again, and is forgotten some minutes
// after it is gone.
func TestPlanClone(t *testing.T) {
	p, now := newPlan(), epoch
	p.offer(Seeds, []string{"a"}, now)
	if got := p.round(now); len(got) != 1 {
		t.Fatalf("asked %v", got)
	}
	if !p.answered("a", another, now) || p.answered("a", another, now) {
		t.Error("a clone is news once")
	}
	now = now.Add(recheckEvery)
	if got := p.round(now); len(got) != 1 || got[0] != "a" {
		t.Fatalf("asked again: %v", got)
	}
	p.answered("a", silent, now)
	if _, there := p.sighting(now); !there {
		t.Error("one lost packet, and the clone is forgotten")
	}
	if _, there := p.sighting(epoch.Add(cloneLasts + time.Second)); there {
		t.Error("the clone is gone, and not forgotten")
	}
	if !p.asked("b", epoch.Add(time.Hour)) {
		t.Error("one that comes again is no news")
	}
}

// TestPlanLeavesAlone holds that an address that led to this process, or nowhere, is not asked
// again and again.
func TestPlanLeavesAlone(t *testing.T) {
	for v, alone := range map[verdict]time.Duration{oneself: leaveSelf, silent: leaveSilent} {
		p := newPlan()
		p.offer(DHT, []string{"a"}, epoch)
		p.round(epoch)
		p.answered("a", v, epoch)
		p.offer(DHT, []string{"a"}, epoch.Add(alone-time.Second))
		if !p.due().IsZero() {
			t.Errorf("verdict %d: asked again within %s", v, alone)
		}
		p.offer(DHT, []string{"a"}, epoch.Add(alone))
		if p.due().IsZero() {
			t.Errorf("verdict %d: not asked after %s", v, alone)
		}
	}
}
