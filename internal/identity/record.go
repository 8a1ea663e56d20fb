package identity

import (
	"fmt"
	"strings"
	"time"
)

// Flags are things seen about a key that its owner should know.
type Flags uint32

// The flags. Their values are stored: never renumber them.
const (
	SeenInClear Flags = 1 << iota // it came over plain HTTP: count it as leaked
)

// String names the flags, separated by commas; "" for none.
func (f Flags) String() string {
	var names []string
	if f&SeenInClear != 0 {
		names = append(names, "seen over plain HTTP")
	}
	if rest := f &^ SeenInClear; rest != 0 {
		names = append(names, fmt.Sprintf("0x%x", uint32(rest)))
	}
	return strings.Join(names, ", ")
}

// A Record is what is kept about a key: never the key. Times are UTC with
// milliseconds; a zero time means "not".
type Record struct {
	ID     string // public, such as k_4fT0a9ZkQ1
	Hint   string // what may be shown of the key, such as sp_live_8f2…
	Digest Digest

	Name   string   // what the key is for, in the owner's words
	Owner  string   // the subject in whose name it calls
	Scopes []string // sorted, without repetition
	Tier   string   // names the quotas that count

	Created       time.Time
	Expires       time.Time // never zero: every key ends
	Revoked       time.Time
	RevokedReason string
	RotatedTo     string    // id of the successor
	OverlapEnd    time.Time // until when a rotated key still works

	LastUsed time.Time // to about a minute
	Flags    Flags
}

// State is what a check of the key finds at now: Revoked, RotatedOut, Expired
// or Valid.
func (r Record) State(now time.Time) Reason {
	switch {
	case !r.Revoked.IsZero():
		return Revoked
	case r.RotatedTo != "" && !now.Before(r.OverlapEnd):
		return RotatedOut
	case !now.Before(r.Expires):
		return Expired
	}
	return Valid
}

// Caller is who calls with the key.
func (r Record) Caller() Caller {
	return Caller{ID: r.Owner, KeyID: r.ID, Kind: Client, Owner: r.Owner, Scopes: r.Scopes, Tier: r.Tier}
}

// A Kind says what stands behind a Caller.
type Kind uint8

// The kinds of callers. The zero Kind is nobody.
const (
	Anonymous Kind = iota
	User           // a person
	Client         // a program
	Both           // a program in the name of a person
)

// String is the word that events use.
func (k Kind) String() string {
	switch k {
	case Anonymous:
		return "anonymous"
	case User:
		return "user"
	case Client:
		return "client"
	case Both:
		return "both"
	}
	return "anonymous"
}

// A Caller is who calls. The zero Caller is nobody.
type Caller struct {
	ID     string // whom limits count and rules compare; survives rotation
	KeyID  string // the credential that was shown
	Kind   Kind
	Owner  string
	Scopes []string // shared with all requests of the key: never change it
	Tier   string
}
