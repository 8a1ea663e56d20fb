package event

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPersonalFieldsAreStoredOnlySealed(t *testing.T) {
	t.Parallel()
	k, err := NewKey("h1", bytes.Repeat([]byte{7}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	e := sample()
	e.Personal = Personal{"alice", "192.0.2.7", "/orders/42?token=*", "curl/8"}
	k.Seal(e, [NonceSize]byte{1})
	text := AppendCanonical(nil, e)
	for _, p := range []string{"alice", "192.0.2.7", "/orders/42", "curl"} {
		if bytes.Contains(text, []byte(p)) {
			t.Errorf("%s stands in %s", p, text)
		}
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Open(got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Error(diff)
	}
	for name, change := range map[string]func(*Event){
		"moved to another record": func(e *Event) { e.ID[0]++ }, "of another kind": func(e *Event) { e.Kind = Intent },
		"changed": func(e *Event) { e.Box.Data[20] ^= 1 }, "cut": func(e *Event) { e.Box.Data = e.Box.Data[:9] }, "of another key": func(e *Event) { e.Box.Key = "h2" },
	} {
		x, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if change(x); !errors.Is(k.Open(x), ErrBox) {
			t.Errorf("a box that is %s opens", name)
		}
	}
}

func TestAPseudonymIsConstantAndNeedsTheKey(t *testing.T) {
	t.Parallel()
	a, err := NewKey("a", bytes.Repeat([]byte{1}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewKey("b", bytes.Repeat([]byte{2}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	p := a.Pseudonym("alice")
	if len(p) != 24 || p != a.Pseudonym("alice") || p == a.Pseudonym("bob") || p == b.Pseudonym("alice") {
		t.Errorf("pseudonym %q", p)
	}
	if _, err := NewKey("c", make([]byte, 31)); err == nil {
		t.Error("a short key is accepted")
	}
}
