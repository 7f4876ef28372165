package node

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// metricsPage reads a node's /metrics.
func metricsPage(t *testing.T, n *Node) string {
	t.Helper()
	resp, err := http.Get(n.APIURL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	return string(text)
}

// metric is the value of one series, and whether there is one.
func metric(t *testing.T, page, series string) (value float64, found bool) {
	t.Helper()
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v, true
		}
	}
	return 0, false
}

// TestNodeMetrics holds what the metrics of the node as a whole say.
func TestNodeMetrics(t *testing.T) {
	t.Parallel()
	ca := apitest.NewAuthority(t, "Test CA")
	network := newNetwork(t, 0, under(ca, false))
	c := config(t, network, offline)
	horse, err := c.Home.Owners().New("horse")
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, c)
	page := metricsPage(t, n)
	if v, _ := metric(t, page, fmt.Sprintf(`lf_build_info{goversion=%q,version="test"}`, goVersion(t, page))); v != 1 {
		t.Error("no build info")
	}
	if v, found := metric(t, page, "lf_disk_free_bytes"); !found || v <= 0 {
		t.Errorf("%v bytes are free (%t)", v, found)
	}
	for _, series := range []string{"lf_store_write_failing", "lf_identity_clones"} {
		if v, found := metric(t, page, series); !found || v != 0 {
			t.Errorf("%s is %v (%t)", series, v, found)
		}
	}
	authority := network.Authorities()[0]
	if got := regexp.MustCompile(`lf_authority_expiry_timestamp_seconds\{fingerprint="[0-9a-f]{64}",name="([^"]*)"\} (\S+)`).FindStringSubmatch(page); got == nil || got[1] != authority.Name() {
		t.Errorf("no authority: %q", got)
	} else if v, err := strconv.ParseFloat(got[2], 64); err != nil || v != float64(authority.NotAfter())/1000 {
		t.Errorf("the authority ends at %s, want %v", got[2], float64(authority.NotAfter())/1000)
	}
	certified := fmt.Sprintf("lf_certificate_expiry_timestamp_seconds{owner=%q}", horse.Owner)
	for _, series := range []string{certified, "lf_store_oldest_pending_timestamp_seconds"} {
		if v, found := metric(t, page, series); found {
			t.Errorf("%s is %v too early", series, v)
		}
	}
	publish(t, n, protocol.TypeCertificate, ca.Certify(t, horse.Secret, -time.Hour, time.Hour))
	before := time.Now()
	orphan(t, n)
	page = metricsPage(t, n)
	if v, _ := metric(t, page, certified); time.Until(time.Unix(int64(v), 0)) < 50*time.Minute || v > float64(time.Now().Add(time.Hour).Unix()+2) {
		t.Errorf("the certificate ends at %v", v)
	}
	if v, _ := metric(t, page, "lf_store_oldest_pending_timestamp_seconds"); v < float64(before.Unix()) || v > float64(time.Now().Unix()+1) {
		t.Errorf("the oldest pending record came at %v", v)
	}
}

// goVersion is the label of the build.
func goVersion(t *testing.T, page string) string {
	t.Helper()
	got := regexp.MustCompile(`lf_build_info\{goversion="([^"]+)"`).FindStringSubmatch(page)
	if got == nil {
		t.Fatal("no build info")
	}
	return got[1]
}

// orphan submits a record whose links exist nowhere.
func orphan(t *testing.T, n *Node) {
	t.Helper()
	network, key := n.config.Network, newKey(t)
	links := make([]protocol.ID, network.Params().MinLinks)
	for i := range links {
		links[i] = protocol.ID{0xaa, byte(i)}
	}
	r, err := network.Compose(protocol.Draft{Type: protocol.TypeReserved, Owner: protocol.OwnerOf(key), Timestamp: uint64(time.Now().UnixMilli()), Links: links, Value: []byte("x")})
	if err == nil {
		r, err = network.Sign(r, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s, err := n.Service().Submit(t.Context(), r.EncodeFrame()); err != nil || s.State != api.StatePending {
		t.Fatalf("%+v, %v", s, err)
	}
}

// promtool runs Prometheus' own checks. It needs the Debian package prometheus.
func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(input)
	if said, err := cmd.CombinedOutput(); err != nil || len(input) > 0 && len(bytes.TrimSpace(said)) > 0 {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

// TestPromtool has Prometheus' own tool look at this node's metrics and at the alerts of
// packaging/. The tests of the alerts are in packaging/testdata.
func TestPromtool(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0), offline))
	var own strings.Builder
	for line := range strings.Lines(metricsPage(t, n)) {
		if strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), "lf_") {
			own.WriteString(line)
		}
	}
	promtool(t, own.String(), "check", "metrics")
	promtool(t, "", "check", "rules", "../packaging/lf.rules.yml")
	promtool(t, "", "test", "rules", "../packaging/testdata/lf.rules.test.yml")
}

// TestAlertsNameMetrics holds that there is each metric that an alert or docs/operations.md names.
func TestAlertsNameMetrics(t *testing.T) {
	var source strings.Builder
	for _, folder := range []string{".", "../internal", "../sync", "../store"} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			source.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"../packaging/lf.rules.yml", "../docs/operations.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\blf_(?:api|authority|build|certificate|disk|identity|network|store|sync)_[a-z_]+`).FindAllString(string(text), -1)
		if len(names) < 10 {
			t.Errorf("%s names %d metrics", path, len(names))
		}
		for _, name := range names {
			if !strings.Contains(source.String(), strconv.Quote(name)) {
				t.Errorf("%s names %s, which there is not", path, name)
			}
		}
	}
}
