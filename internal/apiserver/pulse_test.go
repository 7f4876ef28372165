package apiserver_test

import (
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api/apitest"
)

func TestPulses(t *testing.T) {
	t.Parallel()
	apitest.TestPulses(t, newFake(t))
	apitest.TestPulses(t, newClient(t, serve(t, newFake(t), apiserver.HandlerOptions{Token: token}), token))
}
