package protocol_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// foreignFile reads what testdata/foreign/make.sh made with openssl and ssh-keygen.
func foreignFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "foreign", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestForeignFiles gives a user's files to each reader of PEM: they are taken, or the error says
// what helps.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	key := func(text []byte) error { _, err := protocol.ParseKeyPEM(text); return err }
	ca := func(text []byte) error { _, err := protocol.ParseAuthorityFile(text); return err }
	request := func(text []byte) error { _, err := protocol.ParseRequestPEM(text); return err }
	signer := func(text []byte) error { _, err := protocol.ParseSignerPEM(text); return err }
	withKey := func(name string) []byte { return append(foreignFile(t, "good.key"), foreignFile(t, name)...) }
	for name, c := range map[string]struct {
		read func([]byte) error
		text []byte
		want []string // none: it is taken
	}{
		"key":                       {key, foreignFile(t, "good.key"), nil},
		"key, CRLF":                 {key, bytes.ReplaceAll(foreignFile(t, "good.key"), []byte("\n"), []byte("\r\n")), nil},
		"key, byte order mark":      {key, append([]byte("\ufeff"), foreignFile(t, "good.key")...), nil},
		"key, empty":                {key, nil, []string{"empty"}},
		"key, some text":            {key, []byte("secret\n"), []string{"no line begins with"}},
		"key, cut short":            {key, foreignFile(t, "good.key")[:60], []string{"cut short"}},
		"key, text after it":        {key, append(foreignFile(t, "good.key"), "x"...), []string{"text after"}},
		"key, encrypted":            {key, foreignFile(t, "encrypted.key"), []string{"encrypted", "openssl pkey -in FILE -out NEWFILE"}},
		"key, RSA encrypted":        {key, foreignFile(t, "rsa-encrypted.key"), []string{"encrypted", "openssl pkey"}},
		"key, OpenSSH":              {key, foreignFile(t, "ssh.key"), []string{"OpenSSH", "openssl genpkey -algorithm ed25519", "lf owner new"}},
		"key, OpenSSH encrypted":    {key, foreignFile(t, "ssh-encrypted.key"), []string{"OpenSSH", "lf owner new"}},
		"key, OpenSSH public":       {key, foreignFile(t, "ssh.key.pub"), []string{"public key of OpenSSH"}},
		"key, PuTTY":                {key, []byte("PuTTY-User-Key-File-3: ssh-ed25519\n"), []string{"PuTTY"}},
		"key, RSA":                  {key, foreignFile(t, "rsa.key"), []string{"RSA with 2048 bits", "Ed25519"}},
		"key, RSA 1024":             {key, foreignFile(t, "rsa1024.key"), []string{"RSA with 1024 bits", "Ed25519"}},
		"key, traditional RSA":      {key, foreignFile(t, "rsa-traditional.key"), []string{"RSA PRIVATE KEY", "Ed25519"}},
		"key, elliptic":             {key, foreignFile(t, "ec.key"), []string{"another kind", "Ed25519"}},
		"key, elliptic in PKCS#8":   {key, foreignFile(t, "ec-pkcs8.key"), []string{"P-256", "Ed25519"}},
		"key, X25519":               {key, foreignFile(t, "x25519.key"), []string{"cannot sign", "Ed25519"}},
		"key, Ed448":                {key, foreignFile(t, "ed448.key"), []string{"not known here", "Ed25519"}},
		"key, public":               {key, foreignFile(t, "public.key"), []string{"public key"}},
		"key, DER":                  {key, foreignFile(t, "good.key.der"), []string{"in DER", "openssl pkey -inform DER"}},
		"key, a certificate":        {key, foreignFile(t, "good.crt"), []string{"a certificate"}},
		"key, PKCS#12":              {key, foreignFile(t, "good.p12"), []string{"PKCS#12", "openssl pkcs12 -nodes"}},
		"CA":                        {ca, foreignFile(t, "good.crt"), nil},
		"CA, with its key":          {ca, withKey("good.crt"), nil},
		"CA, with an encrypted key": {ca, append(foreignFile(t, "encrypted.key"), foreignFile(t, "good.crt")...), nil},
		"CA, CRLF":                  {ca, foreignFile(t, "crlf.crt"), nil},
		"CA, byte order mark":       {ca, foreignFile(t, "bom.crt"), nil},
		"CA, text around it":        {ca, foreignFile(t, "text.crt"), nil},
		"CA, path length 0":         {ca, foreignFile(t, "pathlen.crt"), nil},
		// for old records; lf network new refuses it
		"CA, expired":                  {ca, foreignFile(t, "expired.crt"), nil},
		"CA, UTF-16":                   {ca, foreignFile(t, "utf16.crt"), []string{"UTF-16"}},
		"CA, no keyUsage":              {ca, foreignFile(t, "no-usage.crt"), []string{`"CA without keyUsage" has no keyUsage`, "-addext keyUsage=critical,keyCertSign,cRLSign"}},
		"CA, not one":                  {ca, foreignFile(t, "leaf.crt"), []string{`"Leaf" cannot certify others`, "CA:TRUE"}},
		"CA, empty subject":            {ca, foreignFile(t, "unnamed.crt"), []string{"subject is empty", "-subj /CN=NAME"}},
		"CA, a critical extension":     {ca, foreignFile(t, "critical.crt"), []string{"critical extension 2.5.29.30"}},
		"CA, RSA":                      {ca, foreignFile(t, "rsa.crt"), []string{`"RSA CA" is RSA with 2048 bits`, "Ed25519"}},
		"CA, RSA 1024":                 {ca, foreignFile(t, "rsa1024.crt"), []string{"RSA with 1024 bits", "Ed25519"}},
		"CA, elliptic":                 {ca, foreignFile(t, "ec.crt"), []string{"P-256", "Ed25519"}},
		"CA, signed with RSA":          {ca, foreignFile(t, "below-rsa.crt"), []string{"signed with SHA256-RSA", "have the CA sign its own"}},
		"CA, version 1":                {ca, foreignFile(t, "version1.crt"), []string{"version 1", "openssl req -x509"}},
		"CA, DER":                      {ca, foreignFile(t, "good.crt.der"), []string{"certificate in DER", "openssl x509 -inform DER"}},
		"CA, PKCS#12":                  {ca, foreignFile(t, "good.p12"), []string{"PKCS#12", "openssl pkcs12"}},
		"CA, PKCS#7":                   {ca, foreignFile(t, "good.p7b"), []string{"PKCS#7", "openssl pkcs7 -print_certs"}},
		"CA, trusted":                  {ca, foreignFile(t, "trusted.crt"), []string{"openssl's own form", "openssl x509"}},
		"CA, a secret key":             {ca, foreignFile(t, "good.key"), []string{"a secret key alone"}},
		"CA, a public key":             {ca, foreignFile(t, "public.key"), []string{"public key"}},
		"CA, a request":                {ca, foreignFile(t, "good.csr"), []string{"a request for a certificate"}},
		"CA, a damaged one before":     {ca, append(bytes.Replace(foreignFile(t, "good.crt"), []byte("\nM"), []byte("\n*"), 1), foreignFile(t, "pathlen.crt")...), []string{"of its 2 blocks", "damaged"}},
		"request":                      {request, foreignFile(t, "good.csr"), nil},
		"request, byte order mark":     {request, append([]byte("\ufeff"), foreignFile(t, "good.csr")...), nil},
		"request, RSA":                 {request, foreignFile(t, "rsa.csr"), []string{"RSA with 2048 bits", "lf owner csr"}},
		"request, empty subject":       {request, foreignFile(t, "unnamed.csr"), []string{"subject is empty", "-subj /CN=NAME", "lf owner csr --subject"}},
		"request, DER":                 {request, foreignFile(t, "good.csr.der"), []string{"request in DER", "openssl req -inform DER"}},
		"request, a certificate":       {request, foreignFile(t, "good.crt"), []string{"a certificate, which is not wanted"}},
		"request, a secret key":        {request, foreignFile(t, "good.key"), []string{"a secret key, which is not wanted"}},
		"request, an OpenSSH key":      {request, foreignFile(t, "ssh.key.pub"), []string{"public key of OpenSSH"}},
		"CA's file":                    {signer, withKey("good.crt"), nil},
		"CA's file, byte order mark":   {signer, append([]byte("\ufeff"), withKey("good.crt")...), nil},
		"CA's file, no key":            {signer, foreignFile(t, "good.crt"), []string{"PRIVATE KEY", "cat ca.key ca.crt"}},
		"CA's file, no certificate":    {signer, foreignFile(t, "good.key"), []string{"no certificate", "cat ca.key ca.crt"}},
		"CA's file, encrypted":         {signer, append(foreignFile(t, "encrypted.key"), foreignFile(t, "good.crt")...), []string{"encrypted", "openssl pkey"}},
		"CA's file, RSA":               {signer, append(foreignFile(t, "rsa.key"), foreignFile(t, "rsa.crt")...), []string{"RSA with 2048 bits"}},
		"CA's file, no keyUsage":       {signer, withKey("no-usage.crt"), []string{"has no keyUsage", "-addext"}},
		"CA's file, empty subject":     {signer, withKey("unnamed.crt"), []string{"subject is empty"}},
		"CA's file, another's key":     {signer, append(foreignFile(t, "good.key"), opensslFile(t, "ca.crt")...), []string{"not that of its certificate"}},
		"CA's file, certificate of no": {signer, withKey("leaf.crt"), []string{"cannot certify others"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.read(c.text)
			if len(c.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v: does not say %q", err, want)
				}
			}
			if said := err.Error(); strings.Contains(said, "*rsa.") || strings.Contains(said, "\n") {
				t.Errorf("in the words of a program: %v", err)
			}
		})
	}
}
