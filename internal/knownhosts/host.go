package knownhosts

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/protocol"
)

const (
	// DefaultTemplate is the key of a host unless another one is given. Values are sealed with the
	// host's name.
	DefaultTemplate = hostMark + " ssh"
	hostMark        = "{host}"
	// maxHost is the longest name of a host, in bytes.
	maxHost = 255
	sshPort = 22
)

// CheckHost returns a host in lower case. ssh gives (%H) a name or an address, and either in
// brackets where the port is not 22.
func CheckHost(host string) (string, error) {
	name, port := host, ""
	if strings.HasPrefix(host, "[") {
		var err error
		if name, port, err = net.SplitHostPort(host); err != nil {
			return "", fmt.Errorf("%q is no host: want NAME or [NAME]:PORT", host)
		}
	}
	if name == "" || len(name) > maxHost || strings.ContainsFunc(name, func(r rune) bool { return !allowed(r) }) {
		return "", fmt.Errorf("%q is no host: it may have letters, digits and .-_:%%", host)
	}
	if port == "" {
		return strings.ToLower(name), nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", fmt.Errorf("%q is no host: %q is no port", host, port)
	}
	return AtPort(strings.ToLower(name), uint16(n)), nil
}

// allowed reports whether a letter may stand in a host. Patterns, lists and hashed hosts of
// known_hosts are no hosts.
func allowed(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_:%", r)
}

// AtPort writes a host with its port, as known_hosts has it.
func AtPort(name string, port uint16) string {
	if port == 0 || port == sshPort {
		return name
	}
	return fmt.Sprintf("[%s]:%d", name, port)
}

// Template makes the key of a host. It is immutable.
type Template struct{ names []protocol.Expression }

// ParseTemplate reads the names of a key, with blanks between. In one of them {host} stands for the
// host.
func ParseTemplate(text string) (Template, error) {
	point, err := lf.ParsePoint(strings.Fields(text)...)
	if err != nil {
		return Template{}, err
	}
	t, marks := Template{point.Selectors()}, 0
	for _, e := range t.names {
		marks += strings.Count(e.Name, hostMark)
	}
	if marks != 1 {
		return t, fmt.Errorf("%q: want %s once in the names, as in %q", text, hostMark, DefaultTemplate)
	}
	return t, nil
}

// Key returns the key of a host.
func (t Template) Key(host string) (lf.Key, error) {
	names := make([]protocol.Expression, len(t.names))
	for i, e := range t.names {
		e.Name = strings.ReplaceAll(e.Name, hostMark, host)
		names[i] = e
	}
	return lf.KeyOf(names...)
}
