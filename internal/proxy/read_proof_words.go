package proxy

import (
	"context"
	"fmt"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// statedWord is an oracle's word about a claim, read from its commentary.
type statedWord struct {
	*protocol.Record
	objects bool
	named   []*node // by these
}

// proveWords reads what the elected oracles say of a claim from their commentaries. The latest word
// that counts is an oracle's.
func (e *evidence) proveWords(ctx context.Context, u *question, a *viewAnswer, claim int, said []saying) error {
	about := protocol.Word{Composite: a.composite, Owner: a.claims[claim].Owner}
	var words []api.SaidWord
	objections := 0
	for _, oracle := range u.Oracles {
		w, err := e.word(ctx, oracle, about, said)
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		words = append(words, api.SaidWord{Oracle: oracle, Record: w.ID(), Objects: w.objects})
		if w.objects {
			objections++
		}
	}
	a.infos[claim].Words, a.standings[claim].Objections = words, objections
	return nil
}

// word returns an oracle's latest word about a claim, nil for none.
func (e *evidence) word(ctx context.Context, oracle protocol.Owner, about protocol.Word, said []saying) (*statedWord, error) {
	stated, err := e.stated(ctx, oracle, about, said)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(stated, func(a, b *statedWord) int { return newer(version{Record: a.Record}, version{Record: b.Record}) })
	for _, w := range stated {
		if len(w.named) < len(said) && !e.counts(ctx, w.ID(), w.named) {
			continue
		}
		for _, s := range said {
			if !slices.Contains(w.named, s.node) {
				e.find(s.node, fmt.Errorf("it withholds record %s, in which oracle %s %s the claim of %s", w.ID(), oracle, objectsText(w.objects), about.Owner))
			}
		}
		return w, nil
	}
	return nil, nil
}

// stated reads the words of an oracle about a claim that nodes name. Of a word that is not in its
// record nothing is left but a finding.
func (e *evidence) stated(ctx context.Context, oracle protocol.Owner, about protocol.Word, said []saying) (list []*statedWord, err error) {
	for _, s := range said {
		i := slices.IndexFunc(s.Words, func(w api.SaidWord) bool { return w.Oracle == oracle })
		if i < 0 {
			continue
		}
		id := s.Words[i].Record
		w := find(list, id)
		if w == nil {
			r, err := e.record(ctx, id, namers(said, id))
			if err != nil {
				return nil, err
			}
			if r == nil {
				continue
			}
			if w = readWord(r, oracle, about); w == nil {
				e.drop(s.node, forged("record %s has no word of oracle %s about the claim of %s", id, oracle, about.Owner))
				continue
			}
			list = append(list, w)
		}
		if w.objects != s.Words[i].Objects {
			e.drop(s.node, forged("oracle %s %s the claim of %s in record %s", oracle, objectsText(w.objects), about.Owner, id))
		}
		w.named = append(w.named, s.node)
	}
	return list, nil
}

func find(list []*statedWord, id protocol.ID) *statedWord {
	for _, w := range list {
		if w.ID() == id {
			return w
		}
	}
	return nil
}

// readWord returns what a record says as an oracle's word, nil for nothing.
func readWord(r *protocol.Record, oracle protocol.Owner, about protocol.Word) *statedWord {
	if r.Owner != oracle {
		return nil
	}
	for _, w := range r.Words() {
		if w.Composite == about.Composite && w.Owner == about.Owner {
			return &statedWord{Record: r, objects: w.Objects}
		}
	}
	return nil
}

func objectsText(objects bool) string {
	if objects {
		return "objects to"
	}
	return "no longer objects to"
}
