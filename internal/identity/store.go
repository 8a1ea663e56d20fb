package identity

import (
	"context"
	"time"
)

// Store keeps records for the command line. Every change is durable and
// whole when its method returns nil, and did not happen otherwise, with one
// exception: after a canceled context it may have. Implementations are safe
// for use by several goroutines and processes.
type Store interface {
	// Add keeps a new record, or returns ErrTaken.
	Add(context.Context, Record) error
	// List returns the records that match, the oldest first, without error
	// when there are none.
	List(context.Context, Filter) ([]Record, error)
	// Rotate keeps the successor and marks its predecessor in one step, or
	// returns ErrConflict or ErrTaken and changes nothing.
	Rotate(context.Context, Rotation) error
	// Revoke marks a record for ever, or returns ErrConflict when it is not
	// there or revoked already.
	Revoke(context.Context, Revocation) error
}

// Feed is what a Keyring follows.
type Feed interface {
	// Changes returns records that were added or changed after the version
	// since, in the order of their changes; 0 asks for all. What was used
	// when is no change.
	Changes(ctx context.Context, since int64) (Changes, error)
	// MarkUsed merges what was seen into the records: the latest time, all
	// flags. Unknown ids are ignored.
	MarkUsed(context.Context, []Use) error
}

// Changes is one page of a Feed.
type Changes struct {
	Records []Record
	Version int64 // ask for the changes since this one next
	More    bool  // there are further pages
	Full    bool  // the feed starts again: what was known before is void
}

// A Rotation replaces one key by another.
type Rotation struct {
	ID         string // of the predecessor, which must be neither revoked nor rotated
	OverlapEnd time.Time
	Successor  Record
}

// A Revocation withdraws a key.
type Revocation struct {
	ID     string
	At     time.Time
	Reason string
}

// A Use says when a key was last seen, and how.
type Use struct {
	ID    string
	At    time.Time // zero: only the flags count
	Flags Flags
}

// MaxList is the most records that one List returns.
const MaxList = 1000

// A Filter selects records; all fields that are set must match.
type Filter struct {
	ID     string
	Digest *Digest
	Hint   string
	Owner  string

	UsableAt    time.Time // valid at this time
	UnusedSince time.Time // neither used nor made at this time or later

	After string // id of the last record of the page before
	Limit int    // 0 or more than MaxList is MaxList
}

// Bound is the limit that counts, between 1 and MaxList.
func (f Filter) Bound() int {
	if f.Limit <= 0 || f.Limit > MaxList {
		return MaxList
	}
	return f.Limit
}

// Matches tells whether r passes everything but After and Limit. It is the
// meaning of a Filter; stores that answer by query must agree with it.
func (f Filter) Matches(r Record) bool {
	seen := r.LastUsed
	if seen.Before(r.Created) {
		seen = r.Created
	}
	return (f.ID == "" || f.ID == r.ID) &&
		(f.Digest == nil || *f.Digest == r.Digest) &&
		(f.Hint == "" || f.Hint == r.Hint) &&
		(f.Owner == "" || f.Owner == r.Owner) &&
		(f.UsableAt.IsZero() || r.State(f.UsableAt) == Valid) &&
		(f.UnusedSince.IsZero() || seen.Before(f.UnusedSince))
}
