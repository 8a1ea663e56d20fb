package main

import (
	"context"
	"strings"
	"time"
)

// keyRotate replaces a key.
type keyRotate struct {
	Ref     string `arg:"" name:"key" help:"Id, hint or key; - reads it from stdin."`
	Overlap span   `default:"24h" placeholder:"SPAN" help:"How long the old key still works, from 0s to 30d (default: 24h)."`
	output  `embed:""`
	state   `embed:""`
}

// Help explains the command.
func (keyRotate) Help() string {
	return `The successor has the same owner, scopes, tier and length of life. It alone goes to stdout. ` + refHelp + `

Example:

    KEY=$(sallyport key rotate k_4fT0a9ZkQ1 --overlap 2d)`
}

// Run rotates the key.
func (k *keyRotate) Run(ctx context.Context, c *console) error {
	ref, err := reference(c, k.Ref)
	if err != nil {
		return err
	}
	keys, store, err := k.keys(ctx, c)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // every change is on the disk already
	old, err := keys.Show(ctx, ref)
	if err != nil {
		return err //nolint:wrapcheck // it says what is wrong
	}
	// The successor begins as its predecessor does.
	prefix, _, _ := strings.Cut(old.Hint, "_")
	again, second, err := k.makeKeys(ctx, c, prefix)
	if err != nil {
		return err
	}
	defer second.Close() //nolint:errcheck // as above
	issued, err := again.Rotate(ctx, ref, time.Duration(k.Overlap))
	if err != nil {
		return err //nolint:wrapcheck // it says what is wrong
	}
	if err := hand(c, k.output, issued); err != nil {
		return err
	}
	if k.Overlap == 0 {
		c.note("The old key has stopped working.")
	} else {
		c.note("The old key works for another %s at most; sallyport key show tells until when.", k.Overlap)
	}
	return nil
}

// keyRevoke withdraws a key.
type keyRevoke struct {
	Ref    string `arg:"" name:"key" help:"Id, hint or key; - reads it from stdin."`
	Reason string `placeholder:"TEXT" help:"Why; kept and shown."`
	output `embed:""`
	state  `embed:""`
}

// Help explains the command.
func (keyRevoke) Help() string {
	return `A revoked key stays so; a running gateway refuses it within a second. Who finds a leaked key can revoke it by the key itself. ` + refHelp + `

Example:

    sallyport key revoke k_4fT0a9ZkQ1 --reason "found in a public repository"`
}

// Run revokes the key.
func (k *keyRevoke) Run(ctx context.Context, c *console) error {
	ref, err := reference(c, k.Ref)
	if err != nil {
		return err
	}
	keys, store, err := k.keys(ctx, c)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // every change is on the disk already
	r, err := keys.Revoke(ctx, ref, k.Reason)
	if err != nil {
		return err //nolint:wrapcheck // it says what is wrong
	}
	c.note("key %s of %s is revoked since %s", r.ID, clean(r.Owner), stamp(r.Revoked))
	if r.RotatedTo != "" {
		c.note("Its successor %s still works: revoke that, too, if it should not.", r.RotatedTo)
	}
	if k.json() {
		return c.json(lineOf(r, c.clock.Now()))
	}
	return nil
}
