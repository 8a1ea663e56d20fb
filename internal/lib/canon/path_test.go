package canon

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// reasonOf is the reason of an error, "" of none.
func reasonOf(t testing.TB, err error) Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not an *Error", err)
	}
	return e.Reason
}

// pathCase is a line of testdata/paths.txt.
type pathCase struct {
	line               int
	reason             Reason // "" where the path is lawful
	raw, text, decoded string
}

func pathCases(t testing.TB) []pathCase {
	t.Helper()
	file, err := os.Open("testdata/paths.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var cases []pathCase
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		if word == "" || word == "#" {
			continue
		}
		c := pathCase{line: n, reason: Reason(word)}
		fields := []*string{&c.raw}
		if word == "ok" {
			c.reason = ""
			fields = append(fields, &c.text, &c.decoded)
		}
		for _, f := range fields {
			quoted, err := strconv.QuotedPrefix(strings.TrimSpace(rest))
			if err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
			rest = strings.TrimSpace(rest)[len(quoted):]
			if *f, err = strconv.Unquote(quoted); err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestEveryTrickOfTheTableIsAnswered(t *testing.T) {
	t.Parallel()
	cases := pathCases(t)
	if len(cases) < 200 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		got, err := Path(c.raw)
		if reasonOf(t, err) != c.reason || got.Text != c.text || got.Decoded != c.decoded {
			t.Errorf("line %d: %q gives %q %q %v, want %q %q %q", c.line, c.raw, got.Text, got.Decoded, err, c.text, c.decoded, c.reason)
		}
		if c.reason == "" {
			lawful(t, Options{}, c.raw, got)
		}
	}
	t.Logf("%d cases", len(cases))
}

func TestPathParametersNeedTheOption(t *testing.T) {
	t.Parallel()
	o := Options{Parameters: true}
	for raw, want := range map[string]Reason{
		"/a;b": "", "/a;x=1/b;y=2": "", "/;id=5": "", "/a;": "", "/a;..": "", "/a;.%2e": "", "/x;..;y": "",
		"/..;": DotSegment, "/..;/a": DotSegment, "/a/..;x=1/b": DotSegment, "/.;/a": DotSegment, "/%2e%2e;/a": DotSegment, "/%2e;a": DotSegment,
		"/..%3B;": DotSegment, "/a/%2E.;jsessionid=1": DotSegment, "/a;%2f": EncodedSlash, "/a;\\": Backslash, "/a;//b": EmptySegment,
	} {
		got, err := o.Path(raw)
		if reasonOf(t, err) != want {
			t.Errorf("%q: %v, want %q", raw, err, want)
		}
		if err == nil {
			lawful(t, o, raw, got)
		}
	}
}

func TestLimitsHoldToTheByte(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		options Options
		size    int
		want    Reason
	}{
		{Options{}, DefaultPathBytes, ""}, {Options{}, DefaultPathBytes + 1, Length}, {Options{PathBytes: 3}, 3, ""}, {Options{PathBytes: 3}, 4, Length},
	} {
		if _, err := c.options.Path("/" + strings.Repeat("a", c.size-1)); reasonOf(t, err) != c.want {
			t.Errorf("%d bytes: %v, want %q", c.size, err, c.want)
		}
	}
}

func TestAnErrorNamesThePlaceAndNeverTheText(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]int{"/hush%2Fx": 5, "/hush/../x": 6, "/hush//x": 6, "/a/%FFhush": 3, "hush": 0, "/hush\x00": 5, "/a/hush%252e": 3} {
		_, err := Path(raw)
		var e *Error
		if !errors.As(err, &e) || e.Offset != want || strings.Contains(e.Error(), "hush") {
			t.Errorf("%q: %v, want byte %d", raw, err, want)
		}
	}
}

func TestSegmentsAreDecodedOnce(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		"/": {""}, "/a": {"a"}, "/a/": {"a", ""}, "/a%20b/%3F": {"a b", "?"}, "/%25zz/c": {"%zz", "c"},
	} {
		c, err := Path(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(c.Segments()); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
	for range (Canonical{}).Segments() {
		t.Error("no path has no segments")
	}
	c, _ := Path("/a/b")
	for seg := range c.Segments() {
		if seg != "a" {
			t.Errorf("goes on to %q", seg)
		}
		break
	}
}

func TestRawGivesWhatAPartWasBeforeDecoding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, part, want string }{
		{"/a/b,c", "b,c", "b,c"}, {"/a/b%2cc,d/e", "b,c,d", "b%2Cc,d"}, {"/%C3%A9/x", "x", "x"}, {"/%C3%A9/x", "é", "%C3%A9"}, {"/a%20b", "/a b", "/a%20b"},
		{"/[x]", "[x]", "%5Bx%5D"}, {"/%61/%62", "b", "b"}, {"/a%20", "", ""},
	} {
		p, err := Path(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		at := strings.LastIndex(p.Decoded, c.part)
		if got := p.Raw(at, at+len(c.part)); got != c.want {
			t.Errorf("%q of %q: %q, want %q", c.part, c.raw, got, c.want)
		}
	}
	p, _ := Path("/a%20b")
	if p.Raw(-1, 2) != "" || p.Raw(2, 1) != "" || p.Raw(0, 99) != "" || p.Raw(4, 4) != "" {
		t.Error("offsets outside give text")
	}
}

// lawful holds what Path accepted against what it promises.
func lawful(t testing.TB, o Options, raw string, c Canonical) {
	t.Helper()
	again, err := o.Path(c.Text)
	if err != nil || again != c {
		t.Fatalf("%q: not idempotent: %q then %q, %v", raw, c.Text, again.Text, err)
	}
	for _, s := range []string{raw, c.Text} {
		if d, err := url.PathUnescape(s); err != nil || d != c.Decoded {
			t.Fatalf("%q decodes to %q, not %q: %v", s, d, c.Decoded, err)
		}
	}
	if c.Raw(0, len(c.Decoded)) != c.Text {
		t.Fatalf("%q: Raw of all is %q, not %q", raw, c.Raw(0, len(c.Decoded)), c.Text)
	}
	if strings.Count(c.Text, "/") != strings.Count(c.Decoded, "/") {
		t.Fatalf("%q: the segments changed", raw)
	}
	for i := range len(c.Text) {
		if b := c.Text[i]; b != '/' && b != '%' && !pchar(b) && !(b == ';' && o.Parameters) {
			t.Fatalf("%q: %q holds %q", raw, c.Text, b)
		}
	}
	upper := strings.ToUpper(c.Text)
	for _, never := range []string{"//", "%2F", "%5C", "%00", "%7F", "%0", "%1", "%41", "%2E", "%2D", "%7E", "%5F"} {
		if strings.Contains(upper, never) {
			t.Fatalf("%q: %q holds %s", raw, c.Text, never)
		}
	}
	harmless(t, raw, c)
}

// harmless holds the decoded form against the lists that the documentation of
// Path names, in the plainest way.
func harmless(t testing.TB, raw string, c Canonical) {
	t.Helper()
	if !utf8.ValidString(c.Decoded) || strings.ContainsAny(c.Decoded, "\\．／＼∕⁄․‥") {
		t.Fatalf("%q: the decoded form %q is not harmless", raw, c.Decoded)
	}
	for _, r := range c.Decoded {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == utf8.RuneError && !strings.Contains(raw, "%") {
			t.Fatalf("%q: the decoded form holds %U", raw, r)
		}
	}
	for seg := range c.Segments() {
		head, _, _ := strings.Cut(seg, ";")
		if head == "." || head == ".." {
			t.Fatalf("%q: dot segment", raw)
		}
		for i := range len(seg) {
			if seg[i] == '%' && i+2 < len(seg) {
				if _, ok := triplet(seg, i); ok {
					t.Fatalf("%q: %q would decode again", raw, seg)
				}
			}
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, c := range pathCases(f) {
		f.Add(c.raw, c.line%2)
	}
	fuzzloop.Run(f, func(t *testing.T, raw string, option int) {
		o := Options{Parameters: option%2 == 1}
		c, err := o.Path(raw)
		if err == nil {
			lawful(t, o, raw, c)
			return
		}
		if c != (Canonical{}) || reasonOf(t, err) == "" {
			t.Fatalf("%q: an error with a path or without a reason", raw)
		}
	})
}

func TestPropertiesHoldForPathsMadeOfTricks(t *testing.T) {
	t.Parallel()
	pieces := []string{"/", "a", ".", "%2e", ";", "%3B", "%25", "%32", "65", "%", "%2F", "\\", "%20", "%C3", "%A9", "%EF%BC%8E", "[", "%00", "é"}
	accepted := 0
	for a := range pieces {
		for b := range pieces {
			for c := range pieces {
				for d := range pieces {
					raw := "/" + pieces[a] + pieces[b] + pieces[c] + pieces[d]
					for _, o := range []Options{{}, {Parameters: true}} {
						if got, err := o.Path(raw); err == nil {
							accepted++
							lawful(t, o, raw, got)
						}
					}
				}
			}
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d were accepted", accepted)
	}
}

func TestTheCommonPathDoesNotAllocate(t *testing.T) {
	pairs := make([]Pair, 0, 8)
	for name, f := range map[string]func() error{
		"path":  func() error { _, err := Path("/repos/acme/rocket/issues/42/.well-known/"); return err },
		"query": func() error { _, err := Query("page=2&per_page=50&sort=created&q=a-b", pairs); return err },
		"split": func() error { _, err := Split("GET", "/a/b?c=d"); return err },
		"name":  func() error { return FieldName("Content-Type") },
		"value": func() error { return FieldValue("application/json; charset=utf-8") },
	} {
		if n := testing.AllocsPerRun(100, func() {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkPath(b *testing.B) {
	for name, raw := range map[string]string{"plain": "/repos/acme/rocket/issues/42/comments", "encoded": "/repos/acme/r%C3%B6cket/issues/42/a%20b"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Path(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkQuery(b *testing.B) {
	pairs := make([]Pair, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Query("page=2&per_page=50&sort=created&q=a-b", pairs); err != nil {
			b.Fatal(err)
		}
	}
}

func ExamplePath() {
	for _, raw := range []string{"/users/%61da", "/users/../admin"} {
		c, err := Path(raw)
		fmt.Println(c.Text, err)
	}
	// Output:
	// /users/ada <nil>
	//  canonical form: dot-segment at byte 7
}
