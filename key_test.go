package lf_test

import (
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/protocol"
)

func TestParsePoint(t *testing.T) {
	t.Parallel()
	if got, err := lf.ParsePoint("bad", `issue \#7#3`); err != nil || got.Selectors()[1] != (protocol.Expression{Name: "issue #7", From: 3, To: 3}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range [][]string{{"horse#"}, {"horse#1#2"}, {"horse", "horse#0"}, {""}, {"horse#x"}, {"a#-1"}, {"a#1#2#3"}, {"a\\b"}, make([]string, 16)} {
		if got, err := lf.ParsePoint(bad...); err == nil {
			t.Errorf("%q is taken for %+v", bad, got)
		}
	}
}
