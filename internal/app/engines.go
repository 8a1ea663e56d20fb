package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/ledger"
	"github.com/sallyport/sallyport/risk"
)

// Files and folders of the state folder.
const (
	keysFile      = "keys.db"
	logDir        = "log"
	pseudonymFile = "pseudonym.key"
	pinsFile      = "observe.json"
)

// KeysPath is the key store of a state folder.
func KeysPath(dir string) string { return dir + "/" + keysFile }

// LogPath is the audit log of a state folder.
func LogPath(dir string) string { return dir + "/" + logDir }

// A verifier asks the keyring in the words of package risk.
type verifier struct{ ring *identity.Keyring }

// Verify implements gateway.Verifier.
func (v verifier) Verify(c risk.Credential) (risk.Caller, risk.Verdict) {
	if c.Kind != risk.KeyCredential {
		return risk.Caller{}, risk.UnknownCredential
	}
	who, reason := v.ring.Verify(c.Text)
	caller := risk.Caller{Kind: risk.KeyCaller, ID: who.ID, KeyID: who.KeyID, Scopes: who.Scopes, Tier: who.Tier}
	switch reason {
	case identity.Valid:
		return caller, risk.Valid
	case identity.Malformed, identity.BadChecksum:
		return risk.Caller{}, risk.Malformed
	case identity.Unknown:
		return risk.Caller{}, risk.UnknownCredential
	case identity.Expired, identity.RotatedOut:
		return caller, risk.Expired
	case identity.Revoked:
		return caller, risk.Revoked
	}
	return risk.Caller{}, risk.Broken
}

// pseudonyms returns the keyed hash of package risk's Env. Its key lies in the
// state folder, so that a pseudonym stays the same over restarts.
func pseudonyms(s *State, rand io.Reader) (func(string) string, error) {
	path := s.Path(pseudonymFile)
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		if _, err = io.ReadFull(rand, key); err == nil {
			err = writePrivate(path, key)
		}
	}
	if err != nil {
		return nil, stateFault(s.Dir, err)
	}
	if len(key) != 32 {
		return nil, stateFault(s.Dir, fmt.Errorf("%s is not a key of 32 bytes", path))
	}
	return func(text string) string {
		m := hmac.New(sha256.New, key)
		_, _ = io.WriteString(m, text) //nolint:errcheck // a hash never fails
		return "c_" + hex.EncodeToString(m.Sum(nil)[:12])
	}, nil
}

// writePrivate writes a file whole or not at all, readable by its owner alone.
func writePrivate(path string, data []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // stateFault wraps it
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp) //nolint:errcheck // it may not be there
	}
	return err //nolint:wrapcheck // as above
}

// copyFile copies a small file, and leaves one that is there as it is.
func copyFile(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err //nolint:wrapcheck // stateFault wraps it
	}
	return writePrivate(to, data)
}

// act records an act of administration.
func act(l *ledger.Ledger, ids *event.IDs, e event.Event) error {
	id, err := ids.NewID()
	if err != nil {
		return fmt.Errorf("make an id: %w", err)
	}
	e.ID = id
	if err := l.Record(&e); err != nil {
		return fmt.Errorf("record %s: %w", e.Kind, err)
	}
	return nil
}

// keyChanged records what became of a key, whoever did it. The words of its
// owner stay out: a log cannot forget them, and the store has them.
func (p *process) keyChanged(c identity.Change) {
	e := event.Event{Kind: event.KeyRevoked, Time: p.opt.Clock.Now(), Node: p.node, Plan: p.gateway.Plan().ID, Target: c.Record.ID}
	switch c.Kind {
	case identity.Created:
		e.Kind, e.Reason = event.KeyCreated, "valid until "+c.Record.Expires.UTC().Format(time.RFC3339)
	case identity.Replaced:
		e.Reason = "replaced by " + c.Record.RotatedTo + ", and valid until " + c.Record.OverlapEnd.UTC().Format(time.RFC3339)
	case identity.Withdrawn:
		e.Reason = "withdrawn"
	}
	if err := act(p.ledger, p.ids, e); err != nil {
		p.fault("audit", err)
	}
}

// closers ends things in the opposite order of their start.
type closers []func(context.Context) error

func (c *closers) add(f func(context.Context) error) { *c = append(*c, f) }

func (c *closers) close(ctx context.Context) error {
	var errs []error
	for i := len(*c) - 1; i >= 0; i-- {
		errs = append(errs, (*c)[i](ctx))
	}
	return errors.Join(errs...)
}
