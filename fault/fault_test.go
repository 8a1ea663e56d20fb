package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

func TestAProblemIsAnRFC9457Document(t *testing.T) {
	t.Parallel()
	p := Problem{Code: "request/body", Status: 400, Title: "The body breaks the contract", ID: "01JD", Details: []Detail{
		{In: "body", Pointer: "/a~1b", Rule: "maxLength"}, {In: "query", Name: "limit", Rule: "type"},
	}}
	want := `{"type":"urn:sallyport:request/body","title":"The body breaks the contract","status":400,"instance":"urn:sallyport:decision:01JD","code":"request/body","errors":[{"in":"body","pointer":"/a~1b","rule":"maxLength"},{"in":"query","name":"limit","rule":"type"}]}` + "\n"
	if got := string(p.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDetailsAreBounded(t *testing.T) {
	t.Parallel()
	p := Problem{Details: make([]Detail, 1000)}
	if n := strings.Count(string(p.Append(nil)), `"rule"`); n != MaxDetails {
		t.Errorf("%d details", n)
	}
}

func FuzzStringsAreEscaped(f *testing.F) {
	f.Add("<script>\u2028\x00\xff\"\\")
	fuzzloop.Run(f, func(t *testing.T, s string) {
		out := (&Problem{Title: s, Details: []Detail{{Name: s, Rule: s}}}).Append(nil)
		var back map[string]any
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("not JSON: %v: %q", err, out)
		}
		if !utf8.Valid(out) || strings.ContainsAny(string(out), "<>&'\x7f") {
			t.Errorf("unsafe output %q", out)
		}
	})
}

func TestTheCauseStaysPrivate(t *testing.T) {
	t.Parallel()
	f := New(Upstream, 502, "upstream failed").Because(io.ErrUnexpectedEOF)
	if !errors.Is(f, io.ErrUnexpectedEOF) || !strings.Contains(f.Error(), "unexpected EOF") {
		t.Error("the cause is lost")
	}
	if got := Of(fmt.Errorf("while serving: %w", f)); got != f {
		t.Error("Of must find the fault")
	}
	hidden := Of(errors.New("secret detail"))
	if hidden.Status != 500 || hidden.Title != "internal error" || hidden.Code != Internal {
		t.Errorf("an error without a code becomes %+v", hidden)
	}
}
