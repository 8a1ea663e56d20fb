package redirect

import "strings"

// hostOf finds the host that a browser goes to for the text of a Location or
// Refresh field, by the rules of the WHATWG URL standard, which forgive more
// than RFC 3986: backslashes are slashes, tabs are not there, nor are control
// characters around it, any number of slashes begins an authority. host is "" for a place on the same site;
// lawful is false for what leads to no web host at all, such as
// "javascript:".
func hostOf(text string) (host string, lawful bool) {
	rest := strings.TrimFunc(strings.ReplaceAll(text, "\t", ""), func(r rune) bool { return r <= ' ' })
	hasScheme := false
	if name, after, ok := strings.Cut(rest, ":"); ok && scheme(name) {
		if !strings.EqualFold(name, "https") && !strings.EqualFold(name, "http") {
			return "", false
		}
		rest, hasScheme = after, true
	}
	authority := strings.TrimLeft(rest, `/\`)
	if slashes := len(rest) - len(authority); slashes < 2 && !hasScheme {
		return "", true
	}
	if end := strings.IndexAny(authority, "/\\?#"); end >= 0 {
		authority = authority[:end]
	}
	return authorityHost(authority)
}

// authorityHost is the host of "user:password@host:port" in lower case. A name
// that a browser would still have to decode or map is not lawful.
func authorityHost(s string) (host string, lawful bool) {
	s = s[strings.LastIndexByte(s, '@')+1:]
	if address, ok := strings.CutPrefix(s, "["); ok {
		address, _, closed := strings.Cut(address, "]")
		return strings.ToLower(address), closed
	}
	s, _, _ = strings.Cut(s, ":")
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '%' {
			return "", false
		}
	}
	return s, s != ""
}

// scheme tells whether s may stand before the colon of a URL (RFC 3986 section
// 3.1).
func scheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if c >= 'a' && c <= 'z' || i > 0 && (s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.') {
			continue
		}
		return false
	}
	return s != ""
}

// refreshes is the address in a Refresh field ("5; url=…"), which the HTML
// standard defines; "" where the page only loads itself again.
func refreshes(value string) string {
	at := strings.IndexAny(value, ";,")
	if at < 0 {
		return ""
	}
	text := strings.TrimLeft(value[at+1:], " \t")
	if strings.EqualFold(text[:min(len(text), 3)], "url") {
		if after := strings.TrimLeft(text[3:], " \t"); strings.HasPrefix(after, "=") {
			text = strings.TrimLeft(after[1:], " \t")
		}
	}
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		quote := text[:1]
		text, _, _ = strings.Cut(text[1:], quote)
	}
	return text
}
