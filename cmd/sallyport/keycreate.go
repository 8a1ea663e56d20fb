package main

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/internal/identity"
)

// keyCreate makes a key.
type keyCreate struct {
	Name    string   `required:"" placeholder:"TEXT" help:"What the key is for, in your words."`
	Owner   string   `required:"" placeholder:"WHO" help:"In whose name the key calls, such as alice or payments@acme.com."`
	Scopes  []string `name:"scope" placeholder:"SCOPE" help:"A scope such as orders:write; may be repeated."`
	Tier    string   `placeholder:"TIER" help:"Name of the quotas that count (default: free)."`
	Expires span     `placeholder:"SPAN" help:"How long the key works: 90d, 12h (default: what the policy says, or 90d)."`
	Prefix  string   `placeholder:"WORD" help:"What the key begins with (default: what the policy says, or sp)."`
	output  `embed:""`
	state   `embed:""`
}

// Help explains the command.
func (keyCreate) Help() string {
	return `The key alone goes to stdout, the rest to stderr. It is shown once: Sallyport keeps only its SHA-256.

Example:

    KEY=$(sallyport key create --name "order import" --owner alice --scope orders:read)`
}

// Run makes the key.
func (k *keyCreate) Run(ctx context.Context, c *console) error {
	prefix := k.Prefix
	if prefix == "" {
		prefix = k.prefix
	}
	keys, store, err := k.makeKeys(ctx, c, prefix)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // every change is on the disk already
	issued, err := keys.Create(ctx, identity.Spec{Name: k.Name, Owner: k.Owner, Scopes: k.Scopes, Tier: k.Tier, Life: time.Duration(k.Expires)})
	if err != nil {
		return err //nolint:wrapcheck // it says what is wrong
	}
	return hand(c, k.output, issued)
}
