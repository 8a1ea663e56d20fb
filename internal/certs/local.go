package certs

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

const (
	certFile = "ca.pem"
	keyFile  = "ca-key.pem"
	// renewCheck is how often Run looks at the clock: a machine may sleep.
	renewCheck = time.Hour
)

// LocalOptions say where the local authority lies and whom it is for.
type LocalOptions struct {
	Dir    string   // its folder, made with mode 0700; the parent must exist
	Names  []string // what `listen` names: DNS names and IP literals, at least one
	Clock  clock.Clock
	Random io.Reader // nil means crypto/rand
	Fault  Report
}

// Local is a certificate authority of this gateway alone, for a first start
// without a certificate. It is never put into a trust store; clients are given
// the path of its certificate.
//
// Limits: since Go 1.26, crypto/ecdsa draws keys from the system whatever
// Random is.
type Local struct {
	o     LocalOptions
	ca    *authority
	aside string
	book  atomic.Pointer[book]
}

// OpenLocal opens the authority in o.Dir, or makes one, and issues a leaf. The
// caller holds the lock of the state folder. Where the names have changed, or
// the authority ends within 180 days, a new one is made and the folder of the
// old one is renamed; Aside tells its new name. Files that cannot be read are a
// source.Diagnostic; they are never replaced.
func OpenLocal(o LocalOptions) (*Local, error) {
	if len(o.Names) == 0 {
		return nil, errors.New("open the local authority: no name is given")
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	l := &Local{o: o}
	ca, err := l.open()
	if err != nil {
		return nil, err
	}
	if ca == nil || !ca.covers(o.Names) || o.Clock.Now().Add(authoritySpare).After(ca.cert.NotAfter) {
		if ca, err = l.replace(ca); err != nil {
			return nil, err
		}
	}
	l.ca = ca
	if err := l.renew(); err != nil {
		return nil, err
	}
	return l, nil
}

// CertPath is the file to print as --cacert.
func (l *Local) CertPath() string { return filepath.Join(l.o.Dir, certFile) }

// Aside is the folder in which the former authority lies, or "" where none
// was replaced. Clients that use the former ca.pem need the new one.
func (l *Local) Aside() string { return l.aside }

// Certificate answers a handshake.
func (l *Local) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return l.book.Load().find(hello), nil
}

// Expiry is that of the leaf and of the authority.
func (l *Local) Expiry() []Expiry {
	return append(l.book.Load().expiry(), Expiry{Names: []string{l.ca.cert.Subject.CommonName}, NotAfter: l.ca.cert.NotAfter, From: l.CertPath()})
}

// Run renews the leaf at two thirds of its life, until ctx ends.
func (l *Local) Run(ctx context.Context) error {
	tick := time.NewTicker(renewCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		leaf := l.book.Load().all[0].cert.Leaf
		if l.o.Clock.Now().Before(leaf.NotAfter.Add(-leafLife / 3)) {
			continue
		}
		if err := l.renew(); err != nil {
			l.o.Fault.tell(kept(err))
		}
	}
}

func (l *Local) renew() error {
	e, err := l.ca.issue(l.o.Names, l.o.Clock.Now(), l.o.Random)
	if err != nil {
		return fmt.Errorf("renew the certificate of the local authority: %w", err)
	}
	l.book.Store(newBook([]*entry{e}))
	return nil
}

// open returns the authority in the folder, or nil where there is none.
func (l *Local) open() (*authority, error) {
	if _, err := os.Lstat(l.o.Dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	p := Pair{l.CertPath(), filepath.Join(l.o.Dir, keyFile)}
	e, err := load(p)
	if err != nil {
		return nil, broken(l.o.Dir, err)
	}
	if !e.cert.Leaf.IsCA {
		return nil, broken(l.o.Dir, errors.New("its certificate is not that of an authority"))
	}
	if err := tighten(l.o.Dir); err != nil {
		return nil, broken(l.o.Dir, err)
	}
	key, ok := e.cert.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, broken(l.o.Dir, errors.New("its key cannot sign"))
	}
	return &authority{e.cert.Leaf, key}, nil
}

// replace makes an authority in a folder beside, moves old aside and puts the
// new one in its place: at no moment is there half an authority under o.Dir.
func (l *Local) replace(old *authority) (*authority, error) {
	ca, err := newAuthority(l.o.Names, l.o.Clock.Now(), l.o.Random)
	if err != nil {
		return nil, fmt.Errorf("make the local authority: %w", err)
	}
	fresh := l.o.Dir + ".new"
	if err := ca.write(fresh); err != nil {
		return nil, unwritable(fresh, err)
	}
	if old != nil {
		l.aside = fmt.Sprintf("%s.%s", l.o.Dir, l.o.Clock.Now().UTC().Format("20060102T150405.000000000"))
		if err := os.Rename(l.o.Dir, l.aside); err != nil {
			return nil, unwritable(l.aside, err)
		}
	}
	if err := os.Rename(fresh, l.o.Dir); err != nil {
		return nil, unwritable(l.o.Dir, err)
	}
	return ca, nil
}

// write makes the folder dir with the files of a; one left from a crash goes.
func (a *authority) write(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clear %s: %w", dir, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of the local authority: %w", err)
	}
	key, err := a.pemKey()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{keyFile, key}, {certFile, a.pemCert()}} {
		if err := writeSynced(filepath.Join(dir, f.name), f.text); err != nil {
			return err
		}
	}
	return nil
}

// writeSynced makes the file path with mode 0600 and waits until it is on the
// disk.
func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	_, err = f.Write(text)
	if e := f.Sync(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// tighten takes rights of others away that somebody has added.
func tighten(dir string) error {
	for path, mode := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, keyFile): 0o600, filepath.Join(dir, certFile): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("look at %s: %w", path, err)
		}
		if info.Mode().Perm()&^mode == 0 {
			continue
		}
		if err := os.Chmod(path, info.Mode().Perm()&mode); err != nil {
			return fmt.Errorf("tighten the mode of %s: %w", path, err)
		}
	}
	return nil
}

func broken(dir string, err error) error {
	return diagnostic(dir, CodeLocalCA, fmt.Sprintf("holds a local authority that cannot be used: %v", err),
		"move the folder away to have a new one made; clients then need the new ca.pem")
}

func unwritable(path string, err error) error {
	return diagnostic(path, CodeUnwritable, fmt.Sprintf("cannot be written: %v", err), "make the state folder writable for this user, and see that the disk is not full")
}
