package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/sallyport/sallyport/internal/store"
)

// applicationID marks the file as ours ("SPRT").
const applicationID = 0x53505254

// migrations bring a file from version n to n+1. They are never changed, only
// added to. SQLite makes each of them whole or undone.
//
// The schema itself keeps what must hold whoever writes: every change of a
// key gets a number (seq) from one counter, so that a keyring sees changes
// that were made by hand, too; a revoked key stays revoked; a key is never
// deleted, for the audit log names it.
func migrations() []string {
	return []string{`
CREATE TABLE change (what TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO change VALUES ('keys', 0);

CREATE TABLE api_key (
	n          INTEGER PRIMARY KEY,
	id         TEXT NOT NULL UNIQUE,
	digest     BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
	hint       TEXT NOT NULL,
	name       TEXT NOT NULL,
	owner      TEXT NOT NULL,
	scopes     TEXT NOT NULL, -- separated by one blank
	tier       TEXT NOT NULL,
	created    INTEGER NOT NULL, -- all times: Unix milliseconds
	expires    INTEGER NOT NULL,
	revoked    INTEGER,
	reason     TEXT NOT NULL DEFAULT '',
	rotated_to TEXT REFERENCES api_key (id) DEFERRABLE INITIALLY DEFERRED,
	overlap    INTEGER,
	seq        INTEGER NOT NULL DEFAULT 0,
	CHECK ((rotated_to IS NULL) = (overlap IS NULL))
) STRICT;
CREATE INDEX api_key_seq ON api_key (seq);
CREATE INDEX api_key_hint ON api_key (hint);
CREATE INDEX api_key_owner ON api_key (owner);

CREATE TABLE api_key_use (
	id    TEXT PRIMARY KEY REFERENCES api_key (id),
	last  INTEGER,
	flags INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TRIGGER api_key_new BEFORE INSERT ON api_key -- INSERT OR REPLACE deletes without a trigger
WHEN EXISTS (SELECT 1 FROM api_key WHERE n = NEW.n OR id = NEW.id OR digest = NEW.digest) BEGIN
	SELECT RAISE(ABORT, 'the key is there already');
END;
CREATE TRIGGER api_key_added AFTER INSERT ON api_key BEGIN
	UPDATE change SET n = n + 1 WHERE what = 'keys';
	UPDATE api_key SET seq = (SELECT n FROM change WHERE what = 'keys') WHERE n = NEW.n;
END;
CREATE TRIGGER api_key_changed
AFTER UPDATE OF n, id, digest, hint, name, owner, scopes, tier, created, expires, revoked, reason, rotated_to, overlap ON api_key BEGIN
	UPDATE change SET n = n + 1 WHERE what = 'keys';
	UPDATE api_key SET seq = (SELECT n FROM change WHERE what = 'keys') WHERE n = NEW.n;
END;
CREATE TRIGGER api_key_kept BEFORE DELETE ON api_key BEGIN
	SELECT RAISE(ABORT, 'a key is revoked, never deleted');
END;
CREATE TRIGGER api_key_fixed BEFORE UPDATE OF n, id, digest, created ON api_key BEGIN
	SELECT RAISE(ABORT, 'what identifies a key never changes');
END;
CREATE TRIGGER api_key_dead BEFORE UPDATE OF revoked ON api_key
WHEN OLD.revoked IS NOT NULL AND NEW.revoked IS NOT OLD.revoked BEGIN
	SELECT RAISE(ABORT, 'a revoked key stays revoked');
END;
`}
}

// migrate brings the file to the newest version, or refuses it untouched.
func (s *Store) migrate(ctx context.Context) error {
	if err := s.recognise(ctx); err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return s.explain("open", err)
	}
	return s.climb(ctx, migrations())
}

// climb runs the steps that the file has not seen.
func (s *Store) climb(ctx context.Context, steps []string) error {
	for range steps {
		done, err := s.step(ctx, steps)
		if err != nil || done {
			return err
		}
	}
	return nil
}

// recognise refuses files that are damaged, newer or not ours. It only reads.
func (s *Store) recognise(ctx context.Context) error {
	var app, version, tables int
	row := s.db.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`)
	if err := row.Scan(&app, &version, &tables); err != nil {
		return s.explain("open", err)
	}
	switch {
	case app != applicationID && (app != 0 || version != 0 || tables != 0):
		return &store.Error{Code: store.CodeForeign, Text: "store " + s.path + " is a database of another program", Hint: "name another folder with --state"}
	case version > len(migrations()):
		return &store.Error{Code: store.CodeNewer, Text: fmt.Sprintf("store %s was written by a newer version (schema %d, known is %d)", s.path, version, len(migrations())),
			Hint: "use that version of sallyport, or restore the backup made before the upgrade"}
	}
	return nil
}

// step runs the next migration in one transaction. The version is read inside
// it, so that two processes which start at once do not both run it.
func (s *Store) step(ctx context.Context, steps []string) (done bool, err error) {
	err = s.change(ctx, "migrate", func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if done = version >= len(steps); done {
			return nil
		}
		if _, err := tx.ExecContext(ctx, steps[version]); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", version+1, applicationID))
		return err
	})
	return done, err
}
