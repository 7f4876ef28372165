package api

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// ParseHost checks a name by which clients may call a node: NAME for any port, or NAME:PORT. An
// IPv6 address stands in brackets.
func ParseHost(s string) (string, error) {
	name, port := Hostname(s), ""
	if name != s {
		port = s[len(name)+1:]
	}
	inner, bracketed := strings.CutPrefix(name, "[")
	if bracketed {
		inner = strings.TrimSuffix(inner, "]")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case bracketed && (net.ParseIP(inner) == nil || !strings.Contains(inner, ":") || name != "["+inner+"]"),
		!bracketed && !isHostname(name), name != s && (err != nil || n == 0):
		return "", fmt.Errorf("%q is not a host, such as lf.example.org or lf.example.org:8443", s)
	}
	return s, nil
}

// isHostname reports whether a text is letters, digits, dots, hyphens and underscores: what
// browsers and DNS make of every name.
func isHostname(s string) bool {
	for _, c := range s {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", c) {
			return false
		}
	}
	return s != ""
}

// ParseOrigin checks an origin whose pages may talk to a node, and returns it as browsers write it:
// SCHEME://HOST, or SCHEME://HOST:PORT where the port is not the scheme's own.
func ParseOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	wrong := err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != ""
	if !wrong {
		_, err = ParseHost(u.Host)
		wrong = err != nil
	}
	if wrong {
		return "", fmt.Errorf("%q is not an origin, such as https://app.example.org", s)
	}
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + host, nil
}

// Hostname takes the port off a Host header, if there is one and it is a number.
func Hostname(host string) string {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return host
	}
	for _, c := range host[i+1:] {
		if c < '0' || c > '9' {
			return host
		}
	}
	return host[:i]
}
