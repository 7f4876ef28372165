package protocol_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// FuzzParsePEM: what others hand over in PEM (requests, certificates, files of CAs) is read or
// refused. Certificates that are read are written so that they are read again.
func FuzzParsePEM(f *testing.F) {
	files, err := filepath.Glob("testdata/openssl/*")
	if err != nil || len(files) == 0 {
		f.Fatal("no files", err)
	}
	var all []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		all = append(all, text...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, text []byte) {
		if request, err := protocol.ParseRequestPEM(text); err == nil && request.CheckSignature() != nil {
			t.Fatal("a request that is not signed")
		}
		if s, err := protocol.ParseSignerPEM(text); (err == nil) != (s != nil) {
			t.Fatal(s, err)
		}
		certificates, err := protocol.ParseCertificatesPEM(text)
		if err != nil {
			return
		}
		again, err := protocol.ParseCertificatesPEM(protocol.MarshalCertificatesPEM(certificates...))
		if err != nil || !slices.EqualFunc(again, certificates, bytes.Equal) {
			t.Fatal("other certificates", err)
		}
		if list, err := protocol.ParseAuthoritiesPEM(text); err == nil && len(list) == 0 {
			t.Fatal("no authority")
		}
		_, _ = protocol.ParseAuthorityFile(text)
	})
}

// FuzzParsePolicy: a policy that is read is total, and is written so that it is read again.
func FuzzParsePolicy(f *testing.F) {
	for _, text := range []string{"certified,oracles,weight,newest", "local", " weight , newest", "newest,newest", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := protocol.ParsePolicy(text)
		if err != nil {
			return
		}
		if again, err := protocol.ParsePolicy(p.String()); err != nil || !slices.Equal(again, p) || p.Total().Check() != nil {
			t.Fatal(again, err)
		}
	})
}
