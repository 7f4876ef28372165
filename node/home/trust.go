package home

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

// MaxOracles is how many oracles a home may elect.
const MaxOracles = 64

// Trust is whom the home's user believes where claims contradict each other.
type Trust struct {
	// Oracles are the oracles elected, whose objections count.
	Oracles []protocol.Owner `json:"oracles"`
	// Policy is by what claims are ranked; none: protocol.DefaultPolicy.
	Policy protocol.Policy `json:"policy,omitempty"`
}

// Check says what is wrong with it, nil if nothing is.
func (t *Trust) Check() error {
	if len(t.Oracles) > MaxOracles {
		return fmt.Errorf("%d oracles, at most %d can be elected", len(t.Oracles), MaxOracles)
	}
	seen := map[protocol.Owner]bool{}
	for _, o := range t.Oracles {
		switch {
		case o.SmallOrder():
			return fmt.Errorf("%s cannot be elected as an oracle: anybody can sign for it", o)
		case seen[o]:
			return fmt.Errorf("oracle %s is elected twice", o)
		}
		seen[o] = true
	}
	if len(t.Policy) == 0 {
		return nil
	}
	return t.Policy.Check()
}

// Trust returns what was set last; nothing yet is no error.
func (h *Home) Trust() (Trust, error) {
	t, err := h.readTrust()
	if err != nil {
		return Trust{}, fmt.Errorf("whom to trust: %s: %w (mend the file or move it away)", h.path(trustFile), cause(err))
	}
	return t, nil
}

func (h *Home) readTrust() (t Trust, err error) {
	text, err := readBounded(h.path(trustFile), maxTrust)
	if text == nil || err != nil {
		return t, err
	}
	// Strictly: a misspelled member would elect nobody, and nobody would notice.
	if err := strictjson.Unmarshal(text, &t, 0); err != nil {
		return Trust{}, fmt.Errorf(`%w: want {"oracles": ["12D3KooW…"], "policy": ["weight", "newest"]}`, err)
	}
	return t, t.Check()
}

// maxTrust is several times what the file can have.
const maxTrust = 64 << 10

// SetTrust replaces what was set before, unless that cannot be read: what is not understood is not
// thrown away. A node that runs here notices within a second.
func (h *Home) SetTrust(t Trust) error {
	if err := t.Check(); err != nil {
		return err
	}
	_, err := h.ChangeTrust(func(had *Trust) error {
		*had = t
		return nil
	})
	return err
}

// ChangeTrust has change alter what was set last, and returns what is set then. No other process
// sets anything meanwhile. An error of change is returned as it is, and leaves all as it was.
func (h *Home) ChangeTrust(change func(*Trust) error) (Trust, error) {
	unlock, err := lockChanges(h.path(trustLock), "choice of oracles")
	if err != nil {
		return Trust{}, err
	}
	defer unlock()
	t, err := h.Trust()
	if err != nil {
		return Trust{}, err
	}
	had := Trust{Oracles: slices.Clone(t.Oracles), Policy: slices.Clone(t.Policy)}
	if err := change(&t); err != nil {
		return Trust{}, err
	}
	if slices.Equal(t.Oracles, had.Oracles) && slices.Equal(t.Policy, had.Policy) {
		return had, nil
	}
	if err := t.Check(); err != nil {
		return Trust{}, err
	}
	if t.Oracles == nil {
		t.Oracles = []protocol.Owner{}
	}
	data, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return Trust{}, fmt.Errorf("encode whom to trust: %w", err)
	}
	return t, replaceFile(h.path(trustFile), append(data, '\n'))
}

// TrustStamp tells one content of the file of [Home.Trust] from another without reading it.
type TrustStamp struct{ info fs.FileInfo }

// TrustStamp returns the stamp of what Trust would return now.
func (h *Home) TrustStamp() TrustStamp {
	info, err := os.Stat(h.path(trustFile))
	if err != nil {
		return TrustStamp{} // Trust says what is wrong, if the file is there
	}
	return TrustStamp{info}
}

// Equal reports whether two stamps are of one content.
func (s TrustStamp) Equal(o TrustStamp) bool {
	if s.info == nil || o.info == nil {
		return s.info == o.info
	}
	return s.info.Size() == o.info.Size() && s.info.ModTime().Equal(o.info.ModTime()) && os.SameFile(s.info, o.info)
}
