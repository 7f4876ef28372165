package lf

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// NewNetwork makes a network and returns its file, which others need to join. Its parameters are
// fixed forever. [protocol.DefaultParams] is where to begin. A private network gets a secret: only
// nodes with its file can connect.
func NewNetwork(p protocol.Params, seeds []string, private bool) (f protocol.NetworkFile, err error) {
	if err := p.Check(); err != nil {
		return f, wrongInput("%v", err)
	}
	if err := checkAuthorities(&p, time.Now()); err != nil {
		return f, err
	}
	n, err := protocol.NewNetwork(p, clock(), rand.Reader)
	if err != nil {
		return f, err
	}
	f = n.File(seeds)
	if private {
		f.Secret, err = protocol.NewSecret(rand.Reader)
	}
	return f, err
}

// checkAuthorities refuses CAs that can certify nobody any more, since a network keeps its CAs
// forever.
func checkAuthorities(p *protocol.Params, now time.Time) error {
	for _, der := range p.Authorities {
		a, err := protocol.ParseAuthority(der)
		if err != nil {
			return err
		}
		if until := text.TimeOf(a.NotAfter()); until.Before(now) {
			return fmt.Errorf("CA %q expired on %s: it can certify nobody any more, and a network's CAs cannot be changed. Make its certificate again",
				a.Name(), until.Local().Format(time.DateOnly))
		}
	}
	return nil
}
