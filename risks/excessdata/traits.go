package excessdata

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
)

// traits are what the schemas of an operation's replies have somewhere.
type traits struct {
	writes  bool // a write-only member
	closes  bool // an object that refuses other members
	schemas bool // any schema at all

	// writeOnly are the names of write-only members that no schema lists as
	// readable.
	writeOnly map[string]bool
}

func traitsOf(op *contract.Operation) (t traits) {
	t.writeOnly = map[string]bool{}
	readable := map[string]bool{}
	for _, r := range op.Replies {
		for _, m := range r.Media {
			contract.Walk(m.Schema, func(s *contract.Schema) bool {
				t.schemas = true
				t.writes = t.writes || s.WriteOnly
				t.closes = t.closes || closed(s)
				names(s, t.writeOnly, readable)
				return true
			})
		}
	}
	for name := range readable {
		delete(t.writeOnly, name)
	}
	return t
}

// closed tells whether s itself refuses members that it does not list.
func closed(s *contract.Schema) bool {
	return s.AdditionalProperties != nil && s.AdditionalProperties.Never ||
		s.Rare != nil && s.Rare.UnevaluatedProperties != nil && s.Rare.UnevaluatedProperties.Never
}

// writes tells whether a schema has a write-only member somewhere.
func writes(s *contract.Schema) (yes bool) {
	contract.Walk(s, func(s *contract.Schema) bool {
		yes = yes || s.WriteOnly
		return !yes
	})
	return yes
}

// credential tells whether a member with this name holds a stored credential,
// which no reply has a reason to hold. The list is short on purpose: tokens,
// keys and codes are lawful in replies that issue them.
func credential(name string) bool {
	const longest = 32
	if len(name) > longest {
		return false
	}
	var buf [longest]byte
	n := 0
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
	switch string(buf[:n]) {
	case "password", "passwd", "pwd", "passwordhash", "hashedpassword", "encryptedpassword", "passworddigest", "passwordsalt", "passwdhash", "pwhash", "pwdhash", "hashedpwd",
		"totpsecret", "otpsecret", "mfasecret", "twofactorsecret", "privatekey":
		return true
	}
	return false
}

// last is the last part of a JSON pointer, still escaped: no name that matters
// here needs an escape.
func last(pointer string) string { return pointer[strings.LastIndexByte(pointer, '/')+1:] }
