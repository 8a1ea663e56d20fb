package schema

import (
	"strings"
	"testing"
)

func TestEqualDigestsAreComparedByTheirText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":[1,2]}`, `{ "b" : [1.0, 20e-1], "\u0061":1 }`, true}, {`[]`, `{}`, false}, {`[1]`, `[1,1]`, false}, {`{"a":1}`, `{"b":1}`, false},
		{`"\u0061"`, `"a"`, true}, {`1`, `"1"`, false}, {`true`, `false`, false}, {`null`, `null`, true}, {`{"a":{}}`, `{"a":[]}`, false},
	} {
		var x comparer
		list := `[ ` + c.a + ` , 7.5,"x" ,` + c.b + `]`
		at := len(list) - 1 - len(c.b)
		if got := x.repeats([]byte(list), 0, at, at+len(c.b)); got != c.same {
			t.Errorf("%s: got %v", list, got)
		}
		v := parseValue(t, c.a)
		if got := x.equals([]byte(c.b), &v); got != c.same {
			t.Errorf("%s is %s: got %v", c.b, c.a, got)
		}
	}
}

// A digest that is wrong must not decide where the text is there.
func TestADigestAloneDoesNotDecide(t *testing.T) {
	t.Parallel()
	p := NewPrograms().compile(mustSchema(t, `{"enum":[{"a":1},{"a":2}]}`))
	for d, list := range p.enum.compound { // as if the digests of all were one
		for other := range p.enum.compound {
			if other != d {
				p.enum.compound[d] = append(list, p.enum.compound[other]...)
			}
		}
	}
	run := newRun()
	for text, want := range map[string]bool{`{"a":1}`: true, `{ "a":2.0 }`: true, `{"a":3}`: false, `[]`: false} {
		if run.verdict(t, p, []byte(text)); run.machine.ok() != want {
			t.Errorf("%s: got %v", text, !want)
		}
	}
	m := &run.machine
	m.pieces = false
	for d := range p.enum.compound {
		m.digest, m.closed = d, []byte(`{"a":9}`)
		if p.enum.holdsCompound(m) {
			t.Error("a digest decides")
		}
		m.closed = nil
		if !p.enum.holdsCompound(m) {
			t.Error("in pieces there is nothing but the digest")
		}
	}
}

func TestUniqueItemsFindsWhatIsTheSameHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`"xxxxxxxxxxxxxxxxxxxx",`, 1)
	for list, want := range map[string]bool{
		`[1,1.0]`: false, `[0,-0]`: false, `[1,"1"]`: true, `["a","\u0061"]`: false, `[true,false,null,0,"",[],{}]`: true, `[1e2,100]`: false,
		`[1234567890123456789,1234567890123456788]`: true, `[1e400,1e401]`: true, `[1e400,10e399]`: false, `[[1],[1.0]]`: false,
		`[{"a":1,"b":2},{"b":2,"a":1}]`: false, `["",null]`: true, `["a",` + many + `"a"]`: false, `[null,null]`: false, `[true,true]`: false,
		`[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,1]`: false, `[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]`: true,
	} {
		for _, schema := range []string{`{"uniqueItems":true}`, `{"anyOf":[{"uniqueItems":true},false]}`, `{"items":{},"uniqueItems":true,"not":{"const":1}}`} {
			p := NewPrograms().compile(mustSchema(t, schema))
			run := newRun()
			if !run.verdict(t, p, []byte(list)) || run.machine.ok() != want {
				t.Errorf("%s: %s: got %v", schema, list, run.machine.ok())
			}
		}
	}
}
