package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/store/sqlite"
)

// keyGroup holds the commands on API keys.
type keyGroup struct {
	Create keyCreate `cmd:"" help:"Make a key and print it, once."`
	List   keyList   `cmd:"" help:"List the keys."`
	Show   keyShow   `cmd:"" help:"Show the record of one key."`
	Rotate keyRotate `cmd:"" help:"Replace a key; both work for a while."`
	Revoke keyRevoke `cmd:"" help:"Withdraw a key for ever."`
	Check  keyCheck  `cmd:"" help:"Tell whether a key works."`
}

// Help explains the group.
func (keyGroup) Help() string {
	return `Keys are kept in the state folder as SHA-256 digests. Changes act on a running gateway within a second.

Example:

    sallyport key list`
}

// refHelp says how commands name keys.
const refHelp = `A key is named by its id (k_…), its hint (sp_live_8f2…), the whole key, or - to read one of these from stdin, which keeps it out of the process list.`

// keys opens the key store of a state folder that has one.
func (s *state) keys(ctx context.Context, c *console) (*identity.Keys, io.Closer, error) {
	if err := s.mustHaveKeys(); err != nil {
		return nil, nil, err
	}
	return s.makeKeys(ctx, c, "")
}

// hasKeys tells whether the state folder has a key store.
func (s *state) hasKeys() (bool, error) { return exists(app.KeysPath(s.dir())) }

// mustHaveKeys refuses a folder without a key store: to make an empty one
// would hide that --state is wrong.
func (s *state) mustHaveKeys() error {
	there, err := s.hasKeys()
	if err == nil && !there {
		err = wrong("name the folder of the gateway with --state DIR, or make the first key: sallyport key create --name first --owner you", "there is no key store in %s", clean(s.dir()))
	}
	return err
}

// makeKeys opens the key store of a state folder, and makes both where they
// are missing.
func (s *state) makeKeys(ctx context.Context, c *console, prefix string) (*identity.Keys, io.Closer, error) {
	db, err := sqlite.Open(ctx, app.KeysPath(s.dir()))
	if err != nil {
		return nil, nil, fmt.Errorf("open the key store: %w", err)
	}
	keys, err := identity.NewKeys(db, identity.Settings{Clock: c.clock, Rand: c.rand, Prefix: prefix, Life: s.life})
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return keys, db, nil
}

// maxRef bounds what is read from stdin, in bytes: a key with room for what
// was copied with it.
const maxRef = 4 << 10

// reference reads the name of a key: the argument, or a line of stdin for "-".
func reference(c *console, arg string) (secret.Text, error) {
	if arg != "-" {
		return secret.New(arg), nil
	}
	b, err := io.ReadAll(io.LimitReader(c.in, maxRef+1))
	if err != nil {
		return secret.Text{}, fmt.Errorf("read the key from stdin: %w", err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	if len(b) > maxRef || strings.ContainsAny(text, "\r\n") {
		return secret.Text{}, wrong("give one key on one line", "stdin holds more than one key")
	}
	return secret.New(text), nil
}

// A keyLine is what -o json prints of a key: never the key or its digest.
type keyLine struct {
	Key     string     `json:"key,omitempty"` // of create and rotate only
	ID      string     `json:"id"`
	Hint    string     `json:"hint"`
	Name    string     `json:"name"`
	Owner   string     `json:"owner"`
	Scopes  []string   `json:"scopes"`
	Tier    string     `json:"tier"`
	State   string     `json:"state"`
	Created time.Time  `json:"created"`
	Expires time.Time  `json:"expires"`
	Revoked *time.Time `json:"revoked,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Next    string     `json:"rotated_to,omitempty"`
	Overlap *time.Time `json:"overlap_end,omitempty"`
	Used    *time.Time `json:"last_used,omitempty"`
	Flags   string     `json:"flags,omitempty"`
}

func lineOf(r identity.Record, now time.Time) keyLine {
	scopes := r.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	return keyLine{ID: r.ID, Hint: r.Hint, Name: r.Name, Owner: r.Owner, Scopes: scopes, Tier: r.Tier, State: r.State(now).String(),
		Created: r.Created, Expires: r.Expires, Revoked: given(r.Revoked), Reason: r.RevokedReason, Next: r.RotatedTo,
		Overlap: given(r.OverlapEnd), Used: given(r.LastUsed), Flags: r.Flags.String()}
}

// given is nil for the zero time.
func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// hand prints a new key: the key alone on stdout, so that
// KEY=$(sallyport key create …) works.
func hand(c *console, o output, issued identity.Issued) error {
	r := issued.Record
	var err error
	if o.json() {
		line := lineOf(r, c.clock.Now())
		line.Key = issued.Key.Reveal()
		err = c.json(line)
	} else {
		err = c.print("%s\n", issued.Key.Reveal())
	}
	if err != nil {
		return fmt.Errorf("key %s was made, but could not be shown (withdraw it: sallyport key revoke %s): %w", r.ID, r.ID, err)
	}
	c.note("key %s of %s, tier %s, scopes %s, until %s", r.ID, clean(r.Owner), r.Tier, dash(strings.Join(r.Scopes, " ")), stamp(r.Expires))
	c.note("It is shown this once: Sallyport keeps only its digest.")
	return nil
}
