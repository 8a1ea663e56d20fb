//go:build unix

package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A shaky is a file system of SQLite of which some operations fail: those from
// number at on, as many as lasts. Everything else is done by SQLite's own, and
// a write that fails writes half. It is registered until the test ends.
type shaky struct {
	name string
	tls  *libc.TLS
	vfs  *sqlite3.Tsqlite3_vfs // the copy with our functions
	real sqlite3.Tsqlite3_vfs

	mu      sync.Mutex
	methods map[uintptr]uintptr // of SQLite's files, to our copies
	keep    []any               // functions that SQLite points to
	count   int
	at      int
	lasts   int
	way     way
	hit     []string
}

// A way is how operations fail: the extended codes that SQLite's own file
// system would give. 0 is none: the operation works.
type way struct {
	name                                string
	open, read, write, sync, trunc, del int32
}

// The ways that a disk fails. A disk that is full or read-only still reads and
// syncs; a broken one does nothing.
func ways() []way {
	return []way{
		{name: "full", open: 0, write: sqlite3.SQLITE_FULL, trunc: sqlite3.SQLITE_IOERR_TRUNCATE},
		{name: "read-only", open: sqlite3.SQLITE_CANTOPEN, write: sqlite3.SQLITE_READONLY, trunc: sqlite3.SQLITE_READONLY, del: sqlite3.SQLITE_READONLY},
		{name: "without sync", sync: sqlite3.SQLITE_IOERR_FSYNC},
		{name: "broken", open: sqlite3.SQLITE_CANTOPEN, read: sqlite3.SQLITE_IOERR_READ, write: sqlite3.SQLITE_IOERR_WRITE,
			sync: sqlite3.SQLITE_IOERR_FSYNC, trunc: sqlite3.SQLITE_IOERR_TRUNCATE, del: sqlite3.SQLITE_IOERR_DELETE},
	}
}

// pointer makes a Go function one that SQLite can call; call does the reverse.
func pointer[F any](s *shaky, f F) uintptr {
	p := &f
	s.keep = append(s.keep, p)
	return *(*uintptr)(unsafe.Pointer(p))
}

func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{p})) }

// in is what SQLite has at an address of its own memory, which Go does not move.
func in[T any](at uintptr) *T { return *(**T)(unsafe.Pointer(&at)) }

type (
	openFunc  = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	delFunc   = func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32
	blockFunc = func(tls *libc.TLS, file, buf uintptr, n int32, at int64) int32
	truncFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc  = func(tls *libc.TLS, file uintptr, flags int32) int32
)

// newShaky registers a file system; nothing fails yet.
func newShaky(t *testing.T, name string) *shaky {
	t.Helper()
	s := &shaky{name: name, tls: libc.NewTLS(), methods: map[uintptr]uintptr{}}
	zName, err := libc.CString(name)
	if err != nil {
		t.Fatal(err)
	}
	s.real = *in[sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(s.tls, 0))
	at := libc.Xmalloc(s.tls, libc.Tsize_t(unsafe.Sizeof(s.real)))
	s.vfs = in[sqlite3.Tsqlite3_vfs](at)
	*s.vfs = s.real
	s.vfs.FzName, s.vfs.FpNext = zName, 0
	s.vfs.FxOpen, s.vfs.FxDelete = pointer(s, s.open), pointer(s, s.remove)
	if rc := sqlite3.Xsqlite3_vfs_register(s.tls, at, 0); rc != sqlite3.SQLITE_OK {
		t.Fatalf("register: %d", rc)
	}
	t.Cleanup(func() {
		sqlite3.Xsqlite3_vfs_unregister(s.tls, at)
		s.tls.Close()
	})
	return s
}

// set says which operations fail from now on, and counts anew.
func (s *shaky) set(at, lasts int, w way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count, s.at, s.lasts, s.way, s.hit = 0, at, lasts, w, nil
}

// fails counts one operation that has a code in this way of failing, and
// returns the code when it is its turn.
func (s *shaky) fails(what string, code func(*way) int32) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := code(&s.way)
	if c == 0 && s.way.name != "" {
		return 0
	}
	s.count++
	if s.count < s.at || s.count >= s.at+s.lasts {
		return 0
	}
	s.hit = append(s.hit, what)
	return c
}

func (s *shaky) open(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32 {
	if flags&(sqlite3.SQLITE_OPEN_WAL|sqlite3.SQLITE_OPEN_MAIN_JOURNAL) != 0 {
		if c := s.fails("open", func(w *way) int32 { return w.open }); c != 0 {
			in[sqlite3.Tsqlite3_file](file).FpMethods = 0
			return c
		}
	}
	rc := call[openFunc](s.real.FxOpen)(tls, vfs, name, file, flags, out)
	f := in[sqlite3.Tsqlite3_file](file)
	if f.FpMethods != 0 {
		f.FpMethods = s.wrap(tls, f.FpMethods)
	}
	return rc
}

// wrap returns our copy of the methods of a file.
func (s *shaky) wrap(tls *libc.TLS, methods uintptr) uintptr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.methods[methods]; ok {
		return at
	}
	real := *in[sqlite3.Tsqlite3_io_methods](methods)
	at := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(real)))
	m := in[sqlite3.Tsqlite3_io_methods](at)
	*m = real
	m.FxRead = pointer(s, blockFunc(func(tls *libc.TLS, file, buf uintptr, n int32, at int64) int32 {
		if c := s.fails("read", func(w *way) int32 { return w.read }); c != 0 {
			return c
		}
		return call[blockFunc](real.FxRead)(tls, file, buf, n, at)
	}))
	m.FxWrite = pointer(s, blockFunc(func(tls *libc.TLS, file, buf uintptr, n int32, at int64) int32 {
		if c := s.fails("write", func(w *way) int32 { return w.write }); c != 0 {
			call[blockFunc](real.FxWrite)(tls, file, buf, n/2, at)
			return c
		}
		return call[blockFunc](real.FxWrite)(tls, file, buf, n, at)
	}))
	m.FxTruncate = pointer(s, truncFunc(func(tls *libc.TLS, file uintptr, size int64) int32 {
		if c := s.fails("truncate", func(w *way) int32 { return w.trunc }); c != 0 {
			return c
		}
		return call[truncFunc](real.FxTruncate)(tls, file, size)
	}))
	m.FxSync = pointer(s, syncFunc(func(tls *libc.TLS, file uintptr, flags int32) int32 {
		if c := s.fails("sync", func(w *way) int32 { return w.sync }); c != 0 {
			return c
		}
		return call[syncFunc](real.FxSync)(tls, file, flags)
	}))
	s.methods[methods] = at
	return at
}

func (s *shaky) remove(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	if c := s.fails("delete", func(w *way) int32 { return w.del }); c != 0 {
		return c
	}
	return call[delFunc](s.real.FxDelete)(tls, vfs, name, syncDir)
}

// openOn opens a store on the file system.
func (s *shaky) openOn(ctx context.Context, path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := prepare(abs); err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(dsn(abs) + "&vfs=" + s.name)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", abs, err)
	}
	st := &Store{db: sql.OpenDB(connector), path: abs}
	st.db.SetMaxOpenConns(maxConns)
	st.db.SetMaxIdleConns(maxConns)
	if err := st.start(ctx); err != nil {
		return nil, fmt.Errorf("%w; close: %v", err, st.db.Close())
	}
	return st, nil
}
