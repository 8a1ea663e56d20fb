// Package sqlite keeps records in one SQLite file: no other process, no
// network, and safe for several processes of one machine at a time.
//
// Every change is one transaction with synchronous=FULL in WAL mode: it is on
// the disk when its method returns, and whole or absent after a kill or a
// loss of power. The file is 0600; WAL and shared memory lie beside it with
// the same mode.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite" // the driver

	"github.com/sallyport/sallyport/internal/store"
)

// The bounds of the pool and of waiting.
const (
	maxConns  = 4    // one writer, the poll of the keyring, and two that list
	busyMilli = 3000 // for the lock of another process, whose changes take milliseconds
)

// A Store is an open file. It is safe for concurrent use.
type Store struct {
	db   *sql.DB
	path string
	file os.FileInfo // what path named at Open
}

// Open opens or makes the file at path, and its folder (0700), and brings an
// older schema up to date. Its errors are *store.Error values wherever the
// user can do something: not writable, damaged, written by a newer version, a
// database of another program. A file that is refused is not changed.
func Open(ctx context.Context, path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the path of store %s: %w", path, err)
	}
	if err := prepare(abs); err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(dsn(abs))
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", abs, err)
	}
	s := &Store{db: sql.OpenDB(connector), path: abs}
	s.db.SetMaxOpenConns(maxConns)
	s.db.SetMaxIdleConns(maxConns)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// dsn is the address of the file with what every connection sets. The path is
// escaped; journal_mode is not here because it changes the file, which must
// not happen before its version is known.
func dsn(abs string) string {
	query := url.Values{
		"mode":          {"rw"}, // never made by SQLite, which would use the umask
		"_txlock":       {"immediate"},
		"_busy_timeout": {fmt.Sprint(busyMilli)},
		"_foreign_keys": {"on"},
		"_synchronous":  {"FULL"},
		"_defensive":    {"1"},
		"_pragma":       {"trusted_schema(0)"},
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: query.Encode()}).String()
}

// start checks and migrates the file, and remembers which one it is.
func (s *Store) start(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	var err error
	if s.file, err = os.Stat(s.path); err != nil {
		return openError(s.path, err)
	}
	return nil
}

// Close ends all connections. The file needs nothing after that.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store %s: %w", s.path, err)
	}
	return nil
}

// Verify reads the whole file and reports the first damage as a *store.Error;
// it takes seconds for a large file. `sallyport doctor` runs it.
func (s *Store) Verify(ctx context.Context) error {
	for _, pragma := range []string{"integrity_check(1)", "foreign_key_check"} {
		if err := s.pragmaIsQuiet(ctx, pragma); err != nil {
			return err
		}
	}
	return s.same()
}

// pragmaIsQuiet runs a check that answers nothing, or ok, when all is well.
func (s *Store) pragmaIsQuiet(ctx context.Context, pragma string) error {
	rows, err := s.db.QueryContext(ctx, "PRAGMA "+pragma)
	if err != nil {
		return s.explain("check", err)
	}
	defer rows.Close()
	if rows.Next() {
		var first any
		rest := make([]any, 0, 4)
		columns, err := rows.Columns()
		if err != nil {
			return s.explain("check", err)
		}
		rest = append(rest, &first)
		for range len(columns) - 1 {
			rest = append(rest, new(any))
		}
		if err := rows.Scan(rest...); err != nil {
			return s.explain("check", err)
		}
		if text, ok := first.(string); !ok || text != "ok" {
			return corrupt(s.path, fmt.Errorf("%s: %v", pragma, first))
		}
	}
	if err := rows.Err(); err != nil {
		return s.explain("check", err)
	}
	return nil
}

// same tells whether path still names the file that is open. A file that was
// exchanged under an open store takes changes that nobody here would see, a
// revocation among them.
func (s *Store) same() error {
	now, err := os.Stat(s.path)
	if err == nil && os.SameFile(now, s.file) {
		return nil
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return &store.Error{Code: store.CodeReplaced, Text: "store " + s.path + " was removed or exchanged while it was open",
			Hint: "put the file back, or restart to use the new one", Err: err}
	}
	return openError(s.path, err)
}
