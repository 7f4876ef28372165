package proxy

import (
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// answer shows a client what nodes said, as far as the client asked for it.
func (u *question) answer(v *view, c *api.Comparison) *api.QueryResult {
	result := &api.QueryResult{Answers: make([]api.Answer, len(v.answers)), Next: v.next, Policy: u.Policy, Oracles: u.Oracles, Comparison: c}
	for i := range v.answers {
		result.Answers[i] = u.showAnswer(&v.answers[i])
	}
	result.LeaveOutLapsed(u.Alive)
	return result
}

func (u *question) showAnswer(a *viewAnswer) api.Answer {
	out := api.Answer{Ordinals: a.ordinals, Version: u.showVersion(a.winner()), Claims: a.total}
	if a.alive != nil {
		out.Alive = api.NewAlive(a.alive, api.Millis(time.Now()))
	}
	if u.Keys != nil {
		asked := a.asked
		out.Asked = &asked
	}
	if u.Frames {
		out.Composite = &a.composite
	}
	if u.History {
		for _, v := range a.older {
			out.History = append(out.History, u.showVersion(v))
		}
		if n := len(a.older); n >= api.MaxHistory {
			last := a.older[n-1].ID()
			out.HistoryNext = api.HistoryCursor(a.composite, api.HistoryPosition{Owner: out.Owner, Timestamp: a.older[n-1].Timestamp, Prefix: [8]byte(last[:8])})
		}
		for _, v := range a.claims[1:] {
			out.Others = append(out.Others, u.showVersion(v))
		}
	}
	if u.Explain {
		out.Explanation = u.explain(a)
	}
	return out
}

func (u *question) showVersion(v version) api.Version {
	out := api.Version{Record: v.ID(), Owner: v.Owner, Time: v.Timestamp, Deleted: v.Tombstone()}
	if u.Frames {
		out.Frame, out.Weight = v.EncodeFrame(), api.Uint64(v.weight)
	}
	u.show(&out, v.Record)
	return out
}

// explain tells how the claims stand, which are ranked already.
func (u *question) explain(a *viewAnswer) *api.Explanation {
	e := &api.Explanation{Policy: u.Policy, Claims: make([]api.ClaimInfo, len(a.claims))}
	for i, v := range a.claims {
		info := a.infos[i]
		e.Claims[i] = api.ClaimInfo{
			Owner: v.Owner, Record: v.ID(), Deleted: v.Tombstone(), Standing: a.standings[i], Authority: info.Authority, Seen: info.Seen,
			Words: info.Words, Certificate: info.Certificate, Revoked: info.Revoked,
		}
		if i > 0 {
			_, e.Claims[i].LostBy = u.Policy.Compare(&a.standings[0], &a.standings[i])
		}
		if i == 1 {
			e.Decided = e.Claims[i].LostBy
		}
	}
	e.Reason = e.Why(protocol.Owner.String)
	return e
}

// distinct drops what is there twice.
func distinct(oracles []protocol.Owner) []protocol.Owner {
	seen := map[protocol.Owner]bool{}
	list := make([]protocol.Owner, 0, len(oracles))
	for _, o := range oracles {
		if !seen[o] {
			seen[o] = true
			list = append(list, o)
		}
	}
	return list
}
