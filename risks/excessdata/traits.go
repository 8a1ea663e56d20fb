package excessdata

import (
	"maps"
	"slices"
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
	for _, r := range op.Replies {
		for _, m := range r.Media {
			contract.Walk(m.Schema, func(s *contract.Schema) bool {
				t.schemas = true
				t.writes = t.writes || s.WriteOnly
				t.closes = t.closes || closed(s)
				for _, p := range s.Properties {
					says, listed := t.writeOnly[p.Name]
					t.writeOnly[p.Name] = onlyWritten(p.Schema) && (says || !listed)
				}
				return true
			})
		}
	}
	maps.DeleteFunc(t.writeOnly, func(_ string, only bool) bool { return !only })
	return t
}

// maxRefs bounds how many references are followed in a row.
const maxRefs = 32

// onlyWritten tells whether a member with schema s is write-only, by s or by
// what it refers to.
func onlyWritten(s *contract.Schema) bool {
	for n := 0; s != nil && n <= maxRefs; n++ {
		if s.WriteOnly {
			return true
		}
		s = s.Ref
	}
	return false
}

// others are the schemas that s itself has for members that it does not list.
func others(s *contract.Schema) []*contract.Schema {
	var out []*contract.Schema
	if s.AdditionalProperties != nil {
		out = append(out, s.AdditionalProperties)
	}
	if s.Rare != nil && s.Rare.UnevaluatedProperties != nil {
		out = append(out, s.Rare.UnevaluatedProperties)
	}
	return out
}

// closed tells whether s itself refuses members that it does not list.
func closed(s *contract.Schema) bool {
	return slices.ContainsFunc(others(s), func(o *contract.Schema) bool { return o.Never })
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
