package proxy

import (
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
)

// TestCertificateFindings holds what the doctor says of the API's certificate.
func TestCertificateFindings(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		until         time.Time
		problem       string
		state, advice string
	}{
		"good":             {now.Add(30 * 24 * time.Hour), "", api.FindingOK, ""},
		"soon":             {now.Add(24 * time.Hour), "", api.FindingWarning, "renew it"},
		"ended":            {now.Add(-time.Hour), "", api.FindingFailure, "put a new one"},
		"a broken new one": {now.Add(30 * 24 * time.Hour), "no PEM", api.FindingWarning, "correct the files"},
		"both":             {now.Add(-time.Hour), "no PEM", api.FindingFailure, "put a new one"},
	} {
		f := foundCertificate(c.until, c.problem)
		if f.State != c.state || !strings.Contains(f.Advice, c.advice) || (c.advice == "") != (f.Advice == "") || f.Text == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
