package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

func TestWhatCanOnlyBeReadWholeIsListed(t *testing.T) {
	t.Parallel()
	const a, b = `{"type":"object","properties":{"a":{"type":"integer"}}}`, `{"type":"object","properties":{"b":{"type":"integer"}}}`
	for _, c := range []struct{ media, schema, why string }{
		{"application/json", a, ""},
		{"application/json", `{"type":"array","items":{"oneOf":[` + a + `,` + b + `]}}`, ""},
		{"application/json", `{"oneOf":[` + a + `,{"type":"array"}]}`, ""},
		{"application/json", `{"oneOf":[` + a + `,{"type":"null"}]}`, ""},
		{"application/json", `{"oneOf":[` + a + `,` + b + `]}`, heldOpen},
		{"application/json", `{"allOf":[{"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"array"}]}]}`, heldOpen},
		{"application/json", `{"allOf":[` + a + `],"not":` + b + `}`, heldOpen},
		{"application/json", `{"if":` + a + `,"then":` + b + `}`, heldOpen},
		{"application/json", `{"oneOf":[{"type":"object","properties":{"k":{"const":"a"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]}`, ""},
		{"application/x-ndjson", `{"oneOf":[` + a + `,` + b + `]}`, ""},
		{"application/json-seq", `{"oneOf":[` + a + `,` + b + `]}`, ""},
		{"text/plain", `{"type":"string"}`, ""},
		{"application/x-odd", a, ""},
		{"application/octet-stream", `{"type":"string","format":"binary"}`, ""},
		{"application/xml", a, heldXML},
		{"application/x-www-form-urlencoded", a, heldForm},
		{"multipart/form-data", a, heldForm},
		{"application/*", a, heldRange},
	} {
		got := ""
		for _, h := range replyAs(t, c.media, mustSchema(t, c.schema)).Held() {
			got += h.Why
		}
		if diff := cmp.Diff(c.why, got); diff != "" {
			t.Errorf("%s %s: %s", c.media, c.schema, diff)
		}
	}
	op := &contract.Operation{Method: "GET", Replies: []*contract.Reply{{Code: 404, Media: []*contract.Media{{Type: "application/xml", Schema: mustSchema(t, a)}}}}}
	if r, _ := CompileReply(op, Options{}); len(r.Held()) > 0 {
		t.Error("a refusal is listed, of which none is ever checked in pieces")
	}
}

// What is listed as open is what a Filter gives up on, and nothing else of the
// same shape.
func TestWhatIsListedAsOpenIsGivenUp(t *testing.T) {
	t.Parallel()
	const item = `"items":{"type":"array","items":{"type":"object"}}`
	for _, schema := range []string{
		`{"type":"object","properties":{` + item + `}}`,
		`{"oneOf":[{"type":"object","properties":{` + item + `},"required":["a"]},{"type":"object","properties":{` + item + `,"b":{}},"required":["b"]}]}`,
		`{"type":"object","not":{"required":["zz"]}}`,
		`{"oneOf":[{"type":"object","properties":{` + item + `}},{"type":"array"}]}`,
		`{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},` + item + `},"required":["k"]},{"type":"object","properties":{"k":{"const":"b"}},"required":["k"]}]}`,
		`{"anyOf":[{"type":"object","properties":{` + item + `}},{"type":"object","additionalProperties":true}]}`,
		`{"if":{"required":["b"]},"then":{"required":["a"]},"type":"object"}`,
	} {
		r := replyOf(t, schema)
		var body strings.Builder
		body.WriteString(`{"k":"a","a":1,"items":[`)
		for i := range 60_000 {
			if i > 0 {
				body.WriteByte(',')
			}
			fmt.Fprintf(&body, `{"id":%d}`, i)
		}
		body.WriteString(`]}`)
		_, _, err := filtered(t, r, []byte(body.String()), map[risk.MarkKind]bool{}, func() int { return 16 << 10 })
		if listed := len(r.Held()) > 0; listed != (err != nil) {
			t.Errorf("%s: listed %v, but in pieces: %v", schema, listed, err)
		}
	}
}
