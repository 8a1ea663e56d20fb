package schema

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/source"
)

func TestASchemaThatIsManyAtATimeIsToldOnce(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{40: 0, 70: 1} {
		o := Options{Programs: NewPrograms()}
		s := mustSchema(t, manyAlternatives(n, ""))
		_, list := CompileRequest(post(jsonMedia(s)), o)
		if len(list) != want {
			t.Fatalf("%d alternatives: %v", n, list)
		}
		if want > 0 && (list[0].Code != Costly || list[0].Severity != source.Warning || list[0].At != s.Items.At) {
			t.Errorf("told as %v, not at %v", list[0], s.Items.At)
		}
		if _, again := CompileRequest(post(jsonMedia(s)), o); len(again) != 0 {
			t.Errorf("told twice: %v", again)
		}
	}
}

func TestMoreSchemasAtATimeThanAreHeldToInOneGoAreHeldToAllTheSame(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 40, 64, 70} {
		p := NewPrograms().compile(mustSchema(t, manyAlternatives(n, "")))
		run := newRun()
		for text, want := range map[string]bool{`[{"k0":1},{"k2":1}]`: true, `[{"k0":1,"k1":1}]`: false, `[{"k1":"x"}]`: false, `[{}]`: false, `[]`: true} {
			if run.verdict(t, p, []byte(text)); run.machine.ok() != want {
				t.Errorf("%d alternatives: %s: got %v", n, text, !want)
			}
		}
	}
}

// A body that takes more than one of its size may is refused, be it lawful.
func TestABodyThatTakesTooLongIsRefused(t *testing.T) {
	t.Parallel()
	p := NewPrograms().compile(mustSchema(t, manyAlternatives(400, "")))
	body := []byte("[" + strings.Repeat(`{"k0":1},`, 20000) + `{"k0":1}]`)
	dst, ok := wholeReading(newRun(), p, body, asRequest)
	if !ok || len(dst.Violations) != 1 || dst.Violations[0].Rule != "budget" {
		t.Errorf("ok %v: %v", ok, said(dst))
	}
	if dst, ok = wholeReading(newRun(), p, body[len(body)-9:len(body)-1], asRequest); !ok || dst.Violations == nil {
		t.Errorf("no list: ok %v: %v", ok, said(dst))
	}
	if dst, ok = wholeReading(newRun(), p, []byte(`[{"k399":1}]`), asRequest); !ok || len(dst.Violations) > 0 {
		t.Errorf("ok %v: %v", ok, said(dst))
	}
}

func TestTextsOfManyAlternativesAreLookedUp(t *testing.T) {
	t.Parallel()
	p := NewPrograms().compile(mustSchema(t, `{"items":{"oneOf":[`+constants(50)+`,{"const":"c7"},{"type":"string","minLength":9},{"enum":["c8","c9"]}]}}`))
	run := newRun()
	for text, want := range map[string]bool{
		`["c1","c2","\u0063\u0033"]`: true, `["c7"]`: false, `["c8"]`: false, `["x"]`: false, `["123456789"]`: true, `[1]`: false, `["c49"]`: true, `["c50"]`: false,
	} {
		if run.verdict(t, p, []byte(text)); run.machine.ok() != want {
			t.Errorf("%s: got %v", text, !want)
		}
	}
}
