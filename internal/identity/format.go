// Package identity says who calls: it makes API keys, checks them on the
// request path without a database, and changes them for the command line.
//
// A key is a bearer secret that only its holder keeps. Everything here works
// on its SHA-256 digest, which is enough because the key holds 256 random
// bits: there is nothing to guess, so there is nothing to stretch.
package identity

import (
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"strings"

	"github.com/sallyport/sallyport/internal/lib/secret"
)

// The parts of a key: PREFIX_live_ BODY CHECKSUM.
const (
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	infix    = "_live_"
	bodyLen  = 43 // base62 digits that hold 256 bits
	sumLen   = 6  // base62 digits that hold a CRC32
	tailLen  = bodyLen + sumLen
	hintLen  = 3 // digits of the body that a hint shows: under 18 of 256 bits
	idLen    = 10
	idPrefix = "k_"

	minPrefix, maxPrefix = 2, 16
	maxKeyLen            = maxPrefix + len(infix) + tailLen
	minKeyLen            = minPrefix + len(infix) + tailLen
)

// maxBody is 2^256-1 in base62; a greater body stands for no 256 bits.
const maxBody = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"

// DefaultPrefix begins the keys of an installation that names no prefix.
const DefaultPrefix = "sp"

// A Digest is the SHA-256 of a whole key; it is all that a store keeps of it.
type Digest [sha256.Size]byte

// DigestOf hashes the text of a key.
func DigestOf(key secret.Text) Digest { return sha256.Sum256([]byte(key.Reveal())) }

// CheckPrefix tells whether p may begin keys: 2 to 16 lower-case letters and
// digits, a letter first. The error is an *Error with code key/prefix.
func CheckPrefix(p string) error {
	if !validPrefix(p) {
		return &Error{Code: CodePrefix, Text: "the prefix of keys is not usable",
			Hint: "use 2 to 16 lower-case letters and digits, a letter first, such as acme"}
	}
	return nil
}

// CheckFormat tells offline whether text can be a key: its length, alphabet
// and checksum. It returns nil or an *Error with code key/malformed or
// key/checksum that never quotes the text. A well-formed key may still be
// unknown, expired or revoked.
func CheckFormat(text secret.Text) error {
	s := text.Reveal()
	switch inspect(s) {
	case Valid:
		return nil
	case BadChecksum:
		return &Error{Code: CodeChecksum, Text: "the checksum of the key does not match",
			Hint: "a character was mistyped; copy the whole key again"}
	}
	return &Error{Code: CodeMalformed, Text: "the text is not a key: " + malformation(s),
		Hint: "a key looks like " + DefaultPrefix + infix + "… with " + fmt.Sprint(tailLen) + " letters and digits after the last _"}
}

// malformation says what is wrong with the shape of s without quoting it.
func malformation(s string) string {
	at := strings.LastIndex(s, infix)
	switch {
	case s == "":
		return "it is empty"
	case strings.TrimSpace(s) != s:
		return "it has blanks around it"
	case at < 0:
		return "it has no " + infix
	case !validPrefix(s[:at]):
		return "its prefix has characters that no prefix has, or a wrong length"
	case len(s)-at-len(infix) != tailLen:
		return fmt.Sprintf("%d characters follow %s where %d should", len(s)-at-len(infix), infix, tailLen)
	case !isBase62(s[at+len(infix):]):
		return "it has a character that is neither a letter nor a digit"
	}
	return "its value is out of range"
}

// inspect checks the format of s strictly. It does not allocate and returns
// Malformed, BadChecksum or Valid.
func inspect(s string) Reason {
	if len(s) < minKeyLen || len(s) > maxKeyLen {
		return Malformed
	}
	head, tail := s[:len(s)-tailLen], s[len(s)-tailLen:]
	prefix, ok := strings.CutSuffix(head, infix)
	if !ok || !validPrefix(prefix) || !isBase62(tail) || tail[:bodyLen] > maxBody {
		return Malformed
	}
	want := checksum(s[:len(s)-sumLen])
	if tail[bodyLen:] != string(want[:]) {
		return BadChecksum
	}
	return Valid
}

// checksum is the CRC32 (IEEE) of s in base62. It finds mistakes of typing,
// not attacks: anybody can compute it.
func checksum(s string) [sumLen]byte {
	crc := ^uint32(0)
	for i := range len(s) { // crc32.ChecksumIEEE would force s onto the heap
		crc = crc32.IEEETable[byte(crc)^s[i]] ^ (crc >> 8)
	}
	crc = ^crc
	var out [sumLen]byte
	for i := sumLen - 1; i >= 0; i-- {
		out[i] = alphabet[crc%62]
		crc /= 62
	}
	return out
}

func validPrefix(p string) bool {
	if len(p) < minPrefix || len(p) > maxPrefix || p[0] < 'a' || p[0] > 'z' {
		return false
	}
	for i := range len(p) {
		if c := p[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func isBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// newKey makes a key of 256 bits read from rand.
func newKey(prefix string, rand io.Reader) (secret.Text, error) {
	var bits [32]byte
	if _, err := io.ReadFull(rand, bits[:]); err != nil {
		return secret.Text{}, fmt.Errorf("read randomness for a key: %w", err)
	}
	s := prefix + infix + base62(bits[:])
	sum := checksum(s)
	return secret.New(s + string(sum[:])), nil
}

// base62 writes 32 bytes as exactly bodyLen digits, the greatest first.
func base62(b []byte) string {
	n, base, digit := new(big.Int).SetBytes(b), big.NewInt(62), new(big.Int)
	var out [bodyLen]byte
	for i := bodyLen - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = alphabet[digit.Int64()]
	}
	return string(out[:])
}

// newID makes a public key id. It is random and says nothing about the key.
func newID(rand io.Reader) (string, error) {
	out := append(make([]byte, 0, len(idPrefix)+idLen), idPrefix...)
	var b [1]byte
	for len(out) < cap(out) {
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return "", fmt.Errorf("read randomness for a key id: %w", err)
		}
		if b[0] < 4*62 { // the rest would make some digits likelier than others
			out = append(out, alphabet[b[0]%62])
		}
	}
	return string(out), nil
}

// isID tells whether s has the shape of a public key id.
func isID(s string) bool {
	tail, ok := strings.CutPrefix(s, idPrefix)
	return ok && len(tail) == idLen && isBase62(tail)
}

// hintOf is what may be shown of a key: its prefix and its first digits.
func hintOf(key secret.Text) string {
	s := key.Reveal()
	return s[:len(s)-tailLen+hintLen] + "…"
}

// parseHint reads a hint as a user types it, with or without the ellipsis,
// and returns it as records carry it.
func parseHint(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "…"), "...")
	at := len(s) - hintLen
	if at < 0 || !isBase62(s[at:]) {
		return "", false
	}
	prefix, ok := strings.CutSuffix(s[:at], infix)
	return s + "…", ok && validPrefix(prefix)
}
