package node

import (
	"context"
	"unicode/utf8"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Query implements api.Service.
func (s *service) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	if err := q.Check(); err != nil {
		return nil, err //nolint:wrapcheck // an *api.Error as it is
	}
	sq := store.Query{
		Open: q.Open, Owners: q.Owners, Since: q.Since, Until: q.Until, History: q.History, Limit: q.Limit,
	}
	if sq.Limit == 0 {
		sq.Limit = api.DefaultLimit
	}
	opener, err := s.where(ctx, &q, &sq)
	if err != nil {
		return nil, failure(err)
	}
	found, err := s.store.Query(ctx, sq)
	if err != nil {
		return nil, failure(err)
	}
	res := &api.QueryResult{Answers: make([]api.Answer, len(found.Keys)), More: found.More}
	for i := range found.Keys {
		res.Answers[i] = opener.answer(&found.Keys[i])
	}
	return res, nil
}

// where fills in the store's selector ranges, and returns what opens the values: with the names and the masking key of
// the query where it asks for that, and with nothing where it does not.
func (s *service) where(ctx context.Context, q *api.Query, sq *store.Query) (*opener, error) {
	o := &opener{network: s.config.Network, decrypt: q.Decrypt}
	for _, r := range q.Selectors {
		w := store.Range{From: r.From, To: r.To}
		if r.Key != nil {
			w.Key = *r.Key
		} else {
			name, err := s.names.derive(ctx, r.Name)
			if err != nil {
				return nil, err
			}
			w.Key = name.Selector()
			o.names = append(o.names, name)
		}
		sq.Where = append(sq.Where, w)
	}
	if q.Decrypt && q.MaskingKey != "" {
		mask, err := s.names.mask(ctx, q.MaskingKey)
		if err != nil {
			return nil, err
		}
		o.mask = &mask
	}
	return o, nil
}

// opener turns the store's answers into the API's and opens the values in them.
type opener struct {
	network *protocol.Network
	decrypt bool
	names   []protocol.NameKey
	mask    *protocol.Mask
}

func (o *opener) answer(a *store.Answer) api.Answer {
	best := &a.Claims[0]
	out := api.Answer{
		Composite: a.Composite, Ordinals: a.Ordinals, Deleted: best.Record.Tombstone(), Record: o.version(best.Version),
	}
	for _, v := range best.Older {
		out.History = append(out.History, o.version(v))
	}
	for i := 1; i < len(a.Claims); i++ {
		out.Others = append(out.Others, o.version(a.Claims[i].Version))
	}
	return out
}

func (o *opener) version(v store.Version) api.RecordInfo {
	info := recordInfo(v.Record, v.Index)
	if !o.decrypt || v.Record.Value == nil {
		return info
	}
	plain, ok := o.open(v.Record)
	if !ok {
		info.Sealed = true
		return info
	}
	info.Value = plain
	if utf8.Valid(plain) {
		text := string(plain)
		info.Text = &text
	}
	return info
}

// open tries the masking key, then the name among those asked for that is the record's primary selector.
func (o *opener) open(r *protocol.Record) ([]byte, bool) {
	if o.mask != nil {
		if plain, err := o.network.Open(*o.mask, r.SealingOf(), r.ValueBytes()); err == nil {
			return plain, true
		}
	}
	for _, name := range o.names {
		if name.Selector() != r.Selectors[0].Key {
			continue
		}
		plain, err := o.network.Open(name.Mask(), r.SealingOf(), r.ValueBytes())
		return plain, err == nil
	}
	return nil, false
}
