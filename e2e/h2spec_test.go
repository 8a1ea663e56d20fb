package e2e

import (
	"encoding/xml"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// h2Document declares what h2spec asks for, open to all.
const h2Document = `openapi: 3.1.0
info: {title: h2spec, version: "1"}
paths:
  /:
    get:
      security: []
      responses: {"200": {description: ok}}
    head:
      security: []
      responses: {"200": {description: ok}}
    post:
      security: []
      requestBody: {content: {application/octet-stream: {schema: {type: string, format: binary}}}}
      responses: {"200": {description: ok}}
`

// deviations are the cases of h2spec that the gateway does not pass, each with
// the line of the RFC that allows it.
var deviations = map[string]string{
	"http2/8.1.2.2: Sends a HEADERS frame that contains the connection-specific header field":                       `answered with 400: RFC 9113 section 8.1.1, "For malformed requests, a server MAY send an HTTP response prior to closing or resetting the stream"`,
	"http2/8.1.2.2: Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"": `answered with 400: RFC 9113 section 8.1.1, as above`,
}

// races are cases that h2spec sends in two writes. Where the reply is ready
// between them, it ends the stream with RST_STREAM (NO_ERROR), as RFC 9113
// section 8.1 has it, and h2spec takes that for its answer. They get two more
// turns.
var races = map[string]string{
	"http2/6.3: Sends a PRIORITY frame with a length other than 5 octets": "http2/6.3/2",
}

// TestHTTP2IsSpokenAsTheRFCSays lets h2spec speak to the gateway, strict cases
// included.
func TestHTTP2IsSpokenAsTheRFCSays(t *testing.T) {
	tool := need(t, "../.cache/bin/h2spec", "tool/setup")
	need(t, "../bin/sallyport", "make build")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write([]byte("hello"))
	}))
	t.Cleanup(server.Close)
	document := filepath.Join(t.TempDir(), "openapi.yaml")
	if err := os.WriteFile(document, []byte(h2Document), 0o600); err != nil {
		t.Fatal(err)
	}
	gate := guard(t, server.URL, document)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(gate.base, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "h2spec.xml")
	out, err := exec.CommandContext(t.Context(), tool, "-t", "-k", "-S", "-h", host, "-p", port, "-j", report).CombinedOutput()
	text, oops := os.ReadFile(report)
	if oops != nil {
		t.Fatalf("h2spec wrote no report: %v %v\n%s", err, oops, out)
	}
	var suites struct {
		Suites []struct {
			Cases []struct {
				Package string    `xml:"package,attr"`
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	passed, all := 0, 0
	for _, s := range suites.Suites {
		for _, c := range s.Cases {
			name := c.Package + ": " + c.Name
			all++
			switch {
			case c.Failure == nil && c.Error == nil && c.Skipped == nil:
				passed++
			case deviations[name] != "":
				t.Logf("%s: %s", name, deviations[name])
			case races[name] != "" && slices.ContainsFunc([]int{2, 3}, func(int) bool {
				return exec.CommandContext(t.Context(), tool, "-t", "-k", "-S", "-h", host, "-p", port, races[name]).Run() == nil
			}):
				t.Logf("%s: passed in another turn", name)
				passed++
			default:
				t.Errorf("%s: failed", name)
			}
		}
	}
	t.Logf("h2spec: %d of %d cases pass", passed, all)
	if all < 140 {
		t.Errorf("only %d cases ran\n%s", all, out)
	}
}
