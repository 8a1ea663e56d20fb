package event

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

// An ID names one decision: a ULID, 48 bits of milliseconds since 1970 and 80
// random bits. IDs sort by time. They are public and hard to guess, but no
// secret. The zero ID means that there is none.
type ID [16]byte

// IDLen is the length of the text of an ID.
const IDLen = 26

// crockford is the alphabet of Crockford's base 32.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// errID is what ParseID returns for every other text.
var errID = errors.New("a decision id has 26 characters of 0-9 and A-Z without I, L, O and U, the first at most 7")

// IsZero tells whether there is no ID.
func (id ID) IsZero() bool { return id == ID{} }

// String is the ID as 26 characters of Crockford's base 32.
func (id ID) String() string { return string(id.Append(make([]byte, 0, IDLen))) }

// Append appends the text of the ID to dst.
func (id ID) Append(dst []byte) []byte {
	dst = append(dst, crockford[id[0]>>5], crockford[id[0]&31]) // 26 characters hold 130 bits: the first two hold one byte
	for i := 1; i < len(id); i += 5 {
		b := id[i : i+5]
		dst = append(dst,
			crockford[b[0]>>3], crockford[(b[0]<<2|b[1]>>6)&31], crockford[(b[1]>>1)&31], crockford[(b[1]<<4|b[2]>>4)&31],
			crockford[(b[2]<<1|b[3]>>7)&31], crockford[(b[3]>>2)&31], crockford[(b[3]<<3|b[4]>>5)&31], crockford[b[4]&31])
	}
	return dst
}

// ParseID reads the text of an ID. Lower case is accepted, since people type
// ids; no other spelling is.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != IDLen {
		return id, errID
	}
	var v [IDLen]byte
	for i := range IDLen {
		c, ok := digit(s[i])
		if !ok {
			return ID{}, errID
		}
		v[i] = c
	}
	if v[0] > 7 {
		return ID{}, errID
	}
	id[0] = v[0]<<5 | v[1]
	for i, j := 1, 2; i < len(id); i, j = i+5, j+8 {
		d := v[j : j+8]
		id[i] = d[0]<<3 | d[1]>>2
		id[i+1] = d[1]<<6 | d[2]<<1 | d[3]>>4
		id[i+2] = d[3]<<4 | d[4]>>1
		id[i+3] = d[4]<<7 | d[5]<<2 | d[6]>>3
		id[i+4] = d[6]<<5 | d[7]
	}
	return id, nil
}

// digit is the value of one character.
func digit(c byte) (byte, bool) {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	for i := range len(crockford) {
		if crockford[i] == c {
			return byte(i), true
		}
	}
	return 0, false
}

// Milli is the time in the ID, in milliseconds since 1970.
func (id ID) Milli() int64 {
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return ms
}

// IDs makes IDs. It reads its randomness in blocks, so that one ID costs a
// lock and a copy. It is safe for concurrent use: no two calls get the same
// random bits.
type IDs struct {
	clock clock.Clock
	rand  io.Reader

	mu   sync.Mutex
	pool [1024 - 1024%randomBytes]byte
	used int // bytes of pool that are spent
}

// randomBytes is how much of an ID is random.
const randomBytes = 10

// NewIDs returns a source of IDs. rand must be a cryptographic source, such as
// crypto/rand.Reader, for IDs to be hard to guess.
func NewIDs(c clock.Clock, rand io.Reader) *IDs {
	s := &IDs{clock: c, rand: rand}
	s.used = len(s.pool)
	return s
}

// NewID returns a fresh ID, or the error of the source of randomness.
func (s *IDs) NewID() (ID, error) {
	var id ID
	ms := s.clock.Now().UnixMilli()
	for i := 5; i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used == len(s.pool) {
		if _, err := io.ReadFull(s.rand, s.pool[:]); err != nil {
			return ID{}, fmt.Errorf("make a decision id: %w", err)
		}
		s.used = 0
	}
	copy(id[6:], s.pool[s.used:s.used+randomBytes])
	s.used += randomBytes
	return id, nil
}
