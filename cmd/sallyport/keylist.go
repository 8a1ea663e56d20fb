package main

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/identity"
)

// keyList lists keys.
type keyList struct {
	Owner  string `placeholder:"WHO" help:"Only keys of this owner."`
	Usable bool   `help:"Only keys that work now."`
	Unused span   `placeholder:"SPAN" help:"Only keys that were not used for this long, such as 30d."`
	output `embed:""`
	state  `embed:""`
}

// Help explains the command.
func (keyList) Help() string {
	return `No key is shown, only its hint.

Example:

    sallyport key list --usable --unused 30d`
}

// Run prints the records, the oldest first.
func (k *keyList) Run(ctx context.Context, c *console) error {
	keys, store, err := k.keys(ctx, c)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was changed
	now := c.clock.Now()
	filter := identity.Filter{Owner: k.Owner, Limit: identity.MaxList}
	if k.Usable {
		filter.UsableAt = now
	}
	if k.Unused > 0 {
		filter.UnusedSince = now.Add(-time.Duration(k.Unused))
	}
	rows := [][]string{{"ID", "KEY", "STATE", "OWNER", "TIER", "EXPIRES", "LAST USED", "SCOPES", "NAME"}}
	for {
		page, err := keys.List(ctx, filter)
		if err != nil {
			return err //nolint:wrapcheck // it says what was done
		}
		for _, r := range page {
			if k.json() {
				if err := c.json(lineOf(r, now)); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{r.ID, r.Hint, r.State(now).String(), clean(r.Owner), r.Tier, stamp(r.Expires), stamp(r.LastUsed), dash(strings.Join(r.Scopes, " ")), clean(r.Name)})
		}
		if len(page) < filter.Limit {
			break
		}
		filter.After = page[len(page)-1].ID
	}
	if k.json() {
		return nil
	}
	if len(rows) == 1 {
		c.note("no key fits")
		return nil
	}
	return table(c.out, rows)
}

// keyShow shows one record.
type keyShow struct {
	Ref    string `arg:"" name:"key" help:"Id, hint or key; - reads it from stdin."`
	output `embed:""`
	state  `embed:""`
}

// Help explains the command.
func (keyShow) Help() string {
	return refHelp + `

Example:

    sallyport key show k_4fT0a9ZkQ1`
}

// Run prints the record.
func (k *keyShow) Run(ctx context.Context, c *console) error {
	ref, err := reference(c, k.Ref)
	if err != nil {
		return err
	}
	keys, store, err := k.keys(ctx, c)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was changed
	r, err := keys.Show(ctx, ref)
	if err != nil {
		return err //nolint:wrapcheck // it says what is wrong
	}
	now := c.clock.Now()
	if k.json() {
		return c.json(lineOf(r, now))
	}
	return table(c.out, details(r, now))
}

// details is a record, one field a row.
func details(r identity.Record, now time.Time) [][]string {
	rows := [][]string{
		{"id", r.ID}, {"key", r.Hint}, {"state", r.State(now).String()}, {"name", clean(r.Name)}, {"owner", clean(r.Owner)},
		{"tier", r.Tier}, {"scopes", dash(strings.Join(r.Scopes, " "))}, {"created", stamp(r.Created)}, {"expires", stamp(r.Expires)}, {"last used", stamp(r.LastUsed)},
	}
	if !r.Revoked.IsZero() {
		rows = append(rows, []string{"revoked", stamp(r.Revoked) + "  " + clean(r.RevokedReason)})
	}
	if r.RotatedTo != "" {
		rows = append(rows, []string{"rotated to", r.RotatedTo}, []string{"works until", stamp(r.OverlapEnd)})
	}
	if r.Flags != 0 {
		rows = append(rows, []string{"seen", r.Flags.String()})
	}
	return rows
}
