package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"slices"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// maxCAFile bounds a file of keys, certificates and requests in PEM, in bytes.
const maxCAFile = 256 << 10

// readPEM reads a file in PEM; what says what it is, for errors.
func readPEM(what, name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer f.Close()
	text, err := readAtMost(f, maxCAFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", what, name, err)
	}
	return text, nil
}

// readAuthorities reads the certificates of CAs. A CA's own file will do: its key is left alone.
func readAuthorities(names []string) (ders [][]byte, err error) {
	for _, name := range names {
		text, err := readPEM("CA", name)
		if err != nil {
			return nil, err
		}
		authorities, err := protocol.ParseAuthorityFile(text)
		if err != nil {
			return nil, fmt.Errorf("CA: %s: %w", name, err)
		}
		for _, a := range authorities {
			if !slices.ContainsFunc(ders, func(der []byte) bool { return bytes.Equal(der, a.DER()) }) {
				ders = append(ders, a.DER())
			}
		}
	}
	return ders, nil
}

func authorityInfo(a *protocol.Authority) api.AuthorityInfo {
	fingerprint := a.Fingerprint()
	return api.AuthorityInfo{
		Name: a.Name(), Fingerprint: hex.EncodeToString(fingerprint[:]), NotBefore: a.NotBefore(), NotAfter: a.NotAfter(),
	}
}

// authorityText is a CA in a listing: enough of its fingerprint to compare it with what its holder
// says.
func authorityText(a api.AuthorityInfo) string {
	return fmt.Sprintf("%s, %s, SHA-256 %s", a.Name, validityText(a.NotBefore, a.NotAfter), a.Fingerprint)
}

func validityText(from, until uint64) string {
	text := fmt.Sprintf("valid %s to %s", text.LocalTime(from), text.LocalTime(until))
	if now := clock(); now > until {
		text += " (expired)"
	} else if now < from {
		text += " (not valid yet)"
	}
	return text
}
