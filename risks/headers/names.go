package headers

import "strings"

// A kind says what a header field of a reply is to this risk.
type kind uint16

// The kinds. Those of security are bits of a set.
const (
	other kind = 0
	sniff kind = 1 << iota
	content
	frame
	referrer
	resource
	transport
)

// maxName is how much of a name is looked at, in bytes; the longest name
// below is shorter.
const maxName = 40

// kindOf classifies the name of a field without regard to case.
func kindOf(name string) kind {
	if len(name) > maxName {
		return other
	}
	var buf [maxName]byte
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	low := buf[:len(name)]
	switch string(low) {
	case "x-content-type-options":
		return sniff
	case "content-security-policy":
		return content
	case "x-frame-options":
		return frame
	case "referrer-policy":
		return referrer
	case "cross-origin-resource-policy":
		return resource
	case "strict-transport-security":
		return transport
	}
	return other
}

// html tells whether browsers render media as a page that may run scripts of
// its own.
func html(media string) bool {
	return media == "text/html" || media == "application/xhtml+xml"
}

// maxAge is the max-age of a Strict-Transport-Security field in seconds, -1
// where there is none or it is malformed (RFC 6797 section 6.1.1).
func maxAge(value string) int64 {
	for d := range strings.SplitSeq(value, ";") {
		name, text, ok := strings.Cut(strings.Trim(d, " \t"), "=")
		if !ok || !strings.EqualFold(strings.TrimRight(name, " \t"), "max-age") {
			continue
		}
		text = strings.Trim(strings.Trim(text, " \t"), `"`)
		var n int64
		for _, c := range []byte(text) {
			if c < '0' || c > '9' || n > 1<<40 {
				return -1
			}
			n = n*10 + int64(c-'0')
		}
		if text == "" {
			return -1
		}
		return n
	}
	return -1
}
