package dnsserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/netutil"

	"github.com/lf-store/lf/internal/supervisor"
)

const (
	// maxStreams bounds the connections of each listener.
	maxStreams = 1000
	// idle is how long a connection may be silent, endWithin how long the server waits for answers
	// at its end.
	idle, endWithin = 10 * time.Second, 2 * time.Second
	// tcpTries is how often a port is looked for that is free by UDP and by TCP.
	tcpTries = 10
)

// Server answers DNS. Close ends it.
type Server struct {
	config Config
	cache  *cache
	rates  *rates
	slots  *slots
	parts  *supervisor.Group
	ctx    context.Context
	cancel context.CancelFunc

	shutdown  []func(context.Context) error
	addresses []Address
}

// Address is where a server listens.
type Address struct {
	// Kind is "dns" for UDP and TCP, "dot" for DNS over TLS, or "doh" for DNS over HTTPS.
	Kind string `json:"kind"`
	// Address is HOST:PORT, or for HTTPS a URL.
	Address string `json:"address"`
}

// Start starts a server. It answers when Start returns.
func Start(config Config) (*Server, error) {
	config.complete()
	s := &Server{config: config, parts: new(supervisor.Group), rates: newRates(config.Rate)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.slots = newSlots(s.ctx)
	s.cache = newCache(&s.config, s.parts)
	s.parts.Go(s.cache.watcher.run)
	s.parts.Go(s.cache.probe)
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Addresses returns where the server listens.
func (s *Server) Addresses() []Address { return s.addresses }

// Close ends the server. Answers under way have a moment.
func (s *Server) Close() error {
	s.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), endWithin)
	defer cancel()
	for _, end := range s.shutdown {
		_ = end(ctx) // what is left ends with its connection
	}
	return s.parts.Close()
}

func (s *Server) listen() error {
	for _, at := range s.config.Listen {
		if err := s.listenPlain(at); err != nil {
			return err
		}
	}
	for _, at := range s.config.TLS {
		l, err := net.Listen("tcp", at)
		if err != nil {
			return fmt.Errorf("DNS over TLS: %w", err)
		}
		s.addresses = append(s.addresses, Address{"dot", l.Addr().String()})
		limited := netutil.LimitListener(l, maxStreams)
		if err := s.serve(&dns.Server{Listener: tls.NewListener(limited, s.config.Certificate.TLS("dot"))}); err != nil {
			return err
		}
	}
	for _, at := range s.config.HTTPS {
		if err := s.listenHTTPS(at); err != nil {
			return err
		}
	}
	return nil
}

// listenPlain listens by UDP and TCP, with the same port.
func (s *Server) listenPlain(at string) error {
	for try := 1; ; try++ {
		shared := net.ListenConfig{Control: besideOthers} // by TCP it is ours alone
		packets, err := shared.ListenPacket(s.ctx, "udp", at)
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", packets.LocalAddr().String())
		if err != nil {
			_ = packets.Close() // nothing was received yet
			if _, port, _ := net.SplitHostPort(at); port != "0" || try == tcpTries {
				return err
			}
			continue
		}
		s.addresses = append(s.addresses, Address{"dns", l.Addr().String()})
		byUDP := &dns.Server{PacketConn: packets, UDPSize: dns.DefaultMsgSize, Handler: dns.HandlerFunc(s.serveUDP)}
		s.slots.bound(byUDP)
		return errors.Join(s.serve(byUDP), s.serve(&dns.Server{Listener: netutil.LimitListener(l, maxStreams)}))
	}
}

// serve starts a server, and returns when it answers.
func (s *Server) serve(server *dns.Server) error {
	up := make(chan struct{})
	server.NotifyStartedFunc = func() { close(up) }
	if server.Handler == nil {
		server.Handler = dns.HandlerFunc(s.serveStream)
	}
	server.ReadTimeout, server.WriteTimeout = idle, idle
	server.IdleTimeout = func() time.Duration { return idle }
	failed := make(chan error, 1)
	s.parts.Go(func(context.Context) error {
		err := server.ActivateAndServe()
		failed <- err
		if s.ctx.Err() != nil {
			return nil //nolint:nilerr // its end, in whatever state it was
		}
		return err
	})
	select {
	case <-up:
		s.shutdown = append(s.shutdown, server.ShutdownContext)
		return nil
	case err := <-failed:
		return err
	}
}

// listenHTTPS listens for DNS over HTTPS.
func (s *Server) listenHTTPS(at string) error {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("DNS over HTTPS: %w", err)
	}
	server := &http.Server{Handler: s.overHTTPS(), ReadTimeout: idle, WriteTimeout: 2 * idle, IdleTimeout: 6 * idle, MaxHeaderBytes: 16 << 10}
	scheme := "http"
	var limited net.Listener = netutil.LimitListener(l, maxStreams)
	if s.config.Certificate != nil {
		scheme = "https"
		server.TLSConfig = s.config.Certificate.TLS("h2", "http/1.1")
		limited = tls.NewListener(limited, server.TLSConfig)
	}
	s.addresses = append(s.addresses, Address{"doh", scheme + "://" + l.Addr().String() + dohPath})
	s.shutdown = append(s.shutdown, server.Shutdown)
	s.parts.Go(func(context.Context) error {
		if err := server.Serve(limited); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return nil
}
