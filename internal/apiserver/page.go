package apiserver

import (
	"net/http"

	"github.com/lf-store/lf/internal/ui"
	"github.com/lf-store/lf/node/api"
)

// addUI serves the page for browsers. Its files hold no data.
func (h *Handler) addUI(wanted bool) {
	if !wanted {
		return
	}
	page := ui.NewHandler()
	serve := func(w http.ResponseWriter, r *http.Request) {
		if !ui.Has(r.URL.Path) {
			h.fail(w, r, api.NotFound("the page has no file %s", r.URL.Path))
			return
		}
		page.ServeHTTP(w, r)
	}
	h.mux.HandleFunc("GET /{$}", serve)
	h.mux.HandleFunc("GET /ui/{file...}", serve)
}
