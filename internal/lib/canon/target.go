package canon

import "strings"

// Target is a request target taken apart (RFC 9112 section 3.2). Nothing in it
// is decoded yet: Path and Query are for Options.Path and Options.Query.
type Target struct {
	// Authority is host and port of the absolute and authority forms, else "".
	Authority string
	// Scheme is "http" or "https" of the absolute form, else "".
	Scheme string
	// Path starts with a slash, or is "" for the authority and asterisk forms.
	Path string
	// Query is what stands behind the first '?'; HasQuery tells "" from none.
	Query    string
	HasQuery bool
	// Asterisk is set for "OPTIONS *".
	Asterisk bool
}

// Split takes the target of a request with this method apart. The error is an
// *Error. A fragment, user information in an authority, an authority with
// anything but the characters of a host and port, and a form that does not go
// with the method are refused.
func Split(method, target string) (Target, error) {
	switch {
	case target == "":
		return Target{}, refuse(Empty, 0)
	case method == "CONNECT":
		if err := authority(target, 0); err != nil {
			return Target{}, err
		}
		return Target{Authority: target}, nil
	case target == "*":
		if method != "OPTIONS" {
			return Target{}, refuse(Form, 0)
		}
		return Target{Asterisk: true}, nil
	case target[0] == '/':
		return cutQuery(Target{}, target), nil
	}
	return absolute(target)
}

// absolute takes the absolute form apart. An empty path means "/".
func absolute(target string) (Target, error) {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		return Target{}, refuse(relative(target[0]), 0)
	}
	t := Target{Scheme: strings.ToLower(scheme)}
	if t.Scheme != "http" && t.Scheme != "https" {
		return Target{}, refuse(Form, 0)
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	t.Authority = rest[:end]
	if err := authority(t.Authority, len(scheme)+3); err != nil {
		return Target{}, err
	}
	t = cutQuery(t, rest[end:])
	if t.Path == "" {
		t.Path = "/"
	}
	return t, nil
}

func cutQuery(t Target, s string) Target {
	t.Path, t.Query, t.HasQuery = strings.Cut(s, "?")
	return t
}

// authority checks the characters of a host and port: reg-name without
// triplets and sub-delims, an IPv4 address, or an IPv6 literal in brackets.
func authority(s string, at int) error {
	if s == "" {
		return refuse(Empty, at)
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '@':
			return refuse(Userinfo, at+i)
		case unreserved(c), c == ':', c == '[', c == ']':
		case pchar(c), c == '/', c == '?', c == '%':
			return refuse(Character, at+i)
		default:
			return refuse(wrongByte(c), at+i)
		}
	}
	return nil
}
