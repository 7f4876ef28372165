package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var files embed.FS

// policy is what the browser lets the page do: load its own files, and talk to where it came from.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// file is one of the page's files with its headers.
type file struct {
	body       []byte
	kind, etag string
}

// Handler serves the files of the page.
type Handler struct{ files map[string]file }

// NewHandler returns a handler for / and /ui/.
func NewHandler() *Handler {
	h := &Handler{files: map[string]file{}}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		h.files[name] = file{body, kindOf(name), `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
		return nil
	})
	if err != nil {
		panic(err) // it depends on nothing but the program
	}
	return h
}

// kindOf is a file's content type, whatever the system's tables say.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// fileOf is the embedded file at a path of a URL.
func fileOf(at string) string {
	if at == "/" {
		return "static/index.html"
	}
	if rest, ok := strings.CutPrefix(at, "/ui/"); ok {
		return "static/" + rest
	}
	return ""
}

// Has reports whether a path of a URL is one of the page's.
func Has(at string) bool {
	name := fileOf(at)
	return fs.ValidPath(name) && isFile(name)
}

func isFile(name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && !info.IsDir()
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := h.files[fileOf(r.URL.Path)]
	if !ok {
		http.Error(w, "the page has no such file", http.StatusNotFound)
		return
	}
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "Content-Type": f.kind, "ETag": f.etag, "Cache-Control": "no-cache",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	} {
		w.Header().Set(name, value)
	}
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(f.body) // who asked may be gone
}
