package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// watchEvery is how often files are looked at. Polling also sees symbolic links
// that are swapped, as Kubernetes does, and folders on a network.
const watchEvery = 500 * time.Millisecond

// A reader reads the files of documents and remembers which, so that they can
// be watched.
type reader struct {
	mu    sync.Mutex
	files map[string]struct{}
}

// Open implements openapi.Reader.
func (r *reader) Open(path string) (io.ReadCloser, error) {
	r.note(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // the loader wraps it
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	return os.Open(path) //nolint:wrapcheck // as above
}

// Resolve implements openapi.Reader.
func (r *reader) Resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err //nolint:wrapcheck // as above
	}
	return filepath.EvalSymlinks(abs) //nolint:wrapcheck // as above
}

func (r *reader) note(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files == nil {
		r.files = map[string]struct{}{}
	}
	r.files[path] = struct{}{}
}

// list is what was read, sorted.
func (r *reader) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.files))
}

// watch calls changed when a file of the list is no longer what it was, and
// has been the same for one look, since editors write in several steps. files
// is asked at each look. It returns when ctx ends.
func watch(ctx context.Context, files func() []string, changed func()) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	served := prints(files())
	before := served
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := prints(files())
		if !maps.Equal(now, served) && maps.Equal(now, before) {
			changed()
			// What is read now may be newer than what was just taken in: only
			// files that are new to the list are taken as they are.
			served = prints(files())
			for f, s := range now {
				if _, still := served[f]; still {
					served[f] = s
				}
			}
			now = prints(files())
		}
		before = now
	}
}

// A stamp is what tells two states of a file apart. Times alone are not enough:
// two writes may fall into one tick of the clock.
type stamp struct {
	size int64
	mod  time.Time
	hash [8]byte
}

// hashUpTo bounds which files are read at each look, in bytes; larger ones are
// told apart by size and time.
const hashUpTo = 256 << 10

func prints(files []string) map[string]stamp {
	out := make(map[string]stamp, len(files))
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			out[f] = stamp{size: -1}
			continue
		}
		s := stamp{size: info.Size(), mod: info.ModTime()}
		if info.Mode().IsRegular() && s.size <= hashUpTo {
			if text, err := os.ReadFile(f); err == nil {
				sum := sha256.Sum256(text)
				copy(s.hash[:], sum[:])
				s.mod = time.Time{}
			}
		}
		out[f] = s
	}
	return out
}
