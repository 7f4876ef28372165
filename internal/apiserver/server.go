package apiserver

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of a connection. A client that sends its request byte by byte, or does not take its
// answer, holds a connection no longer than these.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	// answerTimeout counts from the end of the header on, so it includes the body and the service's
	// work; POST /v1/set lifts it.
	answerTimeout = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	// maxHeader bounds a request's line and headers: 15 names of 1,024 bytes, each byte escaped as
	// three, and room.
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
		ConnContext:       markTrusted,
	}
	if logger != nil {
		s.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
	}
	return s
}

// trustedListener is a listener whose connections may do everything; trustedConn is such a
// connection.
type (
	trustedListener struct{ net.Listener }
	trustedConn     struct{ net.Conn }
	trustedKey      struct{}
)

// TrustListener returns a listener whose callers need no token: that they got there is their right
// to do everything. It is for a socket that only the node's user can use.
func TrustListener(l net.Listener) net.Listener { return trustedListener{l} }

// Accept implements net.Listener.
func (l trustedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return trustedConn{conn}, nil
}

// markTrusted tells the requests of a connection by which listener it came.
func markTrusted(ctx context.Context, conn net.Conn) context.Context {
	if _, ok := conn.(trustedConn); ok {
		return context.WithValue(ctx, trustedKey{}, true)
	}
	return ctx
}

// isTrusted reports whether a request came by a listener that [TrustListener] made.
func isTrusted(r *http.Request) bool { return r.Context().Value(trustedKey{}) != nil }
