package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store"
)

// change runs do in one transaction that holds the write lock from its start.
// It is committed as a whole or not at all.
func (s *Store) change(ctx context.Context, what string, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.explain(what, err)
	}
	if err := do(tx); err != nil {
		// A rollback that does not work leaves the transaction to be undone
		// when the connection closes; the first error is the one that counts.
		_ = tx.Rollback()
		return s.explain(what, err)
	}
	if err := tx.Commit(); err != nil {
		return s.explain(what, err)
	}
	return nil
}

// explain turns an error of SQLite into one that tells the user what to do.
// What is not the user's to mend is wrapped.
func (s *Store) explain(what string, err error) error {
	var known *store.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, identity.ErrTaken) || errors.Is(err, identity.ErrConflict) {
		return err
	}
	var se *sqlite.Error
	if !errors.As(err, &se) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s store %s: %w", what, s.path, err)
	}
	switch se.Code() & 0xff { // the primary code
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return corrupt(s.path, err)
	case sqlite3.SQLITE_FULL:
		return full(s.path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return &store.Error{Code: store.CodeReadOnly, Text: "store " + s.path + " cannot be written to", Hint: "give the user of sallyport the right to write the file and its folder", Err: err}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return &store.Error{Code: store.CodeBusy, Text: "another process holds store " + s.path + " for too long", Hint: "try again; `fuser` shows who has the file open", Err: err}
	case sqlite3.SQLITE_CANTOPEN:
		return openError(s.path, err)
	case sqlite3.SQLITE_IOERR:
		return ioError(s.path, se)
	}
	return fmt.Errorf("%s store %s: %w", what, s.path, err)
}

// ioError tells a disk that takes no more from one that fails.
func ioError(path string, err *sqlite.Error) error {
	switch err.Code() {
	case sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_SHMSIZE:
		return full(path, err)
	case sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS:
		return corrupt(path, err)
	}
	return &store.Error{Code: store.CodeDisk, Text: "the disk of store " + path + " gives errors",
		Hint: "look at the log of the system; then try again, whether this change was made is not sure", Err: err}
}

func corrupt(path string, err error) error {
	return &store.Error{Code: store.CodeCorrupt, Text: "store " + path + " is damaged",
		Hint: "restore it from a backup; keep the damaged file and its -wal for a closer look", Err: err}
}

func full(path string, err error) error {
	return &store.Error{Code: store.CodeFull, Text: "there is no room to write store " + path + "; nothing was changed",
		Hint: "free some space on that disk, then try again", Err: err}
}
