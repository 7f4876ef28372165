// Package webtest helps to test what serves the web: it has certificates, browsers, and a real
// nginx in front.
package webtest
