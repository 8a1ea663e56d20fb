// Package secret holds text that must not be printed by accident.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
)

// Text is a secret: a key, a token, a password. Every usual way to print it
// yields [secret]; only Reveal gives the bytes. The zero Text is empty.
type Text struct{ s string }

// shown stands wherever a Text is printed.
const shown = "[secret]"

// errNoJSON keeps a Text out of JSON documents, even as a placeholder.
var errNoJSON = errors.New("a secret has no JSON form")

// New wraps s.
func New(s string) Text { return Text{s} }

// Reveal returns the secret itself. Call it only where it is used.
func (t Text) Reveal() string { return t.s }

// Empty tells whether there is no secret.
func (t Text) Empty() bool { return t.s == "" }

// Equal compares in constant time; only the lengths of the hashes, which are
// always equal, could leak.
func (t Text) Equal(o Text) bool {
	a, b := sha256.Sum256([]byte(t.s)), sha256.Sum256([]byte(o.s))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Format prints [secret] for every verb, %#v included.
func (Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(shown)) }

// LogValue prints [secret] in structured logs.
func (Text) LogValue() slog.Value { return slog.StringValue(shown) }

// MarshalJSON always fails: a secret belongs in no JSON document.
func (Text) MarshalJSON() ([]byte, error) { return nil, errNoJSON }

// MarshalText always fails, for the encoders that ask for text.
func (Text) MarshalText() ([]byte, error) { return nil, errNoJSON }
