package discovery

import (
	"testing"

	"github.com/lf-store/lf/internal/vectortest"
)

// TestVectorsConnections holds the names under which nodes of a network find each other.
func TestVectorsConnections(t *testing.T) {
	var v map[string]string
	vectortest.Read(t, "connections.json", &v)
	n := vectortest.Network(t, v["network"])
	if key, err := rendezvousKey(n); err != nil || key.String() != v["rendezvous"] {
		t.Errorf("nodes meet under %s (%v), want %s", key, err, v["rendezvous"])
	}
	if name := serviceName(n); name != v["mdns"] {
		t.Errorf("the service is %s, want %s", name, v["mdns"])
	}
}
