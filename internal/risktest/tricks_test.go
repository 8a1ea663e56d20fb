package risktest

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
)

// TestTricksDoNotReachTheUpstream sends what slips past gateways that look at
// requests less strictly than upstreams act on them. The contract is the one
// of the request world: closed orders with a quantity of 1 to 9.
func TestTricksDoNotReachTheUpstream(t *testing.T) {
	t.Parallel()
	worlds, err := Worlds(t.Context(), "../../risks/request/testdata")
	if err != nil || len(worlds) == 0 {
		t.Fatal(worlds, err)
	}
	var reached atomic.Int64
	f, err := NewFort(worlds[0].Contract, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"quantity":1}`))
	}), risks.All())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	c := &client{s: f.Server}
	json := risk.Field{Name: "Content-Type", Value: "application/json"}
	as := func(media string) risk.Fields { return risk.Fields{{Name: "Content-Type", Value: media}} }
	const lawful = `{"quantity":1}`
	for _, a := range []struct {
		name, method, path string
		fields             risk.Fields
		body               string
		want               string // status and code; "201" passes
	}{
		{"the lawful order", "POST", "/orders", risk.Fields{json}, lawful, "201"},
		{"with a charset that is UTF-8", "POST", "/orders", as(`application/json; charset="UTF-8"`), lawful, "201"},
		{"in capitals", "POST", "/orders", as("APPLICATION/JSON"), lawful, "201"},

		{"a charset that hides", "POST", "/orders", as("application/json; charset=utf-7"), lawful, "400 parser/charset"},
		{"a charset of two bytes", "POST", "/orders", as("application/json; charset=utf-16"), lawful, "400 parser/charset"},
		{"two types", "POST", "/orders", append(as("application/json"), as("text/plain")...), lawful, "400 header/duplicate"},
		{"no type", "POST", "/orders", nil, lawful, "415 undeclared/media-type"},
		{"a form", "POST", "/orders", as("application/x-www-form-urlencoded"), "quantity=1", "415 undeclared/media-type"},
		{"JSON of another name", "POST", "/orders", as("application/vnd.api+json"), lawful, "415 undeclared/media-type"},
		{"a blank in the type", "POST", "/orders", as("application/ json"), lawful, "415 undeclared/media-type"},
		{"a body on a read", "GET", "/orders", risk.Fields{json}, lawful, "415 undeclared/media-type"},
		{"a body on a deletion", "DELETE", "/orders/1", risk.Fields{json}, lawful, "415 undeclared/media-type"},
		{"a coded body", "POST", "/orders", risk.Fields{json, {Name: "Content-Encoding", Value: "gzip"}}, lawful, "415 gateway/body-encoding"},
		{"no body", "POST", "/orders", risk.Fields{json}, "", "400 request/body"},

		{"a name twice", "POST", "/orders", risk.Fields{json}, `{"quantity":1,"quantity":99}`, "400 request/syntax"},
		{"a name twice, once escaped", "POST", "/orders", risk.Fields{json}, `{"quantity":1,"\u0071uantity":99}`, "400 request/syntax"},
		{"a comment", "POST", "/orders", risk.Fields{json}, `{"quantity":1/**/}`, "400 request/syntax"},
		{"something behind", "POST", "/orders", risk.Fields{json}, lawful + `{"quantity":99}`, "400 request/syntax"},
		{"a byte order mark", "POST", "/orders", risk.Fields{json}, "\xef\xbb\xbf" + lawful, "400 request/syntax"},
		{"broken UTF-8", "POST", "/orders", risk.Fields{json}, "{\"quantity\":1,\"note\":\"\xff\"}", "400 request/syntax"},
		{"a lone surrogate", "POST", "/orders", risk.Fields{json}, `{"quantity":1,"note":"\ud800"}`, "400 request/syntax"},
		{"too deep", "POST", "/orders", risk.Fields{json}, strings.Repeat("[", 10000), "400 request/syntax"},
		{"a text for a number", "POST", "/orders", risk.Fields{json}, `{"quantity":"1"}`, "400 request/body"},
		{"a number out of bounds", "POST", "/orders", risk.Fields{json}, `{"quantity":10}`, "400 request/body"},
		{"a number just over an integer", "POST", "/orders", risk.Fields{json}, `{"quantity":9.00000000000000000000001}`, "400 request/body"},
		{"a number that overflows", "POST", "/orders", risk.Fields{json}, `{"quantity":1e400}`, "400 parser/number"},
		{"another case", "POST", "/orders", risk.Fields{json}, `{"quantity":1,"Total":5}`, "400 request/body"},
		{"a member of the prototype", "POST", "/orders", risk.Fields{json}, `{"quantity":1,"__proto__":{"admin":true}}`, "400 request/body"},
		{"a member of the server", "POST", "/orders", risk.Fields{json}, `{"quantity":1,"total":5}`, "400 massassign/read-only"},
		{"a list of orders", "POST", "/orders", risk.Fields{json}, `[{"quantity":1}]`, "400 request/body"},
		{"a text too long", "POST", "/orders", risk.Fields{json}, `{"quantity":1,"note":"` + strings.Repeat("é", 21) + `"}`, "400 request/body"},

		{"an id that is no number", "GET", "/orders/1%20OR%201", nil, "", "400 request/parameter"},
		{"an id out of bounds", "GET", "/orders/0", nil, "", "400 request/parameter"},
		{"an id in other digits", "GET", "/orders/%D9%A1", nil, "", "400 request/parameter"},
		{"a path that climbs", "GET", "/orders/../internal", nil, "", "4xx"},
		{"a path that climbs, encoded", "GET", "/orders/%2e%2e/internal", nil, "", "4xx"},
		{"a slash, encoded", "GET", "/orders/1%2Fadmin", nil, "", "4xx"},
		{"a path parameter", "GET", "/orders/1;admin=1", nil, "", "4xx"},
		{"an empty segment", "GET", "/orders//1", nil, "", "4xx"},
		{"another case of the path", "GET", "/Orders/1", nil, "", "404 undeclared/path"},
		{"a suffix", "GET", "/orders/1.json", nil, "", "400 request/parameter"},
		{"a slash behind", "GET", "/orders/", nil, "", "4xx"},
		{"a parameter that nobody declared", "GET", "/orders?debug=1", nil, "", "400 undeclared/parameter"},
		{"a method in the query", "POST", "/orders?_method=DELETE", risk.Fields{json}, lawful, "400 undeclared/parameter"},
		{"a method in a field", "POST", "/orders", risk.Fields{json, {Name: "X-HTTP-Method-Override", Value: "DELETE"}}, lawful, "400 methods/override"},
		{"a method that nobody declared", "PUT", "/orders/1", risk.Fields{json}, lawful, "405 methods/undeclared"},
		{"a method in another case", "get", "/orders", nil, "", "405 methods/undeclared"},
		{"an invented method", "DEBUG", "/orders", nil, "", "405 methods/undeclared"},
		{"TRACE", "TRACE", "/orders", nil, "", "405 methods/undeclared"},
		{"a second key", "GET", "/orders", risk.Fields{{Name: "x-api-key", Value: "other"}}, "", "400 header/duplicate"},
	} {
		before := reached.Load()
		try := risk.Attempt{As: "alice", Method: a.method, Fields: a.fields, Body: []byte(a.body)}
		try.Path, try.Query, _ = strings.Cut(a.path, "?")
		seen, err := c.send(t.Context(), &try)
		if err != nil {
			t.Errorf("%s: %v", a.name, err)
			continue
		}
		status, code, _ := strings.Cut(a.want, " ")
		passes := status == "201"
		text := string(seen.Body)
		switch {
		case passes != (reached.Load() > before):
			t.Errorf("%s: reached the upstream: %v; got %d %s", a.name, !passes, seen.Status, text)
		case status == "4xx" && seen.Status/100 != 4, status != "4xx" && seen.Status != number(status):
			t.Errorf("%s: got %d %s, want %s", a.name, seen.Status, text, a.want)
		case code != "" && !strings.Contains(text, `"code":"`+code+`"`):
			t.Errorf("%s: got %d %s, want %s", a.name, seen.Status, text, a.want)
		}
	}
}

func number(s string) (n int) {
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}
