package knownhosts

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

const (
	// maxText bounds a value in bytes, maxKeys the keys in it.
	maxText, maxKeys = 64 << 10, 100
)

// markers are what may stand before a key, as in known_hosts.
var markers = []string{"@cert-authority", "@revoked"}

// Key is one key of a host.
type Key struct {
	Marker string // "" for a key that the host has
	Public ssh.PublicKey
}

// line writes the key without its host.
func (k Key) line() string {
	return k.Public.Type() + " " + base64.StdEncoding.EncodeToString(k.Public.Marshal())
}

// Fingerprint is the key's fingerprint as ssh shows it.
func (k Key) Fingerprint() string { return k.Public.Type() + " " + ssh.FingerprintSHA256(k.Public) }

// Keys are the keys of a host.
type Keys []Key

// Parse reads a value: [MARKER] TYPE BASE64 [COMMENT], a line each. It leaves out empty lines and
// those that begin with #. The error says which line is wrong.
func Parse(text string) (keys Keys, err error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%d bytes, at most %d are read", len(text), maxText)
	}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		if !slices.ContainsFunc(keys, func(other Key) bool { return other.Marker == k.Marker && other.line() == k.line() }) {
			keys = append(keys, k)
		}
		if len(keys) > maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	return keys, nil
}

func parseLine(line string) (k Key, err error) {
	fields := strings.Fields(line)
	if slices.Contains(markers, fields[0]) {
		k.Marker, fields = fields[0], fields[1:]
	}
	if len(fields) < 2 {
		return k, errors.New("want the type of a key and the key")
	}
	wire, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return k, errors.New("the key is not in base64")
	}
	k.Public, err = ssh.ParsePublicKey(wire)
	switch {
	case err != nil:
		return k, fmt.Errorf("no key of ssh: %w", err)
	case k.Public.Type() != fields[0]:
		return k, fmt.Errorf("%q is said of a key of type %s", fields[0], k.Public.Type())
	}
	if _, isCertificate := k.Public.(*ssh.Certificate); isCertificate {
		return k, errors.New("a certificate is no host key: want the key of its CA, after @cert-authority")
	}
	return k, nil
}

// Text writes the keys as a value: sorted, one a line.
func (k Keys) Text() string { return k.lines("") }

// KnownHosts writes the keys as lines of known_hosts for a host.
func (k Keys) KnownHosts(host string) string { return k.lines(host + " ") }

func (k Keys) lines(host string) string {
	lines := make([]string, len(k))
	for i, key := range k {
		marker := key.Marker
		if marker != "" {
			marker += " "
		}
		lines[i] = marker + host + key.line() + "\n"
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
