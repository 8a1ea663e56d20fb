package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A headKind says what a head signs.
type headKind string

// The kinds of head.
const (
	headMark headKind = "head"      // the records so far of a segment
	headEnd  headKind = "end"       // all records of a segment; none follows in it
	headTomb headKind = "tombstone" // a segment that retention deleted
)

// A Head is one signed statement about the log. Each holds the hash of the one
// before it, so that they form a chain.
type Head struct {
	Kind    headKind
	Segment uint64
	First   uint64 // sequence number of the first record of the segment
	Count   uint64 // records that Root covers
	Root    hash
	Prev    hash   // of the line of the head before; zeros in the very first
	Of      hash   // tombstone only: of the line of the deleted segment's end head
	Open    uint64 // the oldest segment that holds an intent without its exchange
	Time    time.Time
	Key     string // fingerprint of the public key
}

// headLayout is RFC 3339 in UTC with six digits of a second.
const headLayout = "2006-01-02T15:04:05.000000Z"

// signedPrefix separates these signatures from all others by the same key.
const signedPrefix = "sallyport ledger head v1\n"

// maxHead bounds one line of a heads file, in bytes.
const maxHead = 1024

var (
	errHead      = errors.New("not a head in its canonical form")
	errSignature = errors.New("the signature does not verify")
	errOtherKey  = errors.New("signed with another key")
)

// signer signs heads with one key.
type signer struct {
	private     ed25519.PrivateKey
	fingerprint string
}

// public is the key that its signatures verify with.
func (s *signer) public() ed25519.PublicKey {
	return ed25519.PublicKey(s.private[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// Fingerprint names a public key: the first 8 bytes of its SHA-256, in
// hexadecimal.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// line is the head as it stands in a heads file, without the line break.
func (s *signer) line(h *Head) []byte {
	h.Key = s.fingerprint
	body := h.appendBody(nil)
	signature := ed25519.Sign(s.private, append([]byte(signedPrefix), body...))
	body = append(body, `,"sig":"`...)
	body = base64.RawStdEncoding.AppendEncode(body, signature)
	return append(body, `"}`...)
}

// appendBody appends what is signed: the line up to the signature.
func (h *Head) appendBody(b []byte) []byte {
	number := func(name string, v uint64) {
		b = append(append(b, name...), strconv.FormatUint(v, 10)...)
	}
	b = append(b, `{"v":1,"kind":"`...)
	b = append(b, h.Kind...)
	number(`","segment":`, h.Segment)
	number(`,"first":`, h.First)
	number(`,"count":`, h.Count)
	b = hex.AppendEncode(append(b, `,"root":"`...), h.Root[:])
	b = hex.AppendEncode(append(b, `","prev":"`...), h.Prev[:])
	if h.Kind == headTomb {
		b = hex.AppendEncode(append(b, `","of":"`...), h.Of[:])
	}
	number(`","open":`, h.Open)
	b = h.Time.UTC().AppendFormat(append(b, `,"time":"`...), headLayout)
	b = append(append(b, `","key":"`...), h.Key...)
	return append(b, '"')
}

// parseHead reads a line and checks that it has the canonical form. It does
// not check the signature.
func parseHead(line []byte) (h Head, body, signature []byte, err error) {
	rest, ok := strings.CutPrefix(string(line), `{"v":1,"kind":"`)
	if len(line) > maxHead || !ok {
		return h, nil, nil, errHead
	}
	// until returns what stands before the next name. It is lax, and so are the
	// conversions below: the comparison makes the reading strict.
	until := func(name string) (value string) {
		value, rest, _ = strings.Cut(rest, name)
		return value
	}
	number := func(name string) uint64 {
		n, _ := strconv.ParseUint(until(name), 10, 64)
		return n
	}
	sum := func(name string) (to hash) {
		if text := until(name); len(text) == 2*len(to) {
			_, _ = hex.Decode(to[:], []byte(text))
		}
		return to
	}
	h.Kind = headKind(until(`","segment":`))
	h.Segment, h.First, h.Count = number(`,"first":`), number(`,"count":`), number(`,"root":"`)
	h.Root = sum(`","prev":"`)
	switch h.Kind {
	case headMark, headEnd:
		h.Prev = sum(`","open":`)
	case headTomb:
		h.Prev, h.Of = sum(`","of":"`), sum(`","open":`)
	default:
		return Head{}, nil, nil, errHead
	}
	h.Open = number(`,"time":"`)
	h.Time, _ = time.Parse(headLayout, until(`","key":"`))
	h.Key = until(`","sig":"`)
	text := until(`"}`)
	signature, err = base64.RawStdEncoding.Strict().DecodeString(text)
	body = h.appendBody(make([]byte, 0, len(line)))
	if err != nil || rest != "" || string(line) != string(body)+`,"sig":"`+text+`"}` {
		return Head{}, nil, nil, errHead
	}
	return h, body, signature, nil
}

// checkHead reads a line and checks its form and signature.
func checkHead(line []byte, key ed25519.PublicKey) (Head, error) {
	h, body, signature, err := parseHead(line)
	if err != nil {
		return h, err
	}
	if h.Key != Fingerprint(key) {
		return h, fmt.Errorf("%w: %s, want %s", errOtherKey, h.Key, Fingerprint(key))
	}
	if !ed25519.Verify(key, append([]byte(signedPrefix), body...), signature) {
		return h, errSignature
	}
	return h, nil
}
