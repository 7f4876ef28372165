package proxy

import (
	"context"
	"iter"
	"net/http"

	"github.com/lf-store/lf/node/api"
)

// Watch implements api.Service.
func (s *Service) Watch(context.Context, api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		yield(nil, api.NewError(http.StatusNotImplemented, "this proxy cannot watch: ask a full node"))
	}
}
