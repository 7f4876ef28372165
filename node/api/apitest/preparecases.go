package apitest

import (
	"crypto/ed25519"
	"errors"
	"net/http"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// prepare writes with a key that the service does not know.
func (f *fixture) prepare() {
	key := f.key()
	owner := protocol.OwnerOf(key)
	for _, text := range []string{"value", ""} {
		req := api.PrepareRequest{Selectors: api.MustSelectors(f.expression("mine#2")), Text: &text, PublicKey: owner[:]}
		p, err := f.service.Prepare(f.ctx, req)
		if err != nil {
			f.Fatal(err)
		}
		r, err := p.Record()
		if err != nil {
			f.Fatal(err)
		}
		if err := f.network.CheckComposed(r, f.asked(owner, text)); err != nil || p.Owner != owner || p.Timestamp != r.Timestamp || p.Until <= p.Timestamp {
			f.Errorf("%v: prepared %+v", err, p)
		}
		signed := api.SignedRecord{Header: p.Header, Value: p.Value, Signature: ed25519.Sign(f.key(), p.Sign)}
		var invalid *protocol.InvalidError
		if _, err := f.service.SubmitSigned(f.ctx, signed); !errors.As(err, &invalid) || invalid.Rule != protocol.RuleSignature {
			f.Errorf("signed by another key: %v", err)
		}
		signed.Signature = ed25519.Sign(key, p.Sign)
		made, err := f.service.SubmitSigned(f.ctx, signed)
		if err != nil || made.Owner != owner || made.State != api.StateAttached {
			f.Fatalf("%+v, %v", made, err)
		}
		time.Sleep(2 * time.Millisecond) // the next one is newer
		got := f.query(nil, "mine#2")
		if len(got.Answers) != 1 || got.Answers[0].Owner != owner || got.Answers[0].Text == nil || *got.Answers[0].Text != text {
			f.Errorf("answers %+v, want %q", got.Answers, text)
		}
		time.Sleep(2 * time.Millisecond) // the next one is newer
	}
	f.refusedPrepares(owner)
}

func (f *fixture) asked(owner protocol.Owner, text string) protocol.Draft {
	f.Helper()
	name, err := f.network.DeriveName(f.prefix + "mine")
	if err != nil {
		f.Fatal(err)
	}
	return protocol.Draft{Owner: owner, Names: []protocol.NamePoint{{Name: name, Ordinal: 2}}, Value: []byte(text)}
}

func (f *fixture) refusedPrepares(owner protocol.Owner) {
	text := "x"
	for what, r := range map[string]api.PrepareRequest{
		"no owner":        {Selectors: api.MustSelectors("n"), Text: &text},
		"two owners":      {Selectors: api.MustSelectors("n"), Text: &text, Owner: &owner, PublicKey: owner[:]},
		"nobody's key":    {Selectors: api.MustSelectors("n"), Text: &text, Owner: new(protocol.Owner)},
		"no selector":     {Text: &text, Owner: &owner},
		"no value":        {Selectors: api.MustSelectors("n"), Owner: &owner},
		"a deleted value": {Selectors: api.MustSelectors("n"), Text: &text, Owner: &owner, Type: api.SetDelete},
	} {
		if _, err := f.service.Prepare(f.ctx, r); !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
			f.Errorf("%s: %v", what, err)
		}
	}
	if _, err := f.service.Work(f.ctx, api.WorkRequest{Worked: make([]byte, 32), Effort: 1}); !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
		f.Errorf("work on a network that asks for none: %v", err)
	}
}

// key makes a key that the service does not know.
func (f *fixture) key() ed25519.PrivateKey {
	f.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	return key
}
