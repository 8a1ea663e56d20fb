package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"modernc.org/sqlite"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/store"
	"github.com/sallyport/sallyport/source"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		os.Exit(child(path, os.Getenv(childTask)))
	}
	goleak.VerifyTestMain(m)
}

// keysOf returns the operations on a store, at the real time.
func keysOf(t testing.TB, s identity.Store) *identity.Keys {
	t.Helper()
	k, err := identity.NewKeys(s, identity.Settings{Clock: clock.System{}, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// create makes a key.
func create(t testing.TB, k *identity.Keys) identity.Issued {
	t.Helper()
	issued, err := k.Create(t.Context(), identity.Spec{Name: "test", Owner: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// wantCode checks the code of a *store.Error, and that it tells what to do.
func wantCode(t testing.TB, err error, want source.Code) {
	t.Helper()
	var e *store.Error
	if !errors.As(err, &e) || e.Code != want || e.Hint == "" {
		t.Errorf("error %v, want one with code %s and a hint", err, want)
	}
}

// refused opens a path that must be refused.
func refused(t testing.TB, path string, want source.Code) {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err == nil {
		t.Error(s.Close())
	}
	wantCode(t, err, want)
}

// file makes a store with a key in it and closes it.
func file(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sallyport.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	create(t, keysOf(t, s))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// edit runs SQL on a file from outside.
func edit(t testing.TB, path, query string) {
	t.Helper()
	c, err := sqlite.NewConnector(dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	_, err = db.Exec(query)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestTheFileIsPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := openAt(t, filepath.Join(dir, "sallyport.db"))
	create(t, keysOf(t, s))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Fatalf("files %v (%v), want the database, -wal and -shm", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v (%v)", e.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v (%v)", info.Mode(), err)
	}
}

func TestRightsOfOthersAreTakenAway(t *testing.T) {
	t.Parallel()
	path := file(t)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
}

func TestAFolderThatOthersWriteToIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	refused(t, filepath.Join(dir, "sallyport.db"), store.CodeExposed)
}

func TestPathsAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "100%.db", "%41.db", "a?mode=memory", "a#b", "ü.db", ":memory:", "a&b=c", "file:x", "q'\".db"} {
		path := filepath.Join(t.TempDir(), name)
		s := openAt(t, path)
		issued := create(t, keysOf(t, s))
		again := openAt(t, path)
		if _, err := keysOf(t, again).Show(t.Context(), issued.Key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s is not where the data is: %v", name, err)
		}
	}
}

func TestPathsThatCannotBeAStoreAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, filepath.Join(plain, "sallyport.db"), store.CodeOpen) // its folder is a file
	refused(t, dir, store.CodeOpen)                                  // it is a folder
	refused(t, "/proc/version", store.CodeOpen)                      // nobody can write it
	refused(t, "/dev/full", store.CodeOpen)                          // it is no regular file
	if os.Getuid() == 0 {
		return // root may write everywhere
	}
	locked := filepath.Join(dir, "locked")
	if err := os.Mkdir(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	refused(t, filepath.Join(locked, "sallyport.db"), store.CodeOpen)
}

func TestFilesThatAreNotOursAreLeftAlone(t *testing.T) {
	t.Parallel()
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	if err := os.WriteFile(foreign, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	edit(t, foreign, "CREATE TABLE api_key (id TEXT)")
	newer := file(t)
	edit(t, newer, fmt.Sprintf("PRAGMA journal_mode = DELETE; PRAGMA user_version = %d", len(migrations())+1))
	text := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(text, bytes.Repeat([]byte("not a database\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]source.Code{foreign: store.CodeForeign, newer: store.CodeNewer, text: store.CodeCorrupt} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, path, want)
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("the file refused with %s was changed (%v)", want, err)
		}
		if left, _ := filepath.Glob(path + "?*"); len(left) > 0 {
			t.Errorf("files are left behind: %v", left)
		}
	}
}

func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"cut off":          func(b []byte) []byte { return b[:len(b)/2] },
		"a header of ones": func(b []byte) []byte { copy(b, bytes.Repeat([]byte{0xff}, 100)); return b },
		"pages of ones": func(b []byte) []byte {
			for i := 4096; i < len(b); i++ {
				b[i] = 0xff
			}
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := file(t)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(b), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), path)
			if err == nil {
				defer s.Close()
				_, err = s.Changes(t.Context(), 0)
				wantCode(t, s.Verify(t.Context()), store.CodeCorrupt)
			}
			wantCode(t, err, store.CodeCorrupt)
		})
	}
}

func TestASoundFileVerifies(t *testing.T) {
	t.Parallel()
	s := openAt(t, file(t))
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestManyProcessesMayOpenAFileThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "sallyport.db")
	errs := make(chan error)
	for range 8 {
		go func() {
			s, err := Open(context.Background(), path)
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestAnExchangedFileIsNoticed(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := openAt(t, path)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Changes(t.Context(), 0)
	wantCode(t, err, store.CodeReplaced)
	openAt(t, path)
	_, err = s.Changes(t.Context(), 0)
	wantCode(t, err, store.CodeReplaced)
}

func TestTheSchemaKeepsItsPromisesFromEveryWriter(t *testing.T) {
	t.Parallel()
	s := open(t)
	k := keysOf(t, s)
	dead, live := create(t, k), create(t, k)
	if _, err := k.Revoke(t.Context(), dead.Key, "test"); err != nil {
		t.Fatal(err)
	}
	before, err := s.Changes(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"UPDATE api_key SET revoked = NULL WHERE revoked IS NOT NULL":        "a revoked key stays revoked",
		"UPDATE api_key SET revoked = revoked + 1 WHERE revoked IS NOT NULL": "a revoked key stays revoked",
		"DELETE FROM api_key":                      "a key is revoked, never deleted",
		"UPDATE api_key SET digest = zeroblob(32)": "what identifies a key never changes",
		"INSERT OR REPLACE INTO api_key (id, digest, hint, name, owner, scopes, tier, created, expires) SELECT id, digest, hint, name, owner, scopes, tier, created, expires FROM api_key": "the key is there already",
		"INSERT OR REPLACE INTO api_key SELECT * FROM api_key LIMIT 1": "the key is there already",
		"UPDATE api_key SET rotated_to = 'k_nowhere', overlap = 1":     "FOREIGN KEY",
		"UPDATE api_key SET overlap = 1":                               "CHECK",
		"UPDATE api_key SET expires = 'never'":                         "cannot store TEXT",
	} {
		_, err := s.db.ExecContext(t.Context(), query)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
	if r, err := k.Show(t.Context(), dead.Key); err != nil || r.Revoked.IsZero() {
		t.Errorf("the revoked key lives: %+v, %v", r, err)
	}
	if _, err := s.db.ExecContext(t.Context(), "UPDATE api_key SET revoked = 1 WHERE id = ?", live.Record.ID); err != nil {
		t.Fatal(err)
	}
	page, err := s.Changes(t.Context(), before.Version)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, r := range page.Records {
		found = found || r.ID == live.Record.ID && !r.Revoked.IsZero()
	}
	if !found {
		t.Errorf("a revocation by hand is not among the changes: %+v", page)
	}
}

func TestMigrationsRunOnceAndWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := openAt(t, file(t))
	good := append(migrations(), "CREATE TABLE extra (a INTEGER); INSERT INTO extra VALUES (1)")
	for range 2 { // the second time there is nothing to do
		if err := s.climb(t.Context(), good); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.climb(t.Context(), append(good, "INSERT INTO extra VALUES (2); INSERT INTO nowhere VALUES (1)")); err == nil {
		t.Error("a broken migration succeeded")
	}
	var version, sum, app int
	err := s.db.QueryRowContext(t.Context(), `SELECT (SELECT user_version FROM pragma_user_version), (SELECT sum(a) FROM extra),
		(SELECT application_id FROM pragma_application_id)`).Scan(&version, &sum, &app)
	if err != nil || version != len(good) || sum != 1 || app != applicationID {
		t.Errorf("version %d, sum %d, application %x, %v; want %d, 1, %x", version, sum, app, err, len(good), applicationID)
	}
	refused(t, s.path, store.CodeNewer)
	if keys, err := s.List(t.Context(), identity.Filter{}); err != nil || len(keys) != 1 {
		t.Errorf("after the migrations there are %d keys, %v", len(keys), err)
	}
}

func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.db.SetMaxOpenConns(1) // the limit below is one of the connection
	k := keysOf(t, s)
	var pages int
	if err := s.db.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if err := s.db.QueryRowContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages+4)).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	var made []identity.Issued
	for range 10_000 {
		issued, err := k.Create(t.Context(), identity.Spec{Name: strings.Repeat("n", 100), Owner: "alice"})
		if err != nil {
			wantCode(t, err, store.CodeFull)
			break
		}
		made = append(made, issued)
	}
	if len(made) == 0 || len(made) == 10_000 {
		t.Fatalf("%d keys fitted", len(made))
	}
	got, err := s.List(t.Context(), identity.Filter{})
	if err != nil || len(got) != len(made) {
		t.Errorf("%d keys are kept of %d (%v)", len(got), len(made), err)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := k.Revoke(t.Context(), made[0].Key, ""); err != nil {
		t.Errorf("a revocation needs no room here, yet: %v", err)
	}
	if err := s.db.QueryRowContext(t.Context(), "PRAGMA max_page_count = 1000000").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	create(t, k)
}

func TestAHeldLockIsReported(t *testing.T) {
	t.Parallel()
	path := file(t)
	holder, s := openAt(t, path), openAt(t, path)
	k := keysOf(t, s)
	tx, err := holder.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Create(t.Context(), identity.Spec{Name: "n", Owner: "o"})
	wantCode(t, err, store.CodeBusy)
	if _, err := s.Changes(t.Context(), 0); err != nil {
		t.Errorf("a writer keeps readers out: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	create(t, k)
}

func TestChangesComeInPages(t *testing.T) {
	t.Parallel()
	s := open(t)
	const n = 2*pageSize + 10
	many(t, s, n)
	began := time.Now()
	k, err := identity.NewKeyring(t.Context(), s, clock.System{}, identity.Following{})
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Status().Keys; got != n {
		t.Errorf("the keyring knows %d keys, want %d", got, n)
	}
	t.Logf("%d keys in %v", n, time.Since(began))
	page, err := s.Changes(t.Context(), pageSize)
	if err != nil || len(page.Records) != pageSize || !page.More || page.Version != 2*pageSize {
		t.Errorf("the second page has %d records, version %d, more %v (%v)", len(page.Records), page.Version, page.More, err)
	}
}

// plant is a key that must appear nowhere.
func plant(t testing.TB, k *identity.Keys) (issued identity.Issued, leaks func(where, text string)) {
	t.Helper()
	issued = create(t, k)
	body := issued.Key.Reveal()[len("sp_live_"):]
	return issued, func(where, text string) {
		t.Helper()
		for i := 0; i+8 <= len(body); i++ {
			if strings.Contains(text, body[i:i+8]) {
				t.Errorf("%s shows a part of the key", where)
				return
			}
		}
	}
}

func TestThePlantedKeyIsInNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sallyport.db")
	s := openAt(t, path)
	k := keysOf(t, s)
	issued, leaks := plant(t, k)
	ring, err := identity.NewKeyring(t.Context(), s, clock.System{}, identity.Following{})
	if err != nil {
		t.Fatal(err)
	}
	ring.Verify(issued.Key)
	if _, err := k.Create(t.Context(), identity.Spec{Name: issued.Key.Reveal(), Owner: "o"}); err == nil {
		t.Error("a key may be the name of another")
	}
	if _, err := k.Revoke(t.Context(), issued.Key, "leaked "+issued.Key.Reveal()); err == nil {
		t.Error("a key may stand in a reason")
	}
	if _, err := k.Show(t.Context(), secret.New(issued.Key.Reveal()+" ")); err == nil {
		t.Error("a key with a blank is found")
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		leaks(filepath.Base(f), string(b))
	}
}
