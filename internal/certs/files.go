package certs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

// FileOptions say which files to serve.
type FileOptions struct {
	Pairs []Pair   // at least one
	Names []string // hosts that the pairs must be for, taken together
	Clock clock.Clock
	Fault Report
	// Poll is how often the files are read when no notice of a change comes,
	// as on network file systems: 30 s.
	Poll time.Duration
	// Quiet is how long the files must stay the same before they are taken,
	// since a certificate and its key are written one after the other: 300 ms.
	Quiet time.Duration
}

const (
	defaultPoll  = 30 * time.Second
	defaultQuiet = 300 * time.Millisecond
)

// Files serves certificates from files and takes new ones when the files
// change, by symlink swaps as Kubernetes does them too.
type Files struct {
	o    FileOptions
	book atomic.Pointer[book]
	seen [sha256.Size]byte // digest of what book was made of; owned by Run after OpenFiles
}

// OpenFiles reads and checks all pairs. A pair that cannot be read or used,
// and a name that no pair is for, is a source.Diagnostic at the file.
func OpenFiles(o FileOptions) (*Files, error) {
	if o.Poll <= 0 {
		o.Poll = defaultPoll
	}
	if o.Quiet <= 0 {
		o.Quiet = defaultQuiet
	}
	if len(o.Pairs) == 0 {
		return nil, errors.New("open certificates: no pair is named")
	}
	f := &Files{o: o}
	texts, err := f.read()
	if err != nil {
		return nil, err
	}
	b, err := f.parse(texts)
	if err != nil {
		return nil, err
	}
	f.seen = digest(texts, nil)
	f.book.Store(b)
	return f, nil
}

// Certificate answers a handshake from the pairs that were good last.
func (f *Files) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.book.Load().find(hello), nil
}

// Expiry lists the certificates that are served now.
func (f *Files) Expiry() []Expiry { return f.book.Load().expiry() }

// Run takes new files in until ctx ends. New files that are bad are reported
// once, with code cert/kept around the reason, and the old ones serve on.
func (f *Files) Run(ctx context.Context) error {
	notices, stop := f.watch()
	defer stop()
	tick := time.NewTicker(f.o.Poll)
	defer tick.Stop()
	// The first look is for changes since OpenFiles, before the watch began.
	for f.settle(ctx) {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-notices:
		}
	}
	return nil
}

// settle waits until the files rest and takes them if they are new. It
// returns false when ctx ended.
func (f *Files) settle(ctx context.Context) bool {
	texts, err := f.read()
	for now := digest(texts, err); now != f.seen; {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(f.o.Quiet):
		}
		texts, err = f.read()
		next := digest(texts, err)
		if next == now {
			f.take(texts, err)
			f.seen = now
		}
		now = next
	}
	return true
}

// take replaces the certificates, or reports why not.
func (f *Files) take(texts [][]byte, err error) {
	var b *book
	if err == nil {
		b, err = f.parse(texts)
	}
	if err != nil {
		f.o.Fault.tell(kept(err))
		return
	}
	f.book.Store(b)
}

// read returns the certificate and key text of each pair in turn.
func (f *Files) read() ([][]byte, error) {
	texts := make([][]byte, 0, 2*len(f.o.Pairs))
	for _, p := range f.o.Pairs {
		for _, path := range []string{p.Cert, p.Key} {
			b, err := readFile(path)
			if err != nil {
				return nil, err
			}
			texts = append(texts, b)
		}
	}
	return texts, nil
}

func (f *Files) parse(texts [][]byte) (*book, error) {
	entries := make([]*entry, 0, len(f.o.Pairs))
	for i, p := range f.o.Pairs {
		e, err := parsePair(p, texts[2*i], texts[2*i+1])
		if err != nil {
			return nil, err
		}
		if err := e.check(f.o.Clock.Now()); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if name := missing(f.o.Names, entries); name != "" {
		first := entries[0]
		return nil, diagnostic(first.from, CodeName, fmt.Sprintf("is for %s, not for %s", strings.Join(names(first.cert.Leaf), ", "), name),
			"name a certificate for the host of listen, or change listen")
	}
	return newBook(entries), nil
}

// digest tells states of the files apart; a failure to read is a state too.
func digest(texts [][]byte, err error) [sha256.Size]byte {
	h := sha256.New()
	if err != nil {
		_, _ = fmt.Fprintf(h, "error %v", err)
	}
	for _, t := range texts {
		_, _ = fmt.Fprintf(h, "%d\n", len(t))
		_, _ = h.Write(t)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// watch gives a notice when something happens in a folder of the files. It is
// a hint only: where it cannot be had, polling does the work.
func (f *Files) watch() (<-chan fsnotify.Event, func()) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, func() {}
	}
	for _, p := range f.o.Pairs {
		// The folder and not the file: a swapped symlink or a rename over the
		// file would end a watch on the file itself.
		_ = w.Add(filepath.Dir(p.Cert))
		_ = w.Add(filepath.Dir(p.Key))
	}
	events := make(chan fsnotify.Event, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case e, ok := <-w.Events:
				if !ok {
					return
				}
				select {
				case events <- e:
				default: // a notice is waiting already
				}
			case _, ok := <-w.Errors:
				if !ok {
					return
				}
			}
		}
	}()
	return events, func() {
		_ = w.Close()
		<-done
	}
}
