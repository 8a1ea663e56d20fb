package event

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"
)

// Sizes of the cryptography of a Box, in bytes.
const (
	KeySize   = 32 // AES-256
	NonceSize = 12
	tagSize   = 16
	nameSize  = 15 // of a pseudonym: 120 bits, 24 characters
)

// ErrBox is what Open returns for a Box that its key does not open: it was
// changed, or belongs to another record or another key.
var ErrBox = errors.New("the personal fields do not open")

// A Key protects the personal fields of one subject (or of all anonymous
// callers of a day). It is immutable and safe for concurrent use.
type Key struct {
	handle string
	aead   cipher.AEAD
	mac    []byte    // key of the pseudonyms
	macs   sync.Pool // of hash.Hash under mac
	rooms  sync.Pool // of *room
	named  atomic.Pointer[named]
}

// NewKey makes a Key from KeySize secret bytes and the public handle under
// which the key table finds it again. Encryption and pseudonyms use two keys
// derived from secret, so that neither tells about the other.
func NewKey(handle string, secret []byte) (*Key, error) {
	if len(secret) != KeySize {
		return nil, fmt.Errorf("make the key %s of a subject: %d bytes, want %d", handle, len(secret), KeySize)
	}
	box, err := hkdf.Expand(sha256.New, secret, "sallyport event box v1", KeySize)
	if err != nil {
		return nil, fmt.Errorf("make the key %s of a subject: %w", handle, err)
	}
	mac, err := hkdf.Expand(sha256.New, secret, "sallyport event pseudonym v1", KeySize)
	if err != nil {
		return nil, fmt.Errorf("make the key %s of a subject: %w", handle, err)
	}
	block, err := aes.NewCipher(box)
	if err != nil {
		return nil, fmt.Errorf("make the key %s of a subject: %w", handle, err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make the key %s of a subject: %w", handle, err)
	}
	return &Key{handle: handle, aead: aead, mac: mac}, nil
}

// Handle is the public name of the key; it tells nothing about the subject.
func (k *Key) Handle() string { return k.handle }

// Pseudonym is the name that subject has in the log: a truncated HMAC-SHA256
// under this key, 24 characters of base 32. It is the same for the same key
// and subject, and cannot be made or checked without the key.
func (k *Key) Pseudonym(subject string) string {
	if n := k.named.Load(); n != nil && n.subject == subject {
		return n.pseudonym
	}
	h, ok := k.macs.Get().(hash.Hash)
	if !ok {
		h = hmac.New(sha256.New, k.mac)
	}
	defer k.macs.Put(h)
	h.Reset()
	h.Write([]byte(subject))
	n := &named{subject, base32.StdEncoding.EncodeToString(h.Sum(nil)[:nameSize])}
	k.named.Store(n)
	return n.pseudonym
}

// named is the pseudonym that a key gave last: most keys have one subject.
type named struct{ subject, pseudonym string }

// Seal fills e.Box from e.Personal, and leaves it empty when there is nothing
// to seal. The nonce must never be used twice with one key; Seal binds the Box
// to the kind and id of e. It sets the bits of e.Cut for what it had to cut.
func (k *Key) Seal(e *Event, nonce [NonceSize]byte) {
	e.Box = Box{Data: e.Box.Data[:0]}
	if e.Personal == (Personal{}) {
		return
	}
	m, ok := k.rooms.Get().(*room)
	if !ok {
		m = &room{}
	}
	defer k.rooms.Put(m)
	w := writer{b: m.plain[:0]}
	w.text(`,"subject":"`, e.Personal.Subject, MaxName, CutSubject)
	w.text(`,"address":"`, e.Personal.Address, MaxName, CutAddress)
	w.text(`,"path":"`, e.Personal.Path, MaxPath, CutPath)
	w.text(`,"agent":"`, e.Personal.UserAgent, MaxText, CutUserAgent)
	w.b[0] = '{' // one of them is not empty
	m.plain, m.bound = append(w.b, '}'), appendBound(m.bound[:0], e)
	e.Cut |= w.cut
	e.Box.Key = k.handle
	e.Box.Data = append(e.Box.Data, nonce[:]...)
	e.Box.Data = k.aead.Seal(e.Box.Data, e.Box.Data[:NonceSize], m.plain, m.bound)
	clear(m.plain)
}

// A room is what Seal needs beside the event; plain is cleared after use.
type room struct{ plain, bound []byte }

// Open fills e.Personal from e.Box. It does nothing when the Box is empty.
func (k *Key) Open(e *Event) error {
	if len(e.Box.Data) == 0 {
		return nil
	}
	if len(e.Box.Data) < NonceSize+tagSize || e.Box.Key != k.handle {
		return ErrBox
	}
	plain, err := k.aead.Open(nil, e.Box.Data[:NonceSize], e.Box.Data[NonceSize:], appendBound(nil, e))
	if err != nil {
		return ErrBox
	}
	p, err := parsePersonal(plain)
	if err != nil {
		return fmt.Errorf("read the personal fields: %w", err)
	}
	e.Personal = p
	return nil
}

// appendBound writes what a Box is bound to, so that it cannot be moved to
// another record: the 16 bytes of the id, and the name of the kind.
func appendBound(dst []byte, e *Event) []byte {
	return append(append(dst, e.ID[:]...), e.Kind.String()...)
}

func parsePersonal(b []byte) (p Personal, err error) {
	r := reader{b: b, newer: true} // a later version may keep more fields of a person
	r.object("", func(n string) bool {
		switch n {
		case "subject":
			p.Subject = r.text(MaxName)
		case "address":
			p.Address = r.text(MaxName)
		case "path":
			p.Path = r.text(MaxPath)
		case "agent":
			p.UserAgent = r.text(MaxText)
		default:
			return false
		}
		return true
	})
	if r.err == nil && r.i != len(b) {
		r.fail("more text follows")
	}
	return p, r.err
}
