package api

import (
	"log/slog"
	"net/http"
	"time"
)

// Limits of a connection. A client that sends its request byte by byte, or does not take its answer, holds a
// connection no longer than these.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	// answerTimeout counts from the end of the header on, so it includes the body and the service's work; POST /v1/set
	// lifts it.
	answerTimeout = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	// maxHeader bounds a request's line and headers: 15 names of 1,024 bytes, each byte escaped as three, and room.
	maxHeader = 64 << 10
)

// NewServer returns a server for h with all its limits set; the caller listens and closes.
func NewServer(h http.Handler, logger *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
	if logger != nil {
		s.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
	}
	return s
}
