package massassign

import "strings"

// maxName is how much of a name is looked at, in bytes.
const maxName = 32

// plain writes a name in lower case without hyphens and underscores into buf.
func plain(name string, buf *[maxName]byte) []byte {
	n := 0
	if len(name) > maxName {
		return nil
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_' || c == '-':
			continue
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		buf[n] = c
		n++
	}
	return buf[:n]
}

// owned tells whether a member by this name is the server's whatever the API
// is about: rights, money, and whose object it is.
func owned(name string) bool {
	var buf [maxName]byte
	switch string(plain(name, &buf)) {
	case "role", "roles", "isadmin", "admin", "issuperuser", "superuser", "isstaff", "isroot", "permissions", "privileges",
		"balance", "ownerid", "tenantid", "tenant", "emailverified", "isverified", "passwordhash":
		return true
	}
	return false
}

// kept tells whether a member by this name is mostly kept by the server.
func kept(name string) bool {
	var buf [maxName]byte
	switch string(plain(name, &buf)) {
	case "createdat", "createdby", "updatedat", "updatedby", "modifiedat", "deletedat", "creationdate", "lastlogin", "owner", "isowner", "verified":
		return true
	}
	return owned(name)
}

// last is the last part of a JSON pointer, still escaped: no name that matters
// here needs an escape.
func last(pointer string) string { return pointer[strings.LastIndexByte(pointer, '/')+1:] }
