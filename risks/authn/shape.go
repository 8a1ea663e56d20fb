package authn

import (
	"bytes"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// maxLeaves bounds how much of an answer is compared.
const maxLeaves = 2000

// A shape is what stays the same in an answer that is asked for again: its
// structure, and the values that did not change.
type shape struct {
	status int
	text   []byte            // of an answer that is no JSON
	stable map[string]string // pointer to text; "" where the value changed by itself
}

// newShape returns nil where two answers to one request have nothing in common
// that could be recognised.
func newShape(a, b *risk.Seen) *shape {
	s := &shape{status: a.Status}
	first, second := leaves(a.Body), leaves(b.Body)
	if first == nil {
		if len(bytes.TrimSpace(a.Body)) == 0 || !bytes.Equal(a.Body, b.Body) {
			return nil
		}
		s.text = a.Body
		return s
	}
	if !sameNames(first, second) {
		return nil
	}
	kept := 0
	for p, v := range first {
		if second[p] != v {
			first[p] = ""
		} else if v != "{}" && v != "[]" && v != "null" {
			kept++
		}
	}
	if kept == 0 {
		return nil // an empty list would match any other
	}
	s.stable = first
	return s
}

// matches tells whether an answer has the same structure and stable values.
func (s *shape) matches(seen *risk.Seen) bool {
	if seen.Status != s.status {
		return false
	}
	if s.stable == nil {
		return bytes.Equal(seen.Body, s.text)
	}
	got := leaves(seen.Body)
	if !sameNames(s.stable, got) {
		return false
	}
	for p, v := range s.stable {
		if v != "" && got[p] != v {
			return false
		}
	}
	return true
}

// leaves maps the pointer of each value without members to its text. It is nil
// for what is no JSON object or array.
func leaves(body []byte) map[string]string {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(body) != nil || doc.Kind(0) != jsonx.Object && doc.Kind(0) != jsonx.Array {
		return nil
	}
	out := map[string]string{}
	for i := range doc.Len() {
		if len(out) == maxLeaves {
			break
		}
		switch k := doc.Kind(i); {
		case k != jsonx.Object && k != jsonx.Array:
			out[doc.Pointer(i)] = string(doc.Raw(i))
		case doc.Count(i) == 0 && k == jsonx.Object:
			out[doc.Pointer(i)] = "{}"
		case doc.Count(i) == 0:
			out[doc.Pointer(i)] = "[]"
		}
	}
	return out
}

func sameNames(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for p := range a {
		if _, ok := b[p]; !ok {
			return false
		}
	}
	return true
}
