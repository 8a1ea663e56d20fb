package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sallyport/sallyport/internal/identity"
)

// pageSize is how many records one page of Changes holds.
const pageSize = 5000

// columns is what scan reads, of api_key k left-joined with api_key_use u.
const (
	columns = `k.id, k.digest, k.hint, k.name, k.owner, k.scopes, k.tier, k.created, k.expires,
	k.revoked, k.reason, k.rotated_to, k.overlap, u.last, u.flags, k.seq`
	tables = ` FROM api_key k LEFT JOIN api_key_use u ON u.id = k.id `
)

// Add implements identity.Store.
func (s *Store) Add(ctx context.Context, r identity.Record) error {
	return s.change(ctx, "add a key to", func(tx *sql.Tx) error { return insert(ctx, tx, r) })
}

func insert(ctx context.Context, tx *sql.Tx, r identity.Record) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO api_key
		(id, digest, hint, name, owner, scopes, tier, created, expires, revoked, reason, rotated_to, overlap)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Digest[:], r.Hint, r.Name, r.Owner, strings.Join(r.Scopes, " "), r.Tier, r.Created.UnixMilli(), r.Expires.UnixMilli(),
		millis(r.Revoked), r.RevokedReason, text(r.RotatedTo), millis(r.OverlapEnd))
	var se *sqlite.Error
	if errors.As(err, &se) && se.Code() == sqlite3.SQLITE_CONSTRAINT_TRIGGER { // api_key_new
		return identity.ErrTaken
	}
	return err
}

// List implements identity.Store.
func (s *Store) List(ctx context.Context, f identity.Filter) ([]identity.Record, error) {
	where, args := conditions(f)
	args = append(args, f.Bound())
	records, _, err := s.query(ctx, "WHERE "+where+" ORDER BY k.n LIMIT ?", args)
	return records, err
}

// conditions is the WHERE of a Filter; identity.Filter.Matches says the same.
func conditions(f identity.Filter) (string, []any) {
	where, args := []string{"1"}, []any{}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if f.ID != "" {
		add("k.id = ?", f.ID)
	}
	if f.Digest != nil {
		add("k.digest = ?", f.Digest[:])
	}
	if f.Hint != "" {
		add("k.hint = ?", f.Hint)
	}
	if f.Owner != "" {
		add("k.owner = ?", f.Owner)
	}
	if !f.UsableAt.IsZero() {
		at := f.UsableAt.UnixMilli()
		add("k.revoked IS NULL AND k.expires > ? AND (k.overlap IS NULL OR k.overlap > ?)", at, at)
	}
	if !f.UnusedSince.IsZero() {
		add("max(k.created, ifnull(u.last, 0)) < ?", f.UnusedSince.UnixMilli())
	}
	if f.After != "" {
		add("k.n > (SELECT n FROM api_key WHERE id = ?)", f.After)
	}
	return strings.Join(where, " AND "), args
}

// Rotate implements identity.Store.
func (s *Store) Rotate(ctx context.Context, r identity.Rotation) error {
	return s.change(ctx, "rotate a key in", func(tx *sql.Tx) error {
		if err := insert(ctx, tx, r.Successor); err != nil {
			return err
		}
		return one(tx.ExecContext(ctx, `UPDATE api_key SET rotated_to = ?, overlap = ? WHERE id = ? AND rotated_to IS NULL AND revoked IS NULL`,
			r.Successor.ID, r.OverlapEnd.UnixMilli(), r.ID))
	})
}

// Revoke implements identity.Store.
func (s *Store) Revoke(ctx context.Context, r identity.Revocation) error {
	return s.change(ctx, "revoke a key in", func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `UPDATE api_key SET revoked = ?, reason = ? WHERE id = ? AND revoked IS NULL`, r.At.UnixMilli(), r.Reason, r.ID))
	})
}

// one makes a change of no row a conflict.
func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return identity.ErrConflict
	}
	return err
}

// Changes implements identity.Feed. It reads the counter first: a change
// between the two queries is then found now, and once more the next time.
func (s *Store) Changes(ctx context.Context, since int64) (identity.Changes, error) {
	if err := s.same(); err != nil {
		return identity.Changes{}, err
	}
	var newest int64
	if err := s.db.QueryRowContext(ctx, "SELECT n FROM change WHERE what = 'keys'").Scan(&newest); err != nil {
		return identity.Changes{}, s.explain("read", err)
	}
	if newest == since {
		return identity.Changes{Version: since}, nil
	}
	out := identity.Changes{Full: newest < since}
	if out.Full { // a backup was restored into the file
		since = 0
	}
	var err error
	out.Records, out.Version, err = s.query(ctx, "WHERE k.seq > ? ORDER BY k.seq LIMIT ?", []any{since, pageSize})
	if out.More = len(out.Records) == pageSize; !out.More {
		out.Version = max(out.Version, newest)
	}
	return out, err
}

// query reads records and the seq of the last of them.
func (s *Store) query(ctx context.Context, rest string, args []any) (out []identity.Record, seq int64, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+columns+tables+rest, args...)
	if err != nil {
		return nil, 0, s.explain("read", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r identity.Record
		if seq, err = scan(rows, &r); err != nil {
			return nil, 0, s.explain("read", err)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, s.explain("read", err)
	}
	return out, seq, nil
}

// scan reads one row of columns.
func scan(rows *sql.Rows, r *identity.Record) (seq int64, err error) {
	var (
		digest                       []byte
		scopes                       string
		created, expires             int64
		revoked, overlap, used, flag sql.NullInt64
		next                         sql.NullString
	)
	err = rows.Scan(&r.ID, &digest, &r.Hint, &r.Name, &r.Owner, &scopes, &r.Tier, &created, &expires,
		&revoked, &r.RevokedReason, &next, &overlap, &used, &flag, &seq)
	if err != nil {
		return 0, err
	}
	if copy(r.Digest[:], digest) != len(r.Digest) || len(digest) != len(r.Digest) {
		return 0, fmt.Errorf("key %s has a digest of %d bytes", r.ID, len(digest))
	}
	if scopes != "" {
		r.Scopes = strings.Split(scopes, " ")
	}
	r.RotatedTo, r.Flags = next.String, identity.Flags(flag.Int64)
	r.Created, r.Expires = at(sql.NullInt64{Int64: created, Valid: true}), at(sql.NullInt64{Int64: expires, Valid: true})
	r.Revoked, r.OverlapEnd, r.LastUsed = at(revoked), at(overlap), at(used)
	return seq, nil
}

// MarkUsed implements identity.Feed.
func (s *Store) MarkUsed(ctx context.Context, uses []identity.Use) error {
	return s.change(ctx, "note uses in", func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, `INSERT INTO api_key_use (id, last, flags)
			SELECT id, ?2, ?3 FROM api_key WHERE id = ?1
			ON CONFLICT (id) DO UPDATE SET last = nullif(max(ifnull(last, -1), ifnull(excluded.last, -1)), -1), flags = flags | excluded.flags`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, u := range uses {
			if _, err := stmt.ExecContext(ctx, u.ID, millis(u.At), int64(u.Flags)); err != nil {
				return err
			}
		}
		return nil
	})
}

func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func at(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMilli(n.Int64).UTC()
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
