package netx

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/source"
)

func TestMain(m *testing.M) { mainTest(m) }

func TestParseListenReadsWhatTheManualNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Listen{
		"https://api.acme.com":       {Scheme: TLS, Host: "api.acme.com", Port: 443},
		"https://API.Acme.com:8443/": {Scheme: TLS, Host: "api.acme.com", Port: 8443},
		"https://127.0.0.1:8443":     {Scheme: TLS, Host: "127.0.0.1", Port: 8443},
		"https://[::1]:8443":         {Scheme: TLS, Host: "::1", Port: 8443},
		"https://0.0.0.0:443":        {Scheme: TLS, Host: "0.0.0.0", Port: 443},
		"https://:8443":              {Scheme: TLS, Port: 8443},
		"https://127.0.0.1:0":        {Scheme: TLS, Host: "127.0.0.1"},
		"http://localhost:8080":      {Host: "localhost", Port: 8080},
		"http://127.0.0.9":           {Host: "127.0.0.9", Port: 80},
		"http://[::1]":               {Host: "::1", Port: 80},
		"unix:///run/sallyport/sock": {Socket: "/run/sallyport/sock"},
	} {
		got, err := ParseListen(text)
		if err != nil || got != want {
			t.Errorf("ParseListen(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestParseListenRefusesWithCodeAndHint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]source.Code{
		"":                              CodeBadURL,
		":8443":                         CodeBadURL,
		"127.0.0.1:8443":                CodeBadURL,
		"ftp://127.0.0.1":               CodeBadURL,
		"https://u:p@127.0.0.1":         CodeBadURL,
		"https://127.0.0.1/api":         CodeBadURL,
		"https://127.0.0.1?x":           CodeBadURL,
		"https://127.0.0.1#":            CodeBadURL,
		"https://127.0.0.1:":            CodeBadURL,
		"https://127.0.0.1:70000":       CodeBadURL,
		"https://127.0.0.1:+80":         CodeBadURL,
		"https://::1:8443":              CodeBadURL,
		"https://[127.0.0.1]":           CodeBadURL,
		"https://[fe80::1%25eth0]:443":  CodeBadHost,
		"https://a_b.example":           CodeBadHost,
		"https://*:8443":                CodeBadHost,
		"https://bücher.example":        CodeBadHost,
		"https://127.1":                 CodeBadHost,
		"https://2130706433":            CodeBadHost,
		"https://0x7f000001":            CodeBadHost,
		"http://api.acme.com":           CodePlainHTTP,
		"http://0.0.0.0:80":             CodePlainHTTP,
		"http://:80":                    CodePlainHTTP,
		"http://localhost.evil.example": CodePlainHTTP,
		"http://10.0.0.1":               CodePlainHTTP,
		"unix://run/x":                  CodeBadURL,
		"unix:///run/../x":              CodeBadURL,
		"unix:///run/x/":                CodeBadURL,
		"unix:///" + strings.Repeat("a", maxSocketPath): CodeBadURL,
	} {
		_, err := ParseListen(text)
		var d source.Diagnostic
		if !errors.As(err, &d) || d.Code != want || d.Hint == "" || d.Text == "" {
			t.Errorf("ParseListen(%q): %#v, want code %s and a hint", text, err, want)
		}
	}
}

func TestPlainHTTPBehindListedProxiesIsMarked(t *testing.T) {
	t.Parallel()
	trusted, err := ParseTrusted([]string{"10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := ParseListenBehind("http://0.0.0.0:8080", trusted)
	if err != nil || !l.Proxied {
		t.Errorf("got %+v, %v; want a Proxied listener", l, err)
	}
	if l, err = ParseListenBehind("http://127.0.0.1:8080", trusted); err != nil || l.Proxied {
		t.Errorf("got %+v, %v; loopback needs no proxy", l, err)
	}
}

func TestNamesAreWhatACertificateMustHave(t *testing.T) {
	t.Parallel()
	loop := []string{"localhost", "127.0.0.1", "::1"}
	for text, want := range map[string][]string{
		"https://api.acme.com":  {"api.acme.com"},
		"https://10.0.0.5:8443": {"10.0.0.5"},
		"https://127.0.0.1":     loop,
		"https://localhost":     loop,
		"https://0.0.0.0":       loop,
		"https://[::]:443":      loop,
		"https://:443":          loop,
		"https://127.0.0.7":     append(loop[:3:3], "127.0.0.7"),
		"unix:///run/x":         nil,
	} {
		l, err := ParseListen(text)
		if diff := cmp.Diff(want, l.Names()); err != nil || diff != "" {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
}

func TestParseBindTakesHostAndPort(t *testing.T) {
	t.Parallel()
	l, err := ParseBind("127.0.0.1:9443")
	if err != nil || l != (Listen{Scheme: TLS, Host: "127.0.0.1", Port: 9443}) {
		t.Errorf("got %+v, %v", l, err)
	}
	for _, text := range []string{"", "127.0.0.1", "https://127.0.0.1:1", "a b:1", "::1:9443", "u@h:1"} {
		if l, err := ParseBind(text); err == nil {
			t.Errorf("ParseBind(%q) = %+v, want an error", text, l)
		}
	}
}

func FuzzParseListenNeverTakesPlainHTTPFromAfar(f *testing.F) {
	for _, s := range []string{"https://api.acme.com", "http://127.0.0.1:1", "http://[::1]", "unix:///x", "http://localhost", "http://127.1"} {
		f.Add(s)
	}
	fuzzloop.Run(f, func(t *testing.T, text string) {
		l, err := ParseListen(text)
		if err != nil {
			var d source.Diagnostic
			if !errors.As(err, &d) || d.Hint == "" {
				t.Fatalf("%q: no diagnostic with a hint: %v", text, err)
			}
			return
		}
		if l.Scheme == Plain && !l.Loopback() {
			t.Fatalf("%q: plain HTTP on %+v", text, l)
		}
		again, err := ParseListen(l.String())
		if err != nil || again != l {
			t.Fatalf("%q: %+v printed as %s reads as %+v, %v", text, l, l, again, err)
		}
	})
}

func TestEachCodeHasItsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../help/pages/listen.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []source.Code{CodeBadURL, CodeBadHost, CodePlainHTTP, CodePortInUse, CodePrivilegedPort, CodeNoAddress, CodeSocket, CodeTrustedProxy} {
		if !strings.Contains(string(page), "\n## "+string(c)+"\n") {
			t.Errorf("no page for %s", c)
		}
	}
}
