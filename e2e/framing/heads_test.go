package framing

import (
	"fmt"
	"slices"
	"strings"
)

// lineProbes break the request line.
func lineProbes() []probe {
	parts := []part{
		{"lead", "", []string{"\r\n", "\n", "\r", "\r\n\r\n", " ", "\x00", "\xef\xbb\xbf", "\t", smuggled[:20]}},
		{"method", "GET", []string{"", "get", "G ET", "GE\tT", "GET\x00", "G\xc3\x89T", "\x01GET", "GET,", "(GET)", "POST", "HEAD", "CONNECT", "PRI", strings.Repeat("A", 33), "TRACE", "{", "\"GET\"", "GET/", "G\x0bET", "DELETE", "!"}},
		{"first space", " ", []string{"  ", "\t", "\x0b", "", "\u00a0", " \t", "\r\n ", "\x0c", "\x00"}},
		{"target", "/echo/" + mark + "a", []string{
			"", "*", "/echo/" + mark + "a b", "/echo/" + mark + "a\tb", "/echo/" + mark + "\x00a", "/echo/" + mark + "a#f", "/echo/" + mark + "a\x7f", "/echo/" + mark + "\xc3\xa9", "/echo/" + mark + "\xff", "/echo/" + mark + "a?x=\x01",
			"http://localhost/echo/" + mark + "a", "https://localhost/echo/" + mark + "a", "HTTP://LOCALHOST/echo/" + mark + "a", "http://evil/echo/" + mark + "a", "http://localhost:80/echo/" + mark + "a", "http://localhost@evil/echo/" + mark + "a",
			"http://evil@localhost/echo/" + mark + "a", "http:///echo/" + mark + "a", "//evil/echo/" + mark + "a", "localhost:80", "localhost", "echo/" + mark + "a", "?x", "ftp://localhost/echo/" + mark + "a", "http://loc alhost/", "http://localhost#/echo/" + mark + "a", "http://localhost",
			"http://localhost?x", "http:/localhost/echo/" + mark + "a", "http:localhost", "http://localhost\\@evil/", "http://[::1]/echo/" + mark + "a", "/../echo/" + mark + "a", "/echo/%0d%0aHost:%20evil", "/echo/" + mark + "a%00", "\\echo\\" + mark + "a", "/echo/" + mark + "a HTTP/1.1\r\nX-Y: z",
			"/echo/" + strings.Repeat("a", 9000), "/echo/" + mark + "a\r", "/echo/" + mark + "a\n", "/echo/" + mark + "a\x0b", "\"/echo/" + mark + "a\"", "<http://localhost/>", "javascript://localhost/%0aalert", "http://localhost%2eevil/", "http://localhost:/echo/" + mark + "a", "http://localhost:99999/",
		}},
		{"second space", " ", []string{"  ", "\t", "\x0b", "", "\u00a0", " \t", "\r\n ", "\x00"}},
		{"version", "HTTP/1.1", []string{
			"HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/2", "HTTP/3.0", "HTTP/1.1 ", " HTTP/1.1", "HTTP/1.", "HTTP/1", "HTTP/1.01", "HTTP/01.1", "HTTP/1.10", "http/1.1", "Http/1.1", "HTTP /1.1", "HTTP/ 1.1", "HTTP/1,1", "HTTP/1.1\x00", "HTTP/1.1;x", "",
			"HTTPS/1.1", "HTTP/+1.1", "HTTP/1.\u0661", "ICAP/1.0", "HTTP/1.1 HTTP/1.1", "HTTP/1.1\t", "HTTP/11", "HTTP", "XHTTP/1.1", "HTTP/-1.1", "HTTP/1.1\x0b", "HTTP/9.9",
		}},
		{"end", "\r\n", []string{"\n", "\r", "\r\r\n", "\n\r", "\r\n ", "\x00\r\n", "\r\n\t"}},
	}
	one, two := mix("request lines", parts, func(p []string) string { return strings.Join(p, "") + hostLine + "\r\n" })
	out := slices.Concat(one, some(750, two))
	for _, text := range []string{"GET /echo/" + mark + "a\r\n", "GET /echo/" + mark + "a", "GET\r\n\r\n", "\r\n\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x00\xa5\x01\x00", "GET /echo/" + mark + "a HTTP/1.1", "hello\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"} {
		out = append(out, whole("request lines", fmt.Sprintf("%q", text), text))
	}
	return out
}

// hostLines are the Host fields of a message, without the last end of line.
func hostLines() []string {
	return []string{
		"X-No: host", "Host: localhost\r\nHost: localhost", "Host: localhost\r\nHost: evil", "Host: evil\r\nHost: localhost", "Host:", "Host: ", "Host: local host", "Host: localhost\x00", "Host: localhost, evil", "Host: localhost/evil", "Host: evil@localhost",
		"Host: localhost:99999", "Host: localhost:80:80", "Host: [::1", "Host: [::1]", "Host: ::1", "Host : localhost", " Host: localhost", "host:localhost", "Host:localhost", "Host: \xc3\xa9vil", "Host: localhost\tevil", "Host: localhost;evil", "Host: localhost:", "Host: localhost:0x50",
		"Host: localhost:+80", "Host: http://localhost", "Host: localhost?", "Host: localhost#", "Host: 127.0.0.1", "Host: localhost.", "Host: LOCALHOST", "Host: localhost\r\n evil", "Host:\r\n localhost", "Host: evil\r\n localhost", "Host: localhost\x0b", "Host: \"localhost\"", "Host: localhost\\evil",
		"Host: localhost%00", "Host: *", "X-Forwarded-Host: evil\r\nHost: localhost", "Host: localhost\r\nhost: evil", "Host: localhost\r\nHOST : evil", "Host: localhost\r\n\tHost: evil", "Host: localhost\nHost: evil", "Host: localhost\rHost: evil", "Ho st: localhost", "Hos\u212a: localhost",
	}
}

// fieldLines are lines of a head, most of them malformed.
func fieldLines() []string {
	return []string{
		"X-A: b", "X-A:b", "X-A:", "X-A: \t", "X-A: b\tc", "X-A: \xe9", "X-A: \xc3\xa9", "X_A: b", "X.A: b", "X-A : b", "X-A\t: b", " X-A: b", "\tX-A: b", "X-A", ": b", ":", "X A: b", "X-A\x00: b", "X-A: \x00", "X-A: b\x00c", "X-A: b\x01", "X-A: b\x7f", "X-A: b\x0b", "X-A: b\x0c", "X-A: b\x1b[0m",
		"X-A: b\rX-B: c", "X-A: b\nX-B: c", "X-A: b\r\n X-B: c", "X-A: b\r\n\tc", "X-A: b\r\n \r\n c", "X-A: b\r", "X-A: b\r\r", "X-A: b\n", "X(A): b", "X/A: b", "X@A: b", "X[A]: b", "{X}: b", "X;A: b", "X=A: b", "X\"A: b", "\xc3\xa9: b", "X\x7fA: b", "X-A: b\r\n\r", "\rX-A: b", "\nX-A: b",
		"GET /echo/" + mark + "s HTTP/1.1", "X-A: b\n\nGET /echo/" + mark + "s HTTP/1.1\r\n" + "Host: localhost", "X-A: b\r\rGET /echo/" + mark + "s HTTP/1.1", "X-A: b\n\r\nGET /echo/" + mark + "s HTTP/1.1\r\nHost: localhost", "X-A: b\r\n\nGET /echo/" + mark + "s HTTP/1.1\r\nHost: localhost",
		"X-A: " + strings.Repeat("b", 40_000), strings.Repeat("x", 200) + ": b", strings.TrimSuffix(strings.Repeat("X-A: b\r\n", 150), "\r\n"), "Connection: close, x-a\r\nX-A: b", "Connection: host", "Connection: \x00", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic eA==",
		"TE: trailers", "TE: trailers, chunked", "TE: gzip", "Trailer: Content-Length", "Trailer: X-T", "Upgrade: foo", "Sallyport-Decision: x", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2", "X-Http-Method-Override: DELETE", "Forwarded: host=evil", "Content_Length: 5", "Transfer_Encoding: chunked", "Content-Length : 5", "Content-Length;: 5",
		"Proxy: http://evil", "Cookie: a=b\r\nCookie: c=d", "Range: bytes=0-1", "Accept-Encoding: gzip", "If-None-Match: *", "Max-Forwards: 0", "Via: 1.1 x", "Http2-Settings: AAMAAABk", "Content-Encoding: gzip", "Expect: x", "Connection: Transfer-Encoding", "Connection: Content-Length", "Connection: keep-alive, Content-Length, Transfer-Encoding",
	}
}

// fieldProbes put lines first, in the middle and last into heads.
func fieldProbes() (out []probe) {
	add := func(name, text string) { out = append(out, whole("fields", name, text)) }
	for _, l := range fieldLines() {
		add(fmt.Sprintf("first %q", brief(l)), "GET /echo/"+mark+"a HTTP/1.1\r\n"+l+"\r\n"+hostLine+"\r\n")
		add(fmt.Sprintf("last %q", brief(l)), get(l+"\r\n"))
		for family := range families {
			add(fmt.Sprintf("before Content-Length %q %d", brief(l), family), post(family, l+"\r\nContent-Length: 5\r\n")+bodies[0])
			add(fmt.Sprintf("behind Content-Length %q %d", brief(l), family), post(family, "Content-Length: 5\r\n"+l+"\r\n")+bodies[0])
			add(fmt.Sprintf("with chunks %q %d", brief(l), family), post(family, l+"\r\nTransfer-Encoding: chunked\r\n")+bodies[1])
		}
	}
	for _, l := range hostLines() {
		for _, version := range []string{"1.1", "1.0"} {
			for _, target := range []string{"", "http://localhost", "http://evil"} {
				add(fmt.Sprintf("%s %q %s", version, l, target), "GET "+target+"/echo/"+mark+"a HTTP/"+version+"\r\n"+l+"\r\n\r\n")
			}
			add(fmt.Sprintf("%s post %q", version, l), "POST /echo/"+mark+"a HTTP/"+version+"\r\n"+l+"\r\n"+binaryIs+"Content-Length: 5\r\n\r\n"+bodies[0])
		}
	}
	return out
}
