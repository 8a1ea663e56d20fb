package main

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/internal/app"
)

// maxPasted bounds a request or reply that is pasted, in bytes.
const maxPasted = 1 << 20

// parseRequest reads a raw HTTP/1.1 request, or a curl command line, as people
// paste them. Its errors are misuses, and never quote a value. The notes say
// what of a command line counts for nothing here.
//
// Limits: the framing of a connection (Transfer-Encoding, repeated lengths) is
// judged on its bytes when they come in, and cannot be simulated.
func parseRequest(text string) (r app.Request, notes []string, err error) {
	if len(text) > maxPasted {
		return r, nil, wrong("a file of that size is better sent to a gateway", "the request is over 1 MiB")
	}
	text = strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n")
	first, _, _ := strings.Cut(text, "\n")
	if isCurl(first) {
		return parseCurl(text)
	}
	r, err = parseRaw(text)
	return r, nil, err
}

// isCurl tells whether a line begins with the name of curl.
func isCurl(line string) bool {
	line = strings.TrimPrefix(line, "$ ")
	name := line[:len(line)-len(strings.TrimLeft(line, "abcdefghijklmnopqrstuvwxyz/.\\ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))]
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	return name == "curl" || name == "curl.exe"
}

// parseRaw reads a request line, fields and what follows the empty line.
func parseRaw(text string) (app.Request, error) {
	head, body := cutHead(text)
	line, fields, _ := strings.Cut(head, "\n")
	words := strings.Fields(line)
	if len(words) < 2 || len(words) > 3 || len(words) == 3 && !strings.HasPrefix(words[2], "HTTP/") || strings.Trim(words[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != "" {
		return app.Request{}, wrong("it begins with a line such as GET /orders/42 HTTP/1.1, or with curl", "the text is no HTTP request and no curl command")
	}
	r := app.Request{Method: words[0], Target: words[1]}
	var err error
	if r.Fields, err = parseFields(fields); err != nil {
		return app.Request{}, err
	}
	if scheme, rest, ok := strings.Cut(r.Target, "://"); ok && !strings.ContainsAny(scheme, "/?") {
		r.Host, r.Target = cutAuthority(rest)
	}
	if !strings.HasPrefix(r.Target, "/") && r.Target != "*" {
		return app.Request{}, wrong("write the path with its query, such as /orders/42?expand=lines", "the target of the request line does not begin with /")
	}
	if h := r.Fields.Values("Host"); len(h) > 1 {
		return app.Request{}, wrong("leave one of them out", "the request has several Host fields")
	} else if len(h) == 1 {
		r.Host = h[0]
	}
	r.Fields.Del("Host")
	r.Body, err = framed(r.Fields, body)
	return r, err
}

// cutHead splits a message at its first empty line. Line ends become LF in
// the head, and stay as they are in the body.
func cutHead(text string) (head, body string) {
	at := 0
	for line := range strings.Lines(text) {
		at += len(line)
		if strings.TrimRight(line, "\r\n") == "" {
			return strings.ReplaceAll(text[:at-len(line)], "\r\n", "\n"), text[at:]
		}
	}
	return strings.ReplaceAll(text, "\r\n", "\n"), ""
}

// parseFields reads the lines of a head.
func parseFields(text string) (http.Header, error) {
	h := http.Header{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, wrong("write each on a line of its own, as Name: value, and an empty line before the body", "a line of the head is no field")
		}
		h.Add(name, strings.Trim(value, " \t"))
	}
	return h, nil
}

// framed is the body that the length in the head means. Without one it is all
// that follows but for the last line end, which editors and shells add.
func framed(h http.Header, body string) ([]byte, error) {
	if len(h.Values("Transfer-Encoding")) > 0 {
		return nil, wrong("leave Transfer-Encoding out, and write the body as it is", "a body in pieces cannot be simulated")
	}
	lengths := h.Values("Content-Length")
	switch len(lengths) {
	case 0:
		return []byte(strings.TrimSuffix(strings.TrimSuffix(body, "\n"), "\r")), nil
	case 1:
	default:
		return nil, wrong("leave one of them out", "the message has several Content-Length fields")
	}
	n, err := strconv.ParseUint(lengths[0], 10, 31)
	if err != nil || int(n) > len(body) {
		return nil, wrong("leave Content-Length out", "Content-Length is not the length of the body, which has %d bytes", len(body))
	}
	return []byte(body[:n]), nil
}

// cutAuthority splits what follows :// of a URL into host and target. User,
// password and fragment are left out.
func cutAuthority(rest string) (host, target string) {
	rest, _, _ = strings.Cut(rest, "#")
	i := strings.IndexAny(rest, "/?")
	if i < 0 {
		i = len(rest)
	}
	host, target = rest[:i], rest[i:]
	host = host[strings.LastIndexByte(host, '@')+1:]
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	return host, target
}

// parseReply reads what an upstream answers: a raw HTTP reply, or a body
// alone.
func parseReply(text string) (*app.Reply, error) {
	if len(text) > maxPasted {
		return nil, wrong("make it smaller", "the reply is over 1 MiB")
	}
	if !strings.HasPrefix(text, "HTTP/") {
		return &app.Reply{Fields: http.Header{}, Body: []byte(strings.TrimSuffix(text, "\n"))}, nil
	}
	head, body := cutHead(text)
	line, rest, _ := strings.Cut(head, "\n")
	words := strings.Fields(line)
	status := 0
	if len(words) > 1 {
		status, _ = strconv.Atoi(words[1]) //nolint:errcheck // 0 is refused
	}
	if status < 200 || status > 599 {
		return nil, wrong("it begins with a line such as HTTP/1.1 200 OK", "the status of the reply is not one of 200 to 599")
	}
	fields, err := parseFields(rest)
	if err != nil {
		return nil, err
	}
	r := &app.Reply{Status: status, Fields: fields}
	r.Body, err = framed(fields, body)
	return r, err
}
