package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/source"
)

// A Test is one request that the policy's author wants decided in one way. It
// runs offline: the upstream's answer is part of it.
type Test struct {
	Name     Text
	As       As
	Do       Text // "GET /orders/42?x=1": method and target as a client sends them
	Headers  []Header
	Body     Given[source.Value] // text is sent as it is, all else as JSON
	Upstream Answer
	Expect   Given[Expect]
	At       source.Span
}

// An AsKind says who sends the request of a test.
type AsKind uint8

// The kinds.
const (
	Anonymous AsKind = iota // no credential
	WithKey                 // a valid key without scopes
	Subject                 // a valid key of Sub with Scopes
)

// As says who sends the request of a test.
type As struct {
	Kind   AsKind
	Sub    Text
	Scopes []Text
	At     source.Span
}

// A Header is one header field of a test.
type Header struct{ Name, Value Text }

// An Answer is what the upstream of a test answers. The zero Answer is a 200
// without a body.
type Answer struct {
	Status  Given[int64] // 200 to 599
	Headers []Header
	Body    Given[source.Value] // text is sent as it is, all else as JSON
	At      source.Span
}

// Expect is how the request of a test must be decided.
type Expect struct {
	Allow  bool
	Risk   string // of a denial: the id of the risk that denies
	Status int    // of a denial; 0: any
}

// String is e as `expect` takes it.
func (e Expect) String() string {
	switch {
	case e.Allow:
		return "allow"
	case e.Status != 0:
		return fmt.Sprintf("deny %s %d", e.Risk, e.Status)
	}
	return "deny " + e.Risk
}

// Method and target of Do.
func (t Test) Request() (method, target string) {
	method, target, _ = strings.Cut(t.Do.Value, " ")
	return method, target
}

func testsShape() shape[[]Test] {
	headers := headersShape()
	body := anyShape()
	answer := record[Answer]{
		name: "test_upstream", doc: "What the upstream of a test answers.",
		members: []member[Answer]{
			given("status", statusShape(200), func(a *Answer) *Given[int64] { return &a.Status }, "Without it: 200."),
			part("headers", headers, func(a *Answer) *[]Header { return &a.Headers }, "Header fields by name."),
			given("body", body, func(a *Answer) *Given[source.Value] { return &a.Body }, "Text is sent as it is, all else as JSON."),
		},
		finish: func(_ *reader, v source.Value, a *Answer) { a.At = v.At },
	}
	one := record[Test]{
		name: "test", doc: "One request and what must become of it.",
		members: []member[Test]{
			given("name", pattern{form: textForm, want: "a sentence", limit: 200}.shape(), func(t *Test) *Text { return &t.Name }, "What the test shows."),
			part("as", asShape(), func(t *Test) *As { return &t.As }, "Who sends it: anonymous, key, or { sub: alice, scopes: [read] }.").required(),
			given("do", pattern{form: `^[A-Z]{1,32} /[!-~]*$`, want: "a method and a target, such as GET /orders/42"}.shape(), func(t *Test) *Text { return &t.Do }, "Method and target, escaped as on the wire.").required(),
			part("headers", headers, func(t *Test) *[]Header { return &t.Headers }, "Header fields by name."),
			given("body", body, func(t *Test) *Given[source.Value] { return &t.Body }, "Text is sent as it is, all else as JSON."),
			part("upstream", answer.shape(), func(t *Test) *Answer { return &t.Upstream }, "What the upstream answers. Without it: 200 and no body."),
			given("expect", expectShape(), func(t *Test) *Given[Expect] { return &t.Expect }, "allow, deny RISK, or deny RISK STATUS.").required(),
		},
		later:  []string{"resource", "at", "peer"},
		finish: func(_ *reader, v source.Value, t *Test) { t.At = v.At },
	}
	inner := list(one.shape(), maxTests)
	return shape[[]Test]{
		read: func(r *reader, v source.Value) ([]Test, bool) {
			items, ok := inner.read(r, v)
			out := make([]Test, len(items))
			for i := range items {
				out[i] = items[i].Value
			}
			return out, ok
		},
		write: func(tests []Test) source.Value {
			v := source.Value{Kind: source.Array}
			for _, t := range tests {
				v.Items = append(v.Items, one.write(t))
			}
			if len(tests) == 0 {
				return source.Value{}
			}
			return v
		},
		schema: inner.schema,
	}
}

func asShape() shape[As] {
	words := []string{"anonymous", "key"}
	subject := record[As]{
		name: "test_subject", later: []string{"client", "roles", "mfa", "tier"},
		members: []member[As]{
			given("sub", pattern{form: textForm, want: "a name", limit: 200}.shape(), func(a *As) *Text { return &a.Sub }, "Whose key it is.").required(),
			part("scopes", list(pattern{form: `^[!#-\[\]-~]+$`, want: "a scope such as orders:read"}.shape(), maxList), func(a *As) *[]Text { return &a.Scopes }, "Scopes of the key."),
		},
		finish: func(_ *reader, v source.Value, a *As) { a.Kind, a.At = Subject, v.At },
	}
	return shape[As]{
		read: func(r *reader, v source.Value) (As, bool) {
			if v.Kind == source.Object {
				return subject.read(r, v)
			}
			if !r.is(v, source.String, "anonymous, key, or a map with sub") {
				return As{}, false
			}
			switch v.Text {
			case words[0]:
				return As{At: v.At}, true
			case words[1]:
				return As{Kind: WithKey, At: v.At}, true
			}
			r.fail(v.At, CodeBadValue, fmt.Sprintf("%s is %s, but must be %s, or a map with sub", r.where(), quote(v.Text), oneOf(words)), near(v.Text, words))
			return As{}, false
		},
		write: func(a As) source.Value {
			switch a.Kind {
			case Anonymous, WithKey:
				return str(words[a.Kind])
			case Subject:
			}
			return subject.write(a)
		},
		schema: func(d *definitions) node { return node{"anyOf": []node{{"enum": words}, subject.schema(d)}} },
	}
}

func headersShape() shape[[]Header] {
	return table[Header]{
		key: pattern{form: tokenForm, want: "the name of a header field"}, limit: 200,
		inner: shape[Header]{
			read: func(r *reader, v source.Value) (Header, bool) {
				s, ok := pattern{form: `^[\t -~]*$`, want: "one line of printable ASCII"}.shape().read(r, v)
				return Header{Value: Text{s, v.At, ok}}, ok
			},
			write:  func(h Header) source.Value { return source.Value{Kind: source.String, Text: h.Value.Value} },
			schema: pattern{form: `^[\t -~]*$`}.shape().schema,
		},
		name: func(h *Header, t Text) { h.Name = t },
		get:  func(h Header) string { return h.Name.Value },
		doc:  "Header fields by name.",
	}.shape()
}

// anyShape takes every value, as the body of a test. What the YAML layer
// refused anywhere inside was reported there, and the whole policy with it.
func anyShape() shape[source.Value] {
	return shape[source.Value]{
		read:   func(_ *reader, v source.Value) (source.Value, bool) { return v, v.Kind != source.Absent },
		write:  func(v source.Value) source.Value { return v },
		schema: func(*definitions) node { return node{} },
	}
}

func statusShape(low int64) shape[int64] { return integer(low, 599) }

const expectForm = `^(allow|deny [a-z][a-z0-9-]*( [45][0-9][0-9])?)$`

func expectShape() shape[Expect] {
	s := pattern{form: expectForm, want: "allow, deny RISK, or deny RISK STATUS such as deny auth 401"}.shape()
	return shape[Expect]{
		read: func(r *reader, v source.Value) (Expect, bool) {
			text, ok := s.read(r, v)
			if !ok || text == "allow" {
				return Expect{Allow: ok}, ok
			}
			words := strings.Fields(text)
			e := Expect{Risk: words[1]}
			if len(words) == 3 {
				e.Status, _ = strconv.Atoi(words[2]) // three digits, by the form
			}
			ids := r.riskIDs()
			if !slices.Contains(ids, e.Risk) {
				r.fail(v.At, CodeUnknownRisk, fmt.Sprintf("%s: there is no risk %s", r.where(), quote(e.Risk)), riskHint(e.Risk, ids))
				return Expect{}, false
			}
			return e, true
		},
		write:  func(e Expect) source.Value { return str(e.String()) },
		schema: s.schema,
	}
}

// riskIDs lists the ids of the risks that there are.
func (r *reader) riskIDs() []string {
	out := make([]string, len(r.risks))
	for i := range r.risks {
		out[i] = r.risks[i].ID
	}
	return out
}
