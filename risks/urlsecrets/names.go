package urlsecrets

import "strings"

// maxName is longer than every name below.
const maxName = 24

// secretName tells whether a parameter is called like a secret. Case, hyphens,
// underscores and dots do not matter.
func secretName(name string) bool {
	name = lastPart(name)
	var buf [maxName]byte
	n := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_' || c == '-' || c == '.':
			continue
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		if n == maxName {
			return false
		}
		buf[n] = c
		n++
	}
	switch string(buf[:n]) {
	case "apikey", "xapikey", "apitoken", "apisecret", "token", "accesstoken", "authtoken", "idtoken", "refreshtoken", "bearertoken", "bearer", "jwt",
		"authorization", "auth", "credential", "credentials", "password", "passwd", "pwd", "passphrase", "secret", "secretkey", "clientsecret", "privatekey",
		"session", "sessionid", "sessiontoken", "sessid", "jsessionid", "phpsessid":
		return true
	}
	return false
}

// lastPart is what counts of a name with brackets: password of user[password],
// and of password[] and password[0], which frameworks read as lists.
func lastPart(name string) string {
	for {
		whole, part, ok := cutLast(name)
		if !ok {
			return name
		}
		if strings.Trim(part, "0123456789") != "" {
			return part
		}
		name = whole
	}
}

// cutLast parts a name before the last bracket that opens. One that is not
// closed counts too.
func cutLast(name string) (whole, part string, ok bool) {
	i := strings.LastIndexByte(name, '[')
	if i < 0 {
		return name, "", false
	}
	return name[:i], strings.TrimSuffix(name[i+1:], "]"), true
}

// minRest is how much text must stand behind the prefix of a key of ours: the
// prefix alone is no secret.
const minRest = 4

// holdsKey tells whether s holds what looks like a key with prefix, and
// returns it.
func holdsKey(s, prefix string) (key string, ok bool) {
	if prefix == "" {
		return "", false
	}
	for {
		i := strings.Index(s, prefix)
		if i < 0 {
			return "", false
		}
		end := i + len(prefix)
		for end < len(s) && wordByte(s[end]) {
			end++
		}
		if end-i-len(prefix) >= minRest {
			return s[i:end], true
		}
		s = s[i+len(prefix):]
	}
}

// isJWT tells whether s, behind "Bearer " or bare, has the form of a signed
// JSON Web Token (RFC 7519 section 3): three parts, of which the first two are
// base64url of text that begins with `{"`.
func isJWT(s string) bool {
	s = strings.TrimPrefix(strings.Trim(s, " "), "Bearer ")
	head, rest, _ := strings.Cut(s, ".")
	claims, sign, ok := strings.Cut(rest, ".")
	if !ok || !strings.HasPrefix(head, "eyJ") || !strings.HasPrefix(claims, "eyJ") {
		return false
	}
	return wordBytes(head) && wordBytes(claims) && wordBytes(sign)
}

func wordBytes(s string) bool {
	for i := range len(s) {
		if !wordByte(s[i]) {
			return false
		}
	}
	return true
}

// wordByte tells whether c is a letter of base64url.
func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-'
}
