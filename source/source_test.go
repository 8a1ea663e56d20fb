package source

import (
	"strings"
	"testing"
)

func TestDiagnosticShowsLineCaretAndHint(t *testing.T) {
	t.Parallel()
	d := Diagnostic{
		At: Span{"orders.yaml", 41, 9}, Code: "massassign/server-owned",
		Text: `property "role" is writable, but only the server may set it`,
		Hint: "add readOnly: true", Line: "        role: {type: string}",
	}
	want := `orders.yaml:41:9: error massassign/server-owned: property "role" is writable, but only the server may set it
   41 |         role: {type: string}
      |         ^ add readOnly: true`
	if got := d.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheCaretCountsCharacters(t *testing.T) {
	t.Parallel()
	d := Diagnostic{At: Span{"x", 1, 9}, Line: "naïve: 日x", Hint: "here"}
	lines := strings.Split(d.String(), "\n")
	if at := strings.IndexByte(lines[2], '^'); at != len("    1 | ")+len([]rune("naïve: ")) {
		t.Errorf("the caret stands at %d:\n%s", at, d)
	}
}

func TestAHostileLineCannotWriteToTheTerminal(t *testing.T) {
	t.Parallel()
	d := Diagnostic{At: Span{"x", 1, 5000}, Line: strings.Repeat("a", 4990) + "\x1b[31m\u202e!"}
	out := d.String()
	if strings.ContainsAny(out, "\x1b\u202e") || len(out) > 600 {
		t.Errorf("control characters or an endless line are printed: %q", out)
	}
}

func TestListIsAnErrorOnlyWithAnError(t *testing.T) {
	t.Parallel()
	var l List
	l.Add(Diagnostic{Severity: Warning})
	if l.Err() != nil {
		t.Error("a warning alone must not be an error")
	}
	for range 2 * MaxList {
		l.Add(Diagnostic{Severity: Error})
	}
	if l.Err() == nil || len(l) != MaxList || !l.Full() {
		t.Errorf("want a full list that is an error, got %d", len(l))
	}
}

func TestNear(t *testing.T) {
	t.Parallel()
	words := []string{"upstream", "openapi", "mode", "apis", "owner"}
	for in, want := range map[string]string{"upsteam": "upstream", "OpenAPI": "openapi", "moed": "mode", "zebra": "", "api": "apis", "ower": "owner", "": ""} {
		if got := Near(in, words); got != want {
			t.Errorf("Near(%q) = %q, want %q", in, got, want)
		}
	}
}
