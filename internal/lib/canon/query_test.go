package canon

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

func TestAQueryIsSplitByAmpersandsAlone(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]Pair{
		"":          nil,
		"&":         nil,
		"a=1":       {{Name: "a", Value: "1", RawName: "a", RawValue: "1"}},
		"a":         {{Name: "a", RawName: "a", Bare: true}},
		"a=":        {{Name: "a", RawName: "a"}},
		"=a":        {{Value: "a", RawValue: "a"}},
		"=":         {{}},
		"a=b=c":     {{Name: "a", Value: "b=c", RawName: "a", RawValue: "b=c"}},
		"a;b=1;c=2": {{Name: "a;b", Value: "1;c=2", RawName: "a%3Bb", RawValue: "1%3Bc=2"}},
		"a+b=c+d":   {{Name: "a b", Value: "c d", RawName: "a+b", RawValue: "c+d"}},
		"a=%2b+%26": {{Name: "a", Value: "+ &", RawName: "a", RawValue: "%2B+%26"}},
		"%61=%3d":   {{Name: "a", Value: "=", RawName: "%61", RawValue: "%3D"}},
		"a=%0A%7F":  {{Name: "a", Value: "\n\x7f", RawName: "a", RawValue: "%0A%7F"}},
		"a=%2561":   {{Name: "a", Value: "%61", RawName: "a", RawValue: "%2561"}},
		"f[x]={|}^": {{Name: "f[x]", Value: "{|}^", RawName: "f[x]", RawValue: "{|}^"}},
		"u=/a?b:@":  {{Name: "u", Value: "/a?b:@", RawName: "u", RawValue: "/a?b:@"}},
		"&a&&b=1&": {
			{Name: "a", RawName: "a", Bare: true},
			{Name: "b", Value: "1", RawName: "b", RawValue: "1"},
		},
		"a=1&b&a=2&%61": {
			{Name: "a", Value: "1", RawName: "a", RawValue: "1"},
			{Name: "b", RawName: "b", Bare: true},
			{Name: "a", Value: "2", RawName: "a", RawValue: "2", Nth: 1},
			{Name: "a", RawName: "%61", Bare: true, Nth: 2},
		},
		"a=%c3%a9": {{Name: "a", Value: "é", RawName: "a", RawValue: "%C3%A9"}},
	} {
		q, err := Query(raw, nil)
		if err != nil {
			t.Errorf("%q: %v", raw, err)
			continue
		}
		if diff := cmp.Diff(want, q.Pairs); diff != "" {
			t.Errorf("%q: %s", raw, diff)
		}
		if want := len(q.Pairs) - distinct(q.Pairs); q.Duplicates != want {
			t.Errorf("%q: %d duplicates, want %d", raw, q.Duplicates, want)
		}
		sound(t, raw, q)
	}
}

func distinct(pairs []Pair) int {
	seen := map[string]bool{}
	for _, p := range pairs {
		seen[p.Name] = true
	}
	return len(seen)
}

func TestABrokenQueryIsRefused(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("a&", DefaultPairs-1)
	for raw, want := range map[string]Reason{
		"a=%": Percent, "a=%1": Percent, "a=%zz": Percent, "%": Percent, "a=%2&b": Percent, "a=%u0041": Percent,
		"a=%00": Control, "%00=a": Control, "a=\x00": Control, "a=\n": Control, "a=\x7f": Control, "a=b c": Space, " ": Space,
		"a=é": NonASCII, "é": NonASCII, "a=\xff": NonASCII, "a#b": Fragment, "#": Fragment,
		"a=%FF": UTF8, "%FF=a": UTF8, "a=%C0%AF": UTF8, "a=%C3&b=%A9": UTF8, "a=%ED%A0%80": UTF8,
		many + "b": "", many + "b&": Pairs, many + "b&c": Pairs, strings.Repeat("&", DefaultPairs): Pairs,
		strings.Repeat("a", DefaultQueryBytes): "", strings.Repeat("a", DefaultQueryBytes+1): Length,
	} {
		q, err := Query(raw, nil)
		if reasonOf(t, err) != want {
			t.Errorf("%.20q: %v, want %q", raw, err, want)
		}
		if err != nil && (q.Text != "" || q.Pairs != nil) {
			t.Errorf("%.20q: an error with pairs", raw)
		}
	}
	if _, err := (Options{Pairs: 1}).Query("a&b", nil); reasonOf(t, err) != Pairs {
		t.Errorf("the limit of one pair: %v", err)
	}
	if _, err := (Options{QueryBytes: 2}).Query("abc", nil); reasonOf(t, err) != Length {
		t.Errorf("the limit of two bytes: %v", err)
	}
}

func TestRoomForPairsIsReused(t *testing.T) {
	t.Parallel()
	q, err := Query("a=1&b=2&c=3", nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Query("d=4", q.Pairs)
	if err != nil || len(again.Pairs) != 1 || again.Pairs[0].Name != "d" || &again.Pairs[0] != &q.Pairs[0] {
		t.Errorf("%v %v", again, err)
	}
}

// sound holds what Query accepted against what it promises, with net/url as
// the oracle where the two grammars meet.
func sound(t testing.TB, raw string, q QueryString) {
	t.Helper()
	again, err := Query(q.Text, nil)
	if err != nil || again.Text != q.Text || len(again.Pairs) != len(q.Pairs) {
		t.Fatalf("%q: not idempotent: %q %v", raw, again.Text, err)
	}
	if plain := strings.ReplaceAll(raw, ";", "%3B"); len(q.Text) != len(plain) || !strings.EqualFold(q.Text, plain) {
		t.Fatalf("%q became %q", raw, q.Text)
	}
	got := map[string][]string{}
	for _, p := range q.Pairs {
		if !utf8.ValidString(p.Name) || !utf8.ValidString(p.Value) || strings.ContainsRune(p.Name+p.Value, 0) {
			t.Fatalf("%q: a pair is not text", raw)
		}
		if len(got[p.Name]) != p.Nth {
			t.Fatalf("%q: Nth is %d, want %d", raw, p.Nth, len(got[p.Name]))
		}
		got[p.Name] = append(got[p.Name], p.Value)
	}
	want, err := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B")) // net/url refuses a bare one
	if err != nil {
		t.Fatalf("%q: net/url refuses it: %v", raw, err)
	}
	if diff := cmp.Diff(map[string][]string(want), got); diff != "" {
		t.Fatalf("%q: %s", raw, diff)
	}
}

func TestWhatGoesUpstreamKeepsTheLimitToo(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]Reason{DefaultQueryBytes / 3: "", DefaultQueryBytes/3 + 1: Length} {
		if _, err := Query(strings.Repeat(";", n), nil); reasonOf(t, err) != want {
			t.Errorf("%d semicolons: %v", n, err)
		}
	}
	for n, want := range map[int]Reason{(DefaultPathBytes - 1) / 3: "", (DefaultPathBytes-1)/3 + 1: Length} {
		if _, err := Path("/" + strings.Repeat("^", n)); reasonOf(t, err) != want {
			t.Errorf("%d carets: %v", n, err)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "a=1&b=2", "a=%c3%a9", "a;b=+", "&&=&", "%00", "%zz", "a=%FF", "[x]=\"<>\\"} {
		f.Add(s)
	}
	fuzzloop.Run(f, func(t *testing.T, raw string) {
		if q, err := Query(raw, nil); err == nil {
			sound(t, raw, q)
		} else if reasonOf(t, err) == "" {
			t.Fatal("no reason")
		}
	})
}

func TestFieldNamesAreTokens(t *testing.T) {
	t.Parallel()
	const tchar = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		err := FieldName("a" + string([]byte{byte(c)}))
		if (err == nil) != strings.Contains(tchar, string([]byte{byte(c)})) {
			t.Errorf("byte %#x: %v", c, err)
		}
	}
	if reasonOf(t, FieldName("")) != Empty || reasonOf(t, FieldName("a b")) != Token {
		t.Error("the reasons are wrong")
	}
}

func TestFieldValuesHoldNoControls(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		value := "a" + string([]byte{byte(c)}) + "b"
		lawful := c == '\t' || c >= 0x20 && c != 0x7f
		if err := FieldValue(value); (err == nil) != lawful {
			t.Errorf("FieldValue, byte %#x: %v", c, err)
		}
		if err := FieldText(value); (err == nil) != (lawful && c < 0x80) {
			t.Errorf("FieldText, byte %#x: %v", c, err)
		}
	}
	for value, want := range map[string]Reason{
		"": "", "a b": "", " a": Whitespace, "a\t": Whitespace, " ": Whitespace, "a\r\nb": Control, "a\x00": Control, "\n": Control,
	} {
		if got := reasonOf(t, FieldValue(value)); got != want {
			t.Errorf("FieldValue(%q): %q, want %q", value, got, want)
		}
		if got := reasonOf(t, FieldText(value)); got != want {
			t.Errorf("FieldText(%q): %q, want %q", value, got, want)
		}
	}
}

func TestTargetsHaveTheFourFormsOfRFC9112(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, target string
		want           Target
		reason         Reason
	}{
		{"GET", "/", Target{Path: "/"}, ""},
		{"GET", "/a?b?c", Target{Path: "/a", Query: "b?c", HasQuery: true}, ""},
		{"GET", "/a?", Target{Path: "/a", HasQuery: true}, ""},
		{"GET", "//evil.example/a", Target{Path: "//evil.example/a"}, ""}, // Path refuses it
		{"GET", "http://h/a?b", Target{Scheme: "http", Authority: "h", Path: "/a", Query: "b", HasQuery: true}, ""},
		{"GET", "HTTPS://h:8443", Target{Scheme: "https", Authority: "h:8443", Path: "/"}, ""},
		{"GET", "http://[::1]:80?x", Target{Scheme: "http", Authority: "[::1]:80", Path: "/", Query: "x", HasQuery: true}, ""},
		{"OPTIONS", "*", Target{Asterisk: true}, ""},
		{"CONNECT", "h:443", Target{Authority: "h:443"}, ""},
		{"GET", "", Target{}, Empty},
		{"GET", "*", Target{}, Form},
		{"GET", "a", Target{}, Relative},
		{"GET", "ftp://h/", Target{}, Form},
		{"GET", "http:///a", Target{}, Empty},
		{"GET", "http://u:p@h/", Target{}, Userinfo},
		{"GET", "http://h\\@e/", Target{}, Backslash},
		{"GET", "http://h%2e/", Target{}, Character},
		{"GET", "http://h#x", Target{Scheme: "http", Authority: "h", Path: "#x"}, ""}, // Path refuses it
		{"GET", "http://h x/", Target{}, Space},
		{"GET", "http://é/", Target{}, NonASCII},
		{"CONNECT", "h/a", Target{}, Character},
		{"CONNECT", "", Target{}, Empty},
	} {
		t.Run(fmt.Sprintf("%s %q", c.method, c.target), func(t *testing.T) {
			t.Parallel()
			got, err := Split(c.method, c.target)
			if reasonOf(t, err) != c.reason {
				t.Errorf("%v, want %q", err, c.reason)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReasonsAreShortStableWords(t *testing.T) {
	t.Parallel()
	seen := map[Reason]bool{}
	for _, c := range pathCases(t) {
		seen[c.reason] = true
	}
	for _, r := range []Reason{
		Empty, Relative, EmptySegment, DotSegment, EncodedSlash, Backslash, Control, Space, DoubleEncoding, Percent, UTF8, NonASCII, Lookalike,
		Parameter, Fragment, Character,
	} {
		if !seen[r] {
			t.Errorf("no path of the table is refused as %q", r)
		}
		if strings.ContainsFunc(string(r), func(c rune) bool { return !slices.Contains([]rune("abcdefghijklmnopqrstuvwxyz-8"), c) }) {
			t.Errorf("%q is not a word", r)
		}
	}
}
