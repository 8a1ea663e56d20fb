package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestASecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := New("sp_live_hush")
	wrap := struct {
		Key  Text
		Ptr  *Text
		List []Text
	}{s, &s, []Text{s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T%v"} {
		for _, v := range []any{s, &s, wrap, &wrap, map[string]Text{"k": s}} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "hush") || strings.Contains(out, "68757368") {
				t.Errorf("%s of %T prints the secret: %s", verb, v, out)
			}
		}
	}
	if b, err := json.Marshal(wrap); err == nil {
		t.Errorf("JSON of a secret must fail, got %s", b)
	}
	var buf bytes.Buffer
	slog.New(slog.NewJSONHandler(&buf, nil)).Info("x", "key", s, "all", wrap)
	slog.New(slog.NewTextHandler(&buf, nil)).Info("x", "key", s, "all", wrap)
	if strings.Contains(buf.String(), "hush") {
		t.Errorf("a log line prints the secret: %s", buf.String())
	}
}

func TestEqualComparesWholeSecrets(t *testing.T) {
	t.Parallel()
	if !New("a").Equal(New("a")) || New("a").Equal(New("ab")) || New("").Equal(New("a")) {
		t.Error("Equal is wrong")
	}
	if !New("").Empty() || New("a").Empty() || New("a").Reveal() != "a" {
		t.Error("Empty or Reveal is wrong")
	}
}
