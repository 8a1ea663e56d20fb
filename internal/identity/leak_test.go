package identity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/store/storetest"
)

// shows tells whether text holds eight characters in a row of the key's body,
// as text or as the numbers of its bytes.
func shows(text, key string) bool {
	body := key[len("sp_live_"):]
	for i := 0; i+8 <= len(body); i++ {
		numbers := strings.Trim(fmt.Sprint([]byte(body[i:i+8])), "[]")
		if strings.Contains(text, body[i:i+8]) || strings.Contains(text, numbers) {
			return true
		}
	}
	return false
}

func TestThePlantedKeyIsShownNowhere(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	k := newKeys(t, mem, noon())
	issued := create(t, k)
	key := issued.Key.Reveal()
	ring := ring(t, mem, noon())
	who, reason := ring.Verify(issued.Key)

	values := map[string]any{"issued": issued, "record": issued.Record, "caller": who, "reason": reason, "keyring": ring, "keys": k, "store": mem, "status": ring.Status()}
	for name, ref := range map[string]string{
		"a blank after": key + " ", "a blank before": " " + key, "cut": key[:50], "without its prefix": key[8:], "without its end": key[:50] + " and so on", "doubled": key + key, "quoted": `"` + key + `"`,
		"mistyped": key[:30] + flip(key[30]) + key[31:], "prefixed": "X-API-Key: " + key, "a long hint": key[:20] + "…", "with a live prefix": "_live_" + key,
	} {
		text := secret.New(ref)
		values[name+" format"] = identity.CheckFormat(text)
		_, err := k.Show(t.Context(), text)
		values[name+" show"] = err
		_, err = k.Rotate(t.Context(), text, 0)
		values[name+" rotate"] = err
		_, err = k.Revoke(t.Context(), text, "")
		values[name+" revoke"] = err
		values[name+" verify"] = fmt.Sprint(ring.Verify(text))
		_, err = k.Create(t.Context(), identity.Spec{Name: ref, Owner: "o"})
		values[name+" name"] = err
		_, err = k.Create(t.Context(), identity.Spec{Name: "n", Owner: ref})
		values[name+" owner"] = err
		_, err = k.Create(t.Context(), identity.Spec{Name: "n", Owner: "o", Scopes: []string{ref}})
		values[name+" scope"] = err
		_, err = k.Create(t.Context(), identity.Spec{Name: "n", Owner: "o", Tier: ref})
		values[name+" tier"] = err
		_, err = k.Revoke(t.Context(), issued.Key, ref)
		values[name+" reason"] = err
	}
	mem.Break(errors.New("broken"))
	_, _, err := k.Check(t.Context(), issued.Key)
	values["check of a broken store"] = err
	_, err = k.Show(t.Context(), issued.Key)
	values["show of a broken store"] = err

	for name, v := range values {
		for where, text := range printed(v) {
			if shows(text, key) {
				t.Errorf("%s as %s shows the key", name, where)
			}
		}
	}
	if !shows("x"+key[20:28]+"y", key) || !shows(fmt.Sprint([]byte(key)), key) {
		t.Error("the test would not notice")
	}
}

// printed is v in the ways that programs print values.
func printed(v any) map[string]string {
	var logs bytes.Buffer
	slog.New(slog.NewJSONHandler(&logs, nil)).Info("m", "v", v)
	slog.New(slog.NewTextHandler(&logs, nil)).Info("m", "v", v)
	doc, err := json.Marshal(v)
	out := map[string]string{"%v": fmt.Sprintf("%v", v), "%+v": fmt.Sprintf("%+v", v), "%#v": fmt.Sprintf("%#v", v), "%s": fmt.Sprintf("%s", v), "%x": fmt.Sprintf("%x", v),
		"a log line": logs.String(), "JSON": string(doc), "the error of JSON": fmt.Sprint(err)}
	var e *identity.Error
	if err, ok := v.(error); ok && errors.As(err, &e) {
		out["the hint"] = e.Hint
	}
	return out
}

func TestTheRecordHoldsNoKey(t *testing.T) {
	t.Parallel()
	issued := create(t, newKeys(t, storetest.NewMemory(), noon()))
	hint := strings.TrimSuffix(issued.Record.Hint, "…")
	if rest := strings.TrimPrefix(hint, "sp_live_"); len(rest) != 3 || !strings.HasPrefix(issued.Key.Reveal(), hint) {
		t.Errorf("the hint %s shows %d characters of the key", issued.Record.Hint, len(rest))
	}
	if tail := issued.Record.ID[2:]; strings.Contains(issued.Key.Reveal(), tail) {
		t.Error("the id is a part of the key")
	}
}
