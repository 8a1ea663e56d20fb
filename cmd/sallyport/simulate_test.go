package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// sent is a request in the form that tests compare.
func sent(r app.Request) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Target + " @" + r.Host + "\n")
	if err := r.Fields.Write(&b); err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(b.String(), "\r\n", "\n") + "\n" + string(r.Body)
}

const curlFields = "Accept: */*\n"

func TestACurlLineIsTheRequestThatCurlSends(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, want string }{
		"a plain call":                      {`curl https://a.example/orders/42`, "GET /orders/42 @a.example\n" + curlFields + "User-Agent: curl\n\n"},
		"a prompt and lines that go on":     {"$ curl \\\n  -X DELETE \\\r\n  'https://a.example/orders/42?x=1&y=2#f'", "DELETE /orders/42?x=1&y=2 @a.example\n" + curlFields + "User-Agent: curl\n\n"},
		"no scheme and no path":             {`curl localhost:8080`, "GET / @localhost:8080\n" + curlFields + "User-Agent: curl\n\n"},
		"data makes a form":                 {`curl a.example/x -d a=1 --data b=2`, "POST /x @a.example\n" + curlFields + "Content-Type: application/x-www-form-urlencoded\nUser-Agent: curl\n\na=1&b=2"},
		"raw data may begin with @":         {`curl a.example --data-raw '@me' -XPUT`, "PUT / @a.example\n" + curlFields + "Content-Type: application/x-www-form-urlencoded\nUser-Agent: curl\n\n@me"},
		"json":                              {`/usr/bin/curl --json '{"a":"it'\''s"}' a.example`, "POST / @a.example\nAccept: application/json\nContent-Type: application/json\nUser-Agent: curl\n\n{\"a\":\"it's\"}"},
		"a type of its own":                 {`curl -H 'content-type: application/json' -d "{\"a\":1}" a.example`, "POST / @a.example\n" + curlFields + "Content-Type: application/json\nUser-Agent: curl\n\n{\"a\":1}"},
		"data in the query":                 {`curl -G a.example/x?p=0 -d q=1 --data-urlencode 'r=a b&c'`, "GET /x?p=0&q=1&r=a%20b%26c @a.example\n" + curlFields + "User-Agent: curl\n\n"},
		"cookies, a user and joined shorts": {`curl -sSkb 'a=1; b=2' -ume:secret --url a.example`, "GET / @a.example\n" + curlFields + "Authorization: Basic bWU6c2VjcmV0\nCookie: a=1; b=2\nUser-Agent: curl\n\n"},
		"a user in the URL":                 {`curl https://me:se%40cret@a.example/`, "GET / @a.example\n" + curlFields + "Authorization: Basic bWU6c2VAY3JldA==\nUser-Agent: curl\n\n"},
		"defaults that are switched off":    {`curl -H 'Accept:' -H 'User-Agent:' -H 'X-Empty;' -H 'Host: b.example' a.example`, "GET / @b.example\nX-Empty: \n\n"},
		"options that do not matter":        {`curl --http2 -o out.json --cacert ca.pem -m 5 --new-option --retry 3 -LfvN a.example 2`, "several URLs"},
		"options with values":               {`curl --http2 -o out.json --cacert ca.pem -m5 --new-option --retry 3 -LfvN a.example`, "GET / @a.example\n" + curlFields + "User-Agent: curl\n\n"},
		"bytes in $'…'":                     {`curl a.example --data-raw $'a\n\u00e9\x41\'\101'`, "POST / @a.example\n" + curlFields + "Content-Type: application/x-www-form-urlencoded\nUser-Agent: curl\n\na\néA'A"},
		"dots are removed":                  {`curl a.example/a/./b/../c/..`, "GET /a/ @a.example\n" + curlFields + "User-Agent: curl\n\n"},
		"dots stay":                         {`curl --path-as-is a.example/a/../c`, "GET /a/../c @a.example\n" + curlFields + "User-Agent: curl\n\n"},
		"a head":                            {`curl -I a.example`, "HEAD / @a.example\n" + curlFields + "User-Agent: curl\n\n"},
		"a comment":                         {"curl a.example # the root\n# and no more\n", "GET / @a.example\n" + curlFields + "User-Agent: curl\n\n"},

		"a variable":                {`curl "$URL"`, "is not expanded"},
		"a command":                 {`curl $(cat url)`, "is not expanded"},
		"backticks":                 {"curl `cat url`", "is not expanded"},
		"a file of data":            {`curl -d @/etc/passwd a.example`, "no file is read"},
		"a file of encoded data":    {`curl --data-urlencode x@/etc/passwd a.example`, "no file is read"},
		"a file of headers":         {`curl -H @h a.example`, "no file is read"},
		"a file of cookies":         {`curl -b jar a.example`, "no file is read"},
		"a file of options":         {`curl -K conf a.example`, "cannot be simulated"},
		"a second command":          {"curl a.example; rm -rf x", "more than one command"},
		"a second line":             {"curl a.example\ncurl b.example", "more than one command"},
		"an unquoted query":         {`curl a.example/?a=1&b=2`, "an unquoted &"},
		"an open quote":             {`curl 'a.example`, "a quote is not closed"},
		"no URL":                    {`curl -X POST`, "no URL"},
		"a value that is missing":   {`curl a.example -H`, "--header has no value"},
		"braces":                    {`curl a.example/{a,b}`, "several URLs of one"},
		"another scheme":            {`curl ftp://a.example/x`, "not one of HTTP"},
		"a length that is not true": {`curl -H 'Content-Length: 1' -d abc a.example`, "Content-Length is not the length"},
	} {
		r, _, err := parseRequest(c.line)
		got := sent(r)
		if err != nil {
			got = err.Error()
			if !strings.Contains(got, c.want) {
				t.Errorf("%s: error %q, want %q", name, got, c.want)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestARawRequestIsReadAsItIsPasted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"as on the wire":             {"POST /x?y=1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc\r\n", "POST /x?y=1 @a.example\nContent-Length: 3\n\nabc"},
		"with blank lines before":    {"\n\n  GET /x\nAccept: a\nAccept: b\n\n", "GET /x @\nAccept: a\nAccept: b\n\n"},
		"without an end of the head": {"GET /x HTTP/2", "GET /x @\n\n"},
		"in absolute form":           {"GET http://a.example:80/x HTTP/1.1\n", "GET /x @a.example:80\n\n"},
		"with lines in the body":     {"PUT / HTTP/1.1\n\na\r\nb\n", "PUT / @\n\na\r\nb"},

		"nothing of the kind": {"hello", "no HTTP request"},
		"no path":             {"GET x HTTP/1.1", "does not begin with /"},
		"no field":            {"GET / HTTP/1.1\nhello\n", "no field"},
		"a folded field":      {"GET / HTTP/1.1\nA: b\n c: d\n", "no field"},
		"two hosts":           {"GET / HTTP/1.1\nHost: a\nHost: b\n", "several Host"},
		"two lengths":         {"GET / HTTP/1.1\nContent-Length: 1\nContent-Length: 1\n\na", "several Content-Length"},
		"too little body":     {"GET / HTTP/1.1\nContent-Length: 9\n\na", "which has 1 bytes"},
		"pieces":              {"GET / HTTP/1.1\nTransfer-Encoding: chunked\n\n0\r\n\r\n", "in pieces"},
	} {
		r, _, err := parseRequest(c.text)
		got := sent(r)
		if err != nil {
			if got = err.Error(); strings.Contains(got, c.want) {
				continue
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAReplyIsABodyOrAWholeMessage(t *testing.T) {
	t.Parallel()
	if r, err := parseReply("{}\n"); err != nil || string(r.Body) != "{}" || r.Status != 0 {
		t.Errorf("a body: %+v, %v", r, err)
	}
	r, err := parseReply("HTTP/1.1 404 Not Found\r\nX-A: b\r\n\r\nno")
	if err != nil || string(r.Body) != "no" || r.Status != 404 || r.Fields.Get("X-A") != "b" {
		t.Errorf("a message: %+v, %v", r, err)
	}
	for _, text := range []string{"HTTP/1.1", "HTTP/1.1 100 Continue\n\n", "HTTP/1.1 200\nx\n", "{" + strings.Repeat(" ", maxPasted)} {
		if r, err := parseReply(text); err == nil {
			t.Errorf("%.20q is read as %+v", text, r)
		}
	}
}

// lawful checks what holds of every request that is read.
func lawful(t *testing.T, text string, r app.Request, err error) {
	t.Helper()
	if err != nil {
		if len(err.Error()) > 400 {
			t.Errorf("%q: the error quotes too much: %v", text, err)
		}
		return
	}
	switch {
	case r.Method == "":
		t.Errorf("%q has no method", text)
	case !strings.HasPrefix(r.Target, "/") && r.Target != "*":
		t.Errorf("%q calls %q", text, r.Target)
	case len(r.Body) > 4*len(text)+len(text):
		t.Errorf("%q grows to %d bytes", text, len(r.Body))
	case r.Fields == nil || r.Fields.Get("Host") != "":
		t.Errorf("%q has the fields %v", text, r.Fields)
	}
}

func FuzzParseCurl(f *testing.F) {
	for _, s := range []string{
		`curl -X POST 'https://a.example/x?y=1' -H 'A: b' --json '{"a":1}'`, `curl -sSd a=b -u me:x a.example`,
		"curl \\\n --data-raw $'\\u00e9\\x41' -G \"a.example\" | jq", `curl -b a=b --url a/../b`, `curl "$A"`, `curl -`,
	} {
		f.Add(s)
	}
	fuzzloop.Run(f, func(t *testing.T, text string) {
		r, _, err := parseCurl(text)
		lawful(t, text, r, err)
	})
}

func FuzzParseRaw(f *testing.F) {
	for _, s := range []string{
		"GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "POST /x\nContent-Length: 3\n\nabc", "GET http://a/x HTTP/1.1\nHost: b\n\n", "PUT /\n\n\n",
	} {
		f.Add(s)
	}
	fuzzloop.Run(f, func(t *testing.T, text string) {
		r, err := parseRaw(text)
		lawful(t, text, r, err)
		if err == nil {
			again, err := parseRaw(wire(r))
			if err != nil || sent(again) != sent(r) {
				t.Errorf("%q does not survive: %v\n%s\n%s", text, err, sent(r), sent(again))
			}
		}
	})
}

// wire writes r in the form that parseRaw reads.
func wire(r app.Request) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Target + " HTTP/1.1\n")
	if r.Host != "" {
		b.WriteString("Host: " + r.Host + "\n")
	}
	for name, values := range r.Fields {
		for _, v := range values {
			b.WriteString(name + ": " + v + "\n")
		}
	}
	b.WriteString("\n" + string(r.Body))
	if len(r.Fields[http.CanonicalHeaderKey("Content-Length")]) == 0 {
		b.WriteString("\n")
	}
	return b.String()
}
