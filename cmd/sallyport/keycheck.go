package main

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/source"
)

// keyCheck tells whether a key works.
type keyCheck struct {
	Key     string `arg:"" help:"The key; - reads it from stdin."`
	Offline bool   `help:"Check the form and the checksum only."`
	output  `embed:""`
	state   `embed:""`
}

// Help explains the command.
func (keyCheck) Help() string {
	return `First the form and the checksum, then the store: revoked, rotated, expired or valid. Exit code 1 says that the key does not work; 3 that it is well-formed, but there is no store to ask. With - the key stays out of the process list.

Example:

    printf %s "$KEY" | sallyport key check -`
}

// A verdict is what -o json prints of a check.
type verdict struct {
	Result string      `json:"result"` // an identity.Reason, or "well-formed"
	Code   source.Code `json:"code,omitempty"`
	Text   string      `json:"text,omitempty"`
	Record *keyLine    `json:"record,omitempty"`
}

// Run checks the key.
func (k *keyCheck) Run(ctx context.Context, c *console) error {
	text, err := reference(c, k.Key)
	if err != nil {
		return err
	}
	if err := identity.CheckFormat(text); err != nil {
		return k.malformed(c, err)
	}
	if k.Offline {
		return k.show(c, verdict{Result: "well-formed"})
	}
	there, err := k.hasKeys()
	if err == nil && !there {
		err = &lack{misuse{text: "the key is well-formed, but there is no key store in " + clean(k.dir()) + " to ask",
			next: "name the folder of the gateway with --state DIR, or check the form only with --offline"}}
	}
	if err != nil {
		return err
	}
	keys, store, err := k.makeKeys(ctx, c, "")
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was changed
	record, reason, err := keys.Check(ctx, text)
	if err != nil {
		return err //nolint:wrapcheck // it says what was done
	}
	v := verdict{Result: reason.String(), Code: reason.Code()}
	if record.ID != "" {
		line := lineOf(record, c.clock.Now())
		v.Record = &line
	}
	return k.show(c, v)
}

// malformed shows a key that cannot be one.
func (k *keyCheck) malformed(c *console, err error) error {
	v := verdict{Result: identity.Malformed.String(), Text: err.Error()}
	var e *identity.Error
	if errors.As(err, &e) {
		v.Code, v.Text = e.Code, e.Text
		if e.Code == identity.CodeChecksum {
			v.Result = identity.BadChecksum.String()
		}
		if !k.json() {
			c.note("%s\n  %s", e.Text, e.Hint)
		}
	}
	return k.show(c, v)
}

// show prints a verdict; a key that does not work is a finding.
func (k *keyCheck) show(c *console, v verdict) error {
	var err error
	switch {
	case k.json():
		err = c.json(v)
	case v.Record != nil:
		err = c.print("%s  %s of %s, tier %s, until %s\n", v.Result, v.Record.ID, clean(v.Record.Owner), v.Record.Tier, stamp(v.Record.Expires))
	default:
		err = c.print("%s\n", v.Result)
	}
	if err != nil || v.Code == "" {
		return err
	}
	if !k.json() {
		c.note("more: sallyport help %s", v.Code)
	}
	return errFindings
}
