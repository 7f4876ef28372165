package protocol_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

func TestSecret(t *testing.T) {
	t.Parallel()
	secret, err := protocol.NewSecret(bytes.NewReader(bytes.Repeat([]byte{0xfb}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	const text = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s="
	f := testNetwork(t, nil).File(nil)
	without, err := json.Marshal(f)
	if err != nil || strings.Contains(string(without), "secret") {
		t.Errorf("a public network's file: %s, %v", without, err)
	}
	f.Secret = secret
	with, err := json.Marshal(f)
	if err != nil || !strings.Contains(string(with), `"secret":"`+text+`"`) {
		t.Errorf("a private network's file: %s, %v", with, err)
	}
	if n, back, err := protocol.ParseNetworkFile(with); err != nil || *back.Secret != *secret || n.ID() != f.ID {
		t.Errorf("read back: %v", err)
	}
	for _, bad := range []string{"", text[4:], text + "AAAA", strings.Replace(text, "/s=", "/t=", 1), strings.ReplaceAll(text, "/", "_")} {
		if _, _, err := protocol.ParseNetworkFile(bytes.Replace(with, []byte(text), []byte(bad), 1)); err == nil {
			t.Errorf("secret %q is taken", bad)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{secret, *secret} {
			if s := fmt.Sprintf(verb, v); s != "(secret)" {
				t.Errorf("%s prints %q", verb, s)
			}
		}
	}
	if _, err := protocol.NewSecret(bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a secret of 31 bytes")
	}
	if a, err := protocol.NewSecret(rand.Reader); err != nil || *a == *secret {
		t.Error(err)
	}
}
