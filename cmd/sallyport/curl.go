package main

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/app"
)

// Options of curl (8.x) that matter here. A short option stands before the
// long name that it means.
const (
	curlShort = `A user-agent b cookie c cookie-jar C continue-at d data D dump-header e referer E cert F form
		g globoff G get h help H header I head K config m max-time o output P ftp-port Q quote r range t telnet-option
		T upload-file u user U proxy-user w write-out x proxy X request y speed-time Y speed-limit z time-cond : next`
	// curlValued take a value: first those that are read, then those that are
	// passed over, then those that are refused.
	curlValued = `header request data data-ascii data-raw data-binary data-urlencode json cookie user user-agent referer url
		url-query range oauth2-bearer
		cookie-jar continue-at dump-header cert help max-time output output-dir ftp-port quote telnet-option proxy-user write-out
		proxy speed-time speed-limit time-cond connect-timeout cacert capath cert-type key key-type pass ciphers tls13-ciphers
		curves resolve connect-to dns-servers doh-url interface local-port limit-rate max-redirs max-filesize retry retry-delay
		retry-max-time tls-max tlsuser tlspassword trace trace-ascii stderr unix-socket abstract-unix-socket keepalive-time
		pinnedpubkey proto proto-default proto-redir noproxy preproxy socks4 socks4a socks5 socks5-hostname engine crlfile
		expect100-timeout happy-eyeballs-timeout-ms hostpubmd5 netrc-file cookie-file rate variable
		form form-string config upload-file aws-sigv4 request-target`
	curlRefused = ` form form-string config upload-file aws-sigv4 request-target next variable `
)

// A curl collects what the options of a command line say.
type curl struct {
	method, url string
	head, get   bool
	globoff     bool
	asIs        bool
	data        []string
	hasData     bool
	jsons       []string
	query       []string
	fields      http.Header
	dropped     []string // default fields that are switched off
	notes       []string
}

// parseCurl reads a curl command line. Nothing of it is executed, and no file
// is read.
func parseCurl(text string) (app.Request, []string, error) {
	words, err := shellWords(text)
	if err != nil {
		return app.Request{}, nil, err
	}
	c := curl{fields: http.Header{}}
	for words = words[min(1, len(words)):]; len(words) > 0; {
		word := words[0]
		words = words[1:]
		var used int
		switch {
		case strings.HasPrefix(word, "--") && word != "--":
			used, err = c.long(word[2:], words)
		case len(word) > 1 && word[0] == '-' && word != "--":
			used, err = c.short(word[1:], words)
		case word != "--":
			err = c.setURL(word)
		}
		if err != nil {
			return app.Request{}, nil, err
		}
		words = words[used:]
	}
	r, err := c.request()
	return r, c.notes, err
}

// long reads one long option, and returns how many of the words after it it
// took.
func (c *curl) long(name string, rest []string) (used int, err error) {
	if !slices.Contains(strings.Fields(curlValued), name) {
		return 0, c.option(name, "")
	}
	if len(rest) == 0 {
		return 0, wrong("copy the whole command", "--%s has no value", clean(name))
	}
	return 1, c.option(name, rest[0])
}

// short reads short options in one word, of which the last may take the rest
// of the word, or the next one, as its value.
func (c *curl) short(letters string, rest []string) (used int, err error) {
	table := strings.Fields(curlShort)
	for i := range len(letters) {
		name := ""
		for j := 0; j < len(table); j += 2 {
			if table[j] == letters[i:i+1] {
				name = table[j+1]
			}
		}
		switch {
		case name == "": // about the connection or the output
		case !slices.Contains(strings.Fields(curlValued), name):
			err = c.option(name, "")
		case i+1 < len(letters):
			return 0, c.option(name, letters[i+1:])
		default:
			return c.long(name, rest)
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// option takes one option with its value.
func (c *curl) option(name, value string) error {
	if strings.Contains(curlRefused, " "+name+" ") {
		return wrong("write the request as raw HTTP", "--%s of curl cannot be simulated", name)
	}
	switch name {
	case "header":
		return c.header(value)
	case "request":
		c.method = value
	case "data", "data-ascii", "data-binary":
		if strings.HasPrefix(value, "@") {
			return noFile()
		}
		c.data, c.hasData = append(c.data, value), true
	case "data-raw":
		c.data, c.hasData = append(c.data, value), true
	case "data-urlencode":
		return c.encoded(value)
	case "json":
		if strings.HasPrefix(value, "@") {
			return noFile()
		}
		c.jsons = append(c.jsons, value)
	case "cookie":
		if !strings.Contains(value, "=") {
			return noFile()
		}
		c.fields.Add("Cookie", value)
	case "user":
		if !strings.Contains(value, ":") {
			return wrong("write --user NAME:PASSWORD", "--user has no password, and nobody is asked for one")
		}
		c.fields.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(value)))
	case "oauth2-bearer":
		c.fields.Set("Authorization", "Bearer "+value)
	case "user-agent", "referer":
		c.fields.Set(map[string]string{"user-agent": "User-Agent", "referer": "Referer"}[name], value)
	case "range":
		c.fields.Set("Range", "bytes="+value)
	case "compressed":
		c.fields.Set("Accept-Encoding", "deflate, gzip, br, zstd")
	case "url":
		return c.setURL(value)
	case "url-query":
		c.query = append(c.query, value)
	case "get":
		c.get = true
	case "head":
		c.head = true
	case "globoff":
		c.globoff = true
	case "path-as-is":
		c.asIs = true
	}
	return nil
}

func noFile() error {
	return wrong("write the content itself into the command", "no file is read for a curl command")
}

// header takes Name: value, Name; for an empty field, and Name: for none.
func (c *curl) header(text string) error {
	if strings.HasPrefix(text, "@") {
		return noFile()
	}
	name, value, ok := strings.Cut(text, ":")
	value = strings.Trim(value, " \t")
	switch empty, isEmpty := strings.CutSuffix(text, ";"); {
	case !ok && isEmpty && empty != "":
		c.fields.Add(empty, "")
	case !ok || name == "" || strings.ContainsAny(name, " \t"):
		return wrong("write -H 'Name: value'", "a header of the command is no field")
	case value == "":
		c.dropped = append(c.dropped, http.CanonicalHeaderKey(name))
	default:
		c.fields.Add(name, value)
	}
	return nil
}

// encoded takes --data-urlencode: content, =content or name=content.
func (c *curl) encoded(text string) error {
	name, content, ok := strings.Cut(text, "=")
	if !ok {
		if strings.Contains(text, "@") {
			return noFile()
		}
		name, content = "", text
	}
	content = strings.ReplaceAll(url.QueryEscape(content), "+", "%20")
	if name != "" {
		content = name + "=" + content
	}
	c.data, c.hasData = append(c.data, content), true
	return nil
}

func (c *curl) setURL(text string) error {
	if c.url != "" {
		return wrong("give one request; a value with blanks needs quotes", "the command has several URLs")
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return wrong("write blanks in a URL as %%20", "the URL of the command is empty or holds a blank")
	}
	c.url = text
	return nil
}

// request is the request that curl would send.
func (c *curl) request() (app.Request, error) {
	if c.url == "" {
		return app.Request{}, wrong("add the URL that is called", "the command has no URL")
	}
	r := app.Request{Method: c.method, Fields: c.fields}
	if err := c.target(&r); err != nil {
		return app.Request{}, err
	}
	c.body(&r)
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	c.fallback("Accept", "*/*")
	c.fallback("User-Agent", "curl")
	if h := r.Fields.Get("Host"); h != "" {
		r.Host = h
	}
	r.Fields.Del("Host")
	body, err := framed(r.Fields, string(r.Body)+"\r\n") // a field of the command may contradict it
	if err == nil && len(body) != len(r.Body) {
		err = wrong("leave Content-Length out", "Content-Length is not the length of the body, which has %d bytes", len(r.Body))
	}
	return r, err
}

// target takes the URL apart.
func (c *curl) target(r *app.Request) error {
	scheme, rest, ok := strings.Cut(c.url, "://")
	if !ok || strings.ContainsAny(scheme, "/?#") {
		scheme, rest = "http", c.url
	}
	switch strings.ToLower(scheme) {
	case "https":
	case "http":
		if ok {
			c.notes = append(c.notes, "TLS, although the URL says http")
		}
	default:
		return wrong("write a URL with http or https", "the URL is not one of HTTP")
	}
	r.Host, r.Target = cutAuthority(rest)
	if !c.globoff && strings.ContainsAny(r.Target, "{}[]") {
		return wrong("write the one URL that is meant, or add --globoff", "curl would make several URLs of one with braces or brackets")
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 && c.fields.Get("Authorization") == "" {
		user, err := url.PathUnescape(authority[:i])
		if err != nil {
			return wrong("write --user NAME:PASSWORD", "the user in the URL cannot be read")
		}
		if !strings.Contains(user, ":") {
			user += ":"
		}
		c.fields.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user)))
	}
	path, query, asked := strings.Cut(r.Target, "?")
	if !c.asIs {
		path = withoutDots(path)
	}
	parts := c.query
	if c.get {
		parts = append(parts, c.data...)
	}
	if more := strings.Join(parts, "&"); more != "" {
		query, asked = strings.TrimPrefix(query+"&"+more, "&"), true
	}
	if r.Target = path; asked {
		r.Target += "?" + query
	}
	return nil
}

// withoutDots removes the segments . and .. as curl does (RFC 3986 section
// 5.2.4), whose work is then not the gateway's.
func withoutDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	var out []string
	segments := strings.Split(path, "/")[1:]
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return "/" + strings.Join(out, "/")
}

// body makes body and method of the data.
func (c *curl) body(r *app.Request) {
	method := ""
	switch {
	case len(c.jsons) > 0:
		r.Body, method = []byte(strings.Join(c.jsons, "")), http.MethodPost
		c.fallback("Content-Type", "application/json")
		c.fallback("Accept", "application/json")
	case c.hasData && !c.get:
		r.Body, method = []byte(strings.Join(c.data, "&")), http.MethodPost
		c.fallback("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.head {
		method = http.MethodHead
	}
	if r.Method == "" {
		r.Method = method
	}
}

// fallback sets a field that curl adds by itself, unless the command has it or
// switched it off.
func (c *curl) fallback(name, value string) {
	if len(c.fields.Values(name)) == 0 && !slices.Contains(c.dropped, name) {
		c.fields.Set(name, value)
	}
}
