package risktest

import (
	"fmt"
	"strings"
)

// A twist is one request that some program could read in another way than the
// next one. Fields are written as they stand.
type twist struct {
	path   string
	fields [][2]string
	own    bool // needs a connection of its own: its head may part requests in another place
}

// pathTricks are put before, behind and instead of each segment, and between
// them.
var pathTricks = []string{
	".", "..", "...", "%2e", "%2E%2e", ".%2e", "%2e.", "..;", "..;x=1", ";", ";x=1", "%3b", "%3Bx=1", ";/..", "%2f", "%2F", "..%2f", "%2f..%2f", "%5c",
	"\\", "..\\", "%5c..%5c", "%c0%ae", "%c0%ae%c0%ae", "%c0%af", "%e0%80%af", "%f0%80%80%af", "%252e", "%252e%252e", "%252f", "%25", "%2525", "%255c",
	"%00", "%0a", "%0d%0a", "%09", "%7f", "%20", "%u002e", "%u2215", "%ef%bc%8e%ef%bc%8e", "%ef%bc%8f", "%e2%88%95", "%e2%80%a4", "%c2%a0", "%c2%85", "%ff", "%c3",
	"%ed%a0%80", "", "archive", "ARCHIVE", "Archive", "archive.", "archive%20", "archive.json", "%61rchive", "%41RCHIVE", "archive;x", "archive%3bx", "%C3%A9", "é",
	"*", "@", ":", "~", "%7e", "a%2eb", "a+b", "a%2bb", "#x", "%23x", "?x=1", "%3fx", "%26", "|", "\"", "%22", "<", "^", "`", "{id}", "%7bid%7d", "[", "%", "%2", "%zz", "%%32e",
	"http://other/", "a%20b", " ", "\t", "\x01", "%e2%80%ae", "%c5%bf", "%e2%84%aa", "items", "ITEMS",
}

// bases are the lawful paths, one for each operation.
var bases = []string{"/orders", "/orders/archive", "/orders/a1", "/orders/a1/items/b2", "/files/report.txt"}

// pathTwists puts each trick at each place of each lawful path.
func pathTwists() []twist {
	var out []twist
	seen := map[string]bool{}
	add := func(segments ...string) {
		path := "/" + strings.Join(segments, "/")
		if !seen[path] {
			out = append(out, twist{path: path})
		}
		seen[path] = true
	}
	for _, base := range bases {
		segments := strings.Split(base[1:], "/")
		add(segments...)
		for _, trick := range pathTricks {
			for i := range len(segments) + 1 {
				head, tail := segments[:i:i], segments[i:]
				add(append(append(head, trick), tail...)...)
				if len(tail) == 0 {
					continue
				}
				for _, s := range []string{trick, trick + tail[0], tail[0] + trick} {
					add(append(append(head, s), tail[1:]...)...)
				}
			}
		}
		out = append(out, twist{path: "https://" + serverName + base}, twist{path: base + "?"}, twist{path: base + "?a;b"}, twist{path: "/" + base})
	}
	return out
}

// headerNames are fields that somebody decides by, with a value that is
// lawful, and one that is not what the gateway would say.
var headerNames = [][3]string{
	{"X-Tenant", "red", "blue"}, {"x_flat", "1", "2"}, {"X-Api-Key", "sp_live_bob", "sp_live_eve"}, {"Authorization", "Bearer t", "Bearer u"},
	{"Content-Type", "application/json", "text/plain"}, {"Content-Length", "0", "7"}, {"Transfer-Encoding", "chunked", "gzip, chunked"}, {"Host", serverName, "other.example"},
	{"X-Forwarded-For", "9.9.9.9", "127.0.0.1"}, {"X-Forwarded-Host", "other.example", "a"}, {"X-Forwarded-Proto", "http", "https"}, {"Forwarded", "for=9.9.9.9", "for=127.0.0.1"},
	{"X-Real-Ip", "9.9.9.9", "127.0.0.1"}, {"X-Original-Url", "/orders/archive", "/admin"}, {"X-Rewrite-Url", "/orders/archive", "/admin"}, {"X-HTTP-Method-Override", "DELETE", "GET"},
	{"Cookie", "a=b", "a=c"}, {"If-Match", "\"a\"", "\"b\""}, {"Range", "bytes=0-1", "bytes=1-"}, {"Sallyport-Decision", "x", "y"}, {"X-Sallyport-Caller", "carol", "x"},
	{"Remote-User", "carol", "x"}, {"Expect", "100-continue", "x"}, {"Te", "trailers", "gzip"}, {"Trailer", "X-Tenant", "Host"}, {"Upgrade", "websocket", "h2c"},
	{"Proxy-Authorization", "Basic eA==", "x"}, {"Keep-Alive", "timeout=5", "x"}, {"Proxy", "http://other/", "x"}, {"Idempotency-Key", "1", "2"},
}

// spellings of a field's name that are other names, or none, to a strict
// reader.
func spellings(name string) []string {
	hyphens := func(with string) string { return strings.ReplaceAll(name, "-", with) }
	return []string{
		name, strings.ToLower(name), strings.ToUpper(name), hyphens("_"), strings.Replace(name, "-", "_", 1), hyphens("."), hyphens("~"), hyphens(""), hyphens("--"), hyphens(" "),
		name + " ", " " + name, name + "\t", name + "\x00", name + "_", "_" + name, "-" + name, strings.ReplaceAll(name, "_", "-"), name + "\u00a0", "HTTP_" + hyphens("_"),
	}
}

// headerTwists spells each field in each way, alone, beside a lawful one before
// or behind it, and named in Connection.
func headerTwists() []twist {
	var out []twist
	add := func(fields ...[2]string) {
		out = append(out, twist{path: bases[len(out)%len(bases)], fields: fields, own: true})
	}
	for _, h := range headerNames {
		for _, s := range spellings(h[0]) {
			add([2]string{s, h[1]})
			add([2]string{h[0], h[1]}, [2]string{s, h[2]})
			add([2]string{s, h[2]}, [2]string{h[0], h[1]})
		}
		add([2]string{"Connection", h[0]}, [2]string{h[0], h[1]})
		add([2]string{h[0], h[1]}, [2]string{"Connection", "close, " + strings.ToLower(h[0])})
		add([2]string{"Connection", "keep-alive"}, [2]string{"Connection", strings.ReplaceAll(h[0], "-", "_")}, [2]string{h[0], h[1]})
		for _, v := range []string{"a\rb", "a\nb: c", "a\x00b", "\x7f", "a, " + h[1], h[1] + "\r\n folded", "\u00e9", "\xff", ""} {
			add([2]string{h[0], v})
		}
	}
	return out
}

// name describes a twist in messages.
func (w *twist) String() string { return fmt.Sprintf("%q %q", w.path, w.fields) }
