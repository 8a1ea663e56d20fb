package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/risk"
)

// repeated is a list of n elements.
func repeated(n int, part string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(part+",", n), ",") + "]"
}

func TestANameTwiceIsSeenThoughNobodyAsksForMore(t *testing.T) {
	t.Parallel()
	wrong := strings.TrimSuffix(strings.Repeat(`"x",`, 200), ",")
	for _, schema := range []string{
		`{"properties":{"a":{},"b":{"items":{"type":"integer"}}}}`, // the request is drained
		`{"anyOf":[{"properties":{"a":{},"b":{"items":{"type":"integer"}}}},{"properties":{"a":{},"b":{"items":{"type":"null"}}}}]}`,
		`{"not":{"properties":{"a":{},"b":{"items":{"type":"integer"}}}}}`,
		`{"properties":{"b":{}},"not":{"properties":{"a":{},"b":{"items":{"type":"integer"}}}}}`,
	} {
		p := NewPrograms().compile(mustSchema(t, schema))
		for _, body := range []string{
			fmt.Sprintf(`{"a":1,"b":[%s],"a":2}`, wrong), fmt.Sprintf(`{"b":[%s],"a":1,"a":2}`, wrong), fmt.Sprintf(`{"b":[%s],"b":[]}`, wrong),
			fmt.Sprintf(`{"c":1,"b":[%s],"c":2}`, wrong), fmt.Sprintf(`{"b":[%s],"d":{"e":1,"e":1}}`, wrong),
		} {
			if _, ok := wholeReading(newRun(), p, []byte(body), asRequest); ok {
				t.Errorf("%s: a name comes twice: %s", schema, body)
			}
			if _, ok := chunkedReading(newRun(), p, []byte(body), asReply, func() int { return 7 }); ok {
				t.Errorf("%s: a name comes twice in pieces: %s", schema, body)
			}
		}
	}
}

func TestAReplyIsMarkedToItsEndHoweverMuchIsWrong(t *testing.T) {
	t.Parallel()
	p := NewPrograms().compile(mustSchema(t, `{"type":"array","items":{"type":"object","properties":{"n":{"type":"integer"},"secret":{"type":"string","writeOnly":true}}}}`))
	body := []byte(repeated(300, `{"n":"x"}`) + "")
	body = append(body[:len(body)-1], `,{"n":1,"secret":"s"}]`...)
	reply, ok := wholeReading(newRun(), p, body, asReply)
	if !ok || !reply.Overflow || len(reply.Marks) != 1 || reply.Marks[0].Kind != risk.WriteOnlyMember {
		t.Errorf("ok %v, overflow %v, marks %v", ok, reply.Overflow, reply.Marks)
	}
	request, ok := wholeReading(newRun(), p, body, asRequest)
	if !ok || !request.Overflow || !request.Unseen || len(request.Violations) != risk.MaxViolations {
		t.Errorf("ok %v, overflow %v, %d violations", ok, request.Overflow, len(request.Violations))
	}
}

func TestAnAlternativeThatFailsOftenIsNoLoss(t *testing.T) {
	t.Parallel()
	p := NewPrograms().compile(mustSchema(t, `{"oneOf":[{"type":"array","items":{"type":"integer"}},{"type":"array","items":{"type":"object","properties":{"a":{}}}}]}`))
	dst, ok := wholeReading(newRun(), p, []byte("["+strings.Repeat(`{"a":1},`, 500)+`{"a":1,"b":2}]`), asReply)
	if !ok || len(dst.Violations) > 0 || dst.Overflow || len(dst.Marks) != 1 {
		t.Errorf("ok %v: %v, overflow %v, %d marks", ok, said(dst), dst.Overflow, len(dst.Marks))
	}
	if dst, _ = wholeReading(newRun(), p, []byte(repeated(500, `"x"`)), asReply); len(dst.Violations) == 0 || !dst.Overflow {
		t.Errorf("what fits nowhere: %v, overflow %v", said(dst), dst.Overflow)
	}
}

func TestDepthIsTheSameWithAndWithoutASieve(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{`true`, `{"$ref":"#/$defs/n","$defs":{"n":{"type":["array","object"],"items":{"$ref":"#/$defs/n"},"additionalProperties":{"$ref":"#/$defs/n"}}}}`,
		`{"anyOf":[{"$ref":"#/$defs/n"},{"type":"array","items":{"$ref":"#/$defs/n"}}],"$defs":{"n":{"items":{"anyOf":[{"$ref":"#/$defs/n"},false]}}}}`} {
		p := NewPrograms().compile(mustSchema(t, schema))
		for depth := 60; depth < 70; depth++ {
			for _, part := range []string{"[]", `{"a":}`} {
				open, end := part[:len(part)-1], part[len(part)-1:]
				body := []byte(strings.Repeat(open, depth-1) + "[]" + strings.Repeat(end, depth-1))
				_, ok := wholeReading(newRun(), p, body, asReply)
				_, also := chunkedReading(newRun(), p, body, asReply, func() int { return 5 })
				if ok != also || ok != (depth <= 64) {
					t.Errorf("%s: depth %d of %s: whole %v, in pieces %v", schema, depth, part, ok, also)
				}
			}
		}
	}
}
