package apiserver_test

import (
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

const token = "the token of the test"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newFake(t testing.TB) *apitest.Fake {
	t.Helper()
	f, err := apitest.NewFake()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// serve serves s as a node does and returns its URL.
func serve(t testing.TB, s api.Service, o apiserver.HandlerOptions) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = apiserver.NewServer(apiserver.NewHandler(s, o), nil)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func newClient(t testing.TB, url, token string) *api.Client {
	t.Helper()
	c := api.NewClient(url, token)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestFake(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	apitest.TestService(t, func(*testing.T) api.Service { return f })
}

// A client of a handler of a service is as good as the service.
func TestClientOfHandler(t *testing.T) {
	t.Parallel()
	url := serve(t, newFake(t), apiserver.HandlerOptions{Token: token})
	apitest.TestService(t, func(t *testing.T) api.Service { return newClient(t, url, token) })
}

func TestFakeWatch(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	apitest.TestWatch(t, func(*testing.T) api.Service { return f })
}

func TestClientWatch(t *testing.T) {
	t.Parallel()
	url := serve(t, newFake(t), apiserver.HandlerOptions{Token: token})
	apitest.TestWatch(t, func(t *testing.T) api.Service { return newClient(t, url, token) })
}
