package apiserver

import (
	"bytes"
	"net/http"
)

// memoryAnswer keeps an answer that goes to its client later, or in another form.
type memoryAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newMemoryAnswer() *memoryAnswer { return &memoryAnswer{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (a *memoryAnswer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *memoryAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *memoryAnswer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// failed reports whether the answer is an error.
func (a *memoryAnswer) failed() bool { return a.status >= http.StatusBadRequest }

// send gives the answer to its client as it is.
func (a *memoryAnswer) send(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // the client may be gone
}
