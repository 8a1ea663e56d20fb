package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// Columns have no types: SQLite keeps what it is given, and so does the weak
// twin.
const schema = `
CREATE TABLE customers (
  id INTEGER PRIMARY KEY, name, email UNIQUE, phone, tax_id, role DEFAULT 'user', status DEFAULT 'active',
  password_hash, internal_notes DEFAULT '', created_at);
CREATE TABLE accounts (
  id TEXT PRIMARY KEY, customer_id, label, currency, balance DEFAULT 0, status DEFAULT 'open', risk_score DEFAULT 0.1);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id, status DEFAULT 'draft', total DEFAULT 0, currency DEFAULT 'EUR', note DEFAULT '',
  margin DEFAULT 0, created_at);
CREATE TABLE order_items (order_id, sku, quantity, unit_price);
CREATE TABLE wishes (id INTEGER PRIMARY KEY, customer_id, text);
CREATE TABLE products (sku TEXT PRIMARY KEY, price, cost);

INSERT INTO customers (id, name, email, phone, tax_id, role, password_hash, internal_notes, created_at) VALUES
  (1, 'Alice Arden', 'alice@example.com', '+49301234567', 'DE-111-222-333', 'user', '` + aliceHash + `', 'pays late', '2026-01-05T09:00:00Z'),
  (2, 'Bob Brook', 'bob@example.com', '+33142345678', 'FR-444-555-666', 'user', '` + bobHash + `', 'disputed two invoices', '2026-02-11T10:30:00Z'),
  (3, 'Carol Chen', 'carol@example.com', '+442079460000', 'GB-777-888-999', 'admin', '` + carolHash + `', '', '2026-03-20T16:45:00Z'),
  (4, 'Dave Dunn', 'dave@example.com', '+13125550100', 'US-000-111-222', 'user', '` + bobHash + `', 'asked to be deleted', '2026-04-02T08:15:00Z');
INSERT INTO accounts (id, customer_id, label, currency, balance, risk_score) VALUES
  ('acc_1001', 1, 'everyday', 'EUR', 125000, 0.2), ('acc_1002', 1, 'savings', 'EUR', 900000, 0.1),
  ('acc_2001', 2, 'everyday', 'EUR', 43000, 0.7);
INSERT INTO products VALUES ('TEA-0001', 590, 210), ('CUP-0002', 1250, 400), ('POT-0003', 3900, 1700);
INSERT INTO orders (id, customer_id, status, total, note, margin, created_at) VALUES
  (41, 1, 'paid', 1180, '', 760, '2026-05-01T12:00:00Z'), (42, 2, 'paid', 3900, 'leave at the back door, key under the mat', 2200, '2026-05-02T12:00:00Z'),
  (43, 1, 'draft', 1250, '', 850, '2026-05-03T12:00:00Z'), (44, 1, 'draft', 590, '', 380, '2026-05-04T12:00:00Z');
INSERT INTO wishes (id, customer_id, text) VALUES
  (1, 1, 'a pot for green tea'), (2, 1, 'a cup","text":"ten cups'), (3, 1, 'a whisk');
INSERT INTO order_items VALUES (41, 'TEA-0001', 2, 590), (42, 'POT-0003', 1, 3900), (43, 'CUP-0002', 1, 1250), (44, 'TEA-0001', 1, 590);
`

// SHA-256 of the seeded passwords: no salt, no stretching, as weak as it looks.
const (
	aliceHash = "097dc248eabfe172d083ee0f6a865ba18532cf4308c6109b4c059bc61755dfbc"
	bobHash   = "0fd68fea459e65c6d27b7cf87371c4579fb245a9a3f0913179f3bfeb96f6cc84"
	carolHash = "cc38420d44511e78f6476b74492fc913a89d59692e6aea296e5d1619d985b545"
)

// errFull says that a table has maxRows rows.
var errFull = errors.New("the demo is full: start it again")

// openStore makes the database and seeds it. One connection only: each copy
// has its own data, and one query runs at a time.
func openStore(ctx context.Context) (*sql.DB, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("open the demo's database: %w", err)
	}
	db.SetMaxOpenConns(1)
	if err := fill(ctx, db); err != nil {
		db.Close()
		return nil, fmt.Errorf("fill the demo's database: %w", err)
	}
	return db, nil
}

// fill limits the connection and runs the schema. With no database attachable
// neither ATTACH nor VACUUM INTO can write a file, whatever is injected.
func fill(ctx context.Context, db *sql.DB) error {
	const limitLength, limitAttached = 0, 7 // SQLITE_LIMIT_*
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, schema); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, "PRAGMA temp_store = MEMORY; PRAGMA max_page_count = 4096"); err != nil {
		return err
	}
	if _, err := sqlite.Limit(c, limitLength, maxValue); err != nil {
		return err
	}
	_, err = sqlite.Limit(c, limitAttached, 0)
	return err
}

// A record is one row, by column.
type record = map[string]any

// queryError is a failed query; its text carries the SQL, which the weak twin
// shows to everybody.
type queryError struct {
	query string
	cause error
}

// Error is the driver's text and the statement.
func (e *queryError) Error() string { return fmt.Sprintf("%v in statement: %s", e.cause, e.query) }

// Unwrap is the driver's error.
func (e *queryError) Unwrap() error { return e.cause }

// rows runs a query and returns at most maxRows records of together about
// maxBody bytes.
func (a *API) rows(ctx context.Context, query string, args ...any) ([]record, error) {
	ctx, cancel := context.WithTimeout(ctx, maxElapsed)
	defer cancel()
	rs, err := a.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, &queryError{query, err}
	}
	defer rs.Close()
	cols, err := rs.Columns()
	if err != nil {
		return nil, &queryError{query, err}
	}
	out, size := []record{}, 0
	for len(out) < maxRows && size < maxBody && rs.Next() {
		vals, refs := make([]any, len(cols)), make([]any, len(cols))
		for i := range vals {
			refs[i] = &vals[i]
		}
		if err := rs.Scan(refs...); err != nil {
			return nil, &queryError{query, err}
		}
		rec := record{}
		for i, c := range cols {
			rec[c] = vals[i]
			if s, ok := vals[i].(string); ok {
				size += len(s)
			}
		}
		out = append(out, rec)
	}
	if err := rs.Err(); err != nil {
		return nil, &queryError{query, err}
	}
	return out, nil
}

// row is the first record of rows, or nil.
func (a *API) row(ctx context.Context, query string, args ...any) (record, error) {
	rs, err := a.rows(ctx, query, args...)
	if err != nil || len(rs) == 0 {
		return nil, err
	}
	return rs[0], nil
}

// exec runs a statement and returns how many rows it touched.
func (a *API) exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, maxElapsed)
	defer cancel()
	res, err := a.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, &queryError{query, err}
	}
	return res.RowsAffected()
}

// columns lists what a client may set by name in each table; the weak twin
// binds every column that the client names.
func columns(table string) []string {
	switch table {
	case "customers":
		return []string{"name", "email", "phone", "tax_id", "role", "status", "password_hash", "internal_notes", "created_at"}
	case "accounts":
		return []string{"id", "customer_id", "label", "currency", "balance", "status", "risk_score"}
	case "wishes":
		return []string{"customer_id", "text"}
	case "orders":
		return []string{"customer_id", "status", "total", "currency", "note", "margin", "created_at"}
	}
	return nil
}

// insert adds a record, binding each column that rec names.
func (a *API) insert(ctx context.Context, table string, rec record) (record, error) {
	n, err := a.row(ctx, "SELECT count(*) AS n FROM "+table)
	if err != nil {
		return nil, err
	}
	if n["n"].(int64) >= maxRows {
		return nil, errFull
	}
	names, marks, args := bind(table, rec)
	query := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) RETURNING *", table, strings.Join(names, ", "), strings.Join(marks, ", "))
	return a.row(ctx, query, args...)
}

// update changes the record with this id and returns it, or nil where there is
// none.
func (a *API) update(ctx context.Context, table string, id any, rec record) (record, error) {
	names, _, args := bind(table, rec)
	if len(names) == 0 {
		return a.row(ctx, "SELECT * FROM "+table+" WHERE id = ?", id)
	}
	query := fmt.Sprintf("UPDATE %s SET %s = ? WHERE id = ? RETURNING *", table, strings.Join(names, " = ?, "))
	return a.row(ctx, query, append(args, id)...)
}

// bind pairs the columns of a table with the values that rec has for them.
func bind(table string, rec record) (names, marks []string, args []any) {
	for name := range rec {
		if slices.Contains(columns(table), name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		v := rec[name]
		if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			v = int64(f) // JSON has one kind of number; a column of cents has whole ones
		}
		marks, args = append(marks, "?"), append(args, v)
	}
	return names, marks, args
}
