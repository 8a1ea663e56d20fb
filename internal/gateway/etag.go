package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Entity tags to the client are ours, over the bytes that it gets: the same
// object may look different to two callers. The upstream's own tag travels
// inside ours, so that If-Match still protects updates.
//
//	"sp.HASH.UPSTREAM"   HASH and UPSTREAM in base64url

const (
	tagMark = `"sp.`
	// maxTag is the longest tag of an upstream that travels inside ours; with a
	// longer one, If-Match passes as the client wrote it and fails upstream.
	maxTag = 256
)

// wrapTag makes our strong tag from the final body and the upstream's tag.
func wrapTag(body []byte, upstream string) string {
	sum := sha256.Sum256(body)
	inner := ""
	if len(upstream) <= maxTag {
		inner = base64.RawURLEncoding.EncodeToString([]byte(upstream))
	}
	return tagMark + base64.RawURLEncoding.EncodeToString(sum[:16]) + "." + inner + `"`
}

// unwrapTags replaces each of our tags in an If-Match by the upstream's. What
// is not ours stays.
func unwrapTags(list string) string {
	if !strings.Contains(list, tagMark) {
		return list
	}
	parts := strings.Split(list, ",")
	for i, p := range parts {
		p = strings.Trim(p, " \t")
		weak := strings.HasPrefix(p, "W/")
		inner, ok := strings.CutPrefix(strings.TrimPrefix(p, "W/"), tagMark)
		if !ok || weak {
			continue
		}
		_, coded, _ := strings.Cut(strings.TrimSuffix(inner, `"`), ".")
		if tag, err := base64.RawURLEncoding.DecodeString(coded); err == nil && lawfulTag(string(tag)) {
			parts[i] = string(tag)
		}
	}
	return strings.Join(parts, ", ")
}

// lawfulTag tells whether s is an entity-tag (RFC 9110 section 8.8.3). A client
// can write what it likes into ours, so what comes out is checked.
func lawfulTag(s string) bool {
	s = strings.TrimPrefix(s, "W/")
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	for _, c := range []byte(s[1 : len(s)-1]) {
		if c != 0x21 && (c < 0x23 || c > 0x7e) {
			return false
		}
	}
	return true
}

// matchesTag tells whether an If-None-Match names tag, by weak comparison.
func matchesTag(list, tag string) bool {
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for p := range strings.SplitSeq(list, ",") {
		if strings.TrimPrefix(strings.Trim(p, " \t"), "W/") == tag {
			return true
		}
	}
	return false
}
