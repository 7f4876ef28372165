package apiserver

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Inputs and outputs of operations, as structs in huma's way. Their tags name a parameter and its
// limits, for the parser and for the OpenAPI document alike.

type (
	nothing struct{}

	answer[T any] struct{ Body T }

	textAnswer struct {
		ContentType string `header:"Content-Type" hidden:"true"`
		Body        []byte
	}

	madeAnswer struct {
		Status int
		Body   *api.Submitted
	}
)

// answered is an answer that is nothing but its body.
func answered[T any](body T, err error) (*answer[T], error) {
	return &answer[T]{body}, err
}

func made(s *api.Submitted, err error) (*madeAnswer, error) {
	if err != nil {
		return nil, err
	}
	status := http.StatusAccepted
	switch {
	case s.Known:
		status = http.StatusOK
	case s.State == api.StateAttached:
		status = http.StatusCreated
	}
	return &madeAnswer{status, s}, nil
}

func parseOwners(parameter string, texts []textOwner) (owners []protocol.Owner, err error) {
	for _, text := range texts {
		owner, err := protocol.ParseOwner(string(text))
		if err != nil {
			return nil, api.Invalid("parameter %q: %v", parameter, err)
		}
		owners = append(owners, owner)
	}
	return owners, nil
}

type syncedInput struct {
	Timeout float64 `query:"timeout" minimum:"0" maximum:"3600" doc:"seconds to wait at most; 0: 10" example:"10"`
}

func (in *syncedInput) duration() (time.Duration, error) {
	if math.IsNaN(in.Timeout) { // which is neither below the minimum nor above the maximum
		return 0, api.Invalid("parameter \"timeout\": not a number")
	}
	d := time.Duration(in.Timeout * float64(time.Second))
	return d, api.CheckTimeout(d)
}

// PageInput says which part of a list is wanted. It is exported because huma passes over other
// embedded structs.
type PageInput struct {
	After string `query:"after" maxLength:"512" doc:"the next of the page before; absent: the first page"`
	Limit int    `query:"limit" minimum:"0" maximum:"1000" doc:"how many at most; 0 is 100"`
}

func (in *PageInput) page() api.Page { return api.Page{Limit: in.Limit, After: in.After} }

type peersInput struct{ PageInput }

type ownerInput struct {
	Owner protocol.Owner `path:"owner" doc:"the owner's peer ID"`
	PageInput
}

type recordsInput struct {
	Owner textOwner `query:"owner" required:"true" doc:"the owner's peer ID"`
	PageInput
	Frames bool `query:"frames" doc:"also each record's frame"`
}

func (in *recordsInput) query() (api.RecordsQuery, error) {
	q := api.RecordsQuery{Page: in.page(), Frames: in.Frames}
	owners, err := parseOwners("owner", []textOwner{in.Owner})
	if err != nil {
		return q, err
	}
	q.Owner = owners[0]
	return q, nil
}

type linksInput struct {
	Count int       `query:"count" minimum:"0" maximum:"16" doc:"how many links; 0: the network's minimum"`
	Owner textOwner `query:"owner" doc:"who will sign; the record of that owner's certificate is among the links, if there is one"`
	Keys  []string  `query:"key,explode" maxItems:"15" nullable:"false" doc:"a selector of the record, KEY or KEY#ORDINAL with the blinded name in hexadecimal; may be repeated; wants owner; the answer then has newest"`
}

func (in *linksInput) query() (q api.LinksQuery, err error) {
	q.Count = in.Count
	if in.Owner != "" {
		owners, err := parseOwners("owner", []textOwner{in.Owner})
		if err != nil {
			return q, err
		}
		q.Owner = &owners[0]
	}
	for _, text := range in.Keys {
		p, err := parsePoint(text)
		if err != nil {
			return q, api.Invalid("parameter \"key\": %v", err)
		}
		q.Selectors = append(q.Selectors, p)
	}
	return q, q.Check()
}

// parsePoint reads a selector by key: KEY or KEY#ORDINAL.
func parsePoint(text string) (p protocol.SelectorPoint, err error) {
	key, ordinal, given := strings.Cut(text, "#")
	if err = p.Key.UnmarshalText([]byte(key)); err != nil || !given {
		return p, err
	}
	if p.Ordinal, err = strconv.ParseUint(ordinal, 10, 63); err != nil {
		return p, fmt.Errorf("the ordinal %q: want 0 to %d", ordinal, protocol.MaxOrdinal)
	}
	return p, nil
}

type recordInput struct {
	ID     protocol.ID `path:"cid" doc:"the record's CID"`
	Accept string      `header:"Accept" hidden:"true"`
}

type recordAnswer struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	Vary        string `header:"Vary" hidden:"true"`
	Body        any
}

type submitInput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/octet-stream"`
}

// read returns a frame, or the parts of a signed record. They must be copies: the service may keep
// parts of them, and huma uses RawBody again.
func (in *submitInput) read() (frame []byte, signed *api.SignedRecord, err error) {
	frame = bytes.Clone(in.RawBody)
	if kind := mediaType(in.ContentType); kind == api.TypeJSON || kind == typeForm {
		var s api.SubmitRequest
		if err := unmarshal(in.RawBody, &s); err != nil {
			return nil, nil, err
		}
		if signed, err = s.Signed(); err != nil || signed != nil {
			return nil, signed, err
		}
		frame = s.Frame
	}
	if len(frame) > protocol.MaxFrame {
		return nil, nil, api.TooLarge("the frame has %d bytes, at most %d are allowed", len(frame), protocol.MaxFrame)
	}
	return frame, nil, nil
}
