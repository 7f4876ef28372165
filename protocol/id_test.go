package protocol_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

func TestAppendText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := protocol.ID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "id"))
		text, err := id.AppendText([]byte("x"))
		if err != nil || string(text) != "x"+id.String() {
			t.Fatalf("%s, %v: want x%s", text, err, id)
		}
	})
}
