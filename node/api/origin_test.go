package api_test

import (
	"testing"

	"github.com/lf-store/lf/node/api"
)

// TestParseNames holds what is a host and what is an origin.
func TestParseNames(t *testing.T) {
	t.Parallel()
	for s, ok := range map[string]bool{
		"lf.example.org": true, "LF": true, "lf_1": true, "lf.example.org:8443": true, "192.0.2.1": true, "[2001:db8::1]": true, "[2001:db8::1]:80": true,
		"": false, ":80": false, "lf:": false, "lf:0": false, "lf:99999": false, "lf:x": false, "https://lf.example.org": false, "lf.example.org/": false,
		"*": false, "*.example.org": false, "a b": false, "[::1": false, "[]": false, "[192.0.2.1]": false, "2001:db8::1": false, "müller.example": false,
	} {
		if _, err := api.ParseHost(s); (err == nil) != ok {
			t.Errorf("host %q: %v", s, err)
		}
	}
	for s, want := range map[string]string{
		"https://app.example.org": "https://app.example.org", "https://APP.example.org/": "https://app.example.org", "HTTPS://a": "https://a",
		"https://a:443": "https://a", "http://a:80": "http://a", "http://a:443": "http://a:443", "http://localhost:3000": "http://localhost:3000",
		"chrome-extension://abcdef": "chrome-extension://abcdef",
		"":                          "", "*": "", "null": "", "app.example.org": "", "https://": "", "https://a/b": "", "https://a?b": "", "https://u@a": "", "https://*.a": "",
	} {
		got, err := api.ParseOrigin(s)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("origin %q: %q, %v, want %q", s, got, err, want)
		}
	}
}
