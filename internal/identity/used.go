package identity

import (
	"context"
	"fmt"
	"time"
)

// maxBatch is how many uses one transaction stores: short enough that
// commands of other processes get their turn between two.
const maxBatch = 500

// flush stores the uses that the store does not know, one for each key. What
// cannot be stored is kept for the next time; it is bounded by the number of
// keys. Only the reporting goroutine calls it.
func (k *Keyring) flush(ctx context.Context) error {
	batch, uses := make([]Use, 0, maxBatch), make([]*use, 0, maxBatch)
	for id, e := range k.rings.Load().byID {
		news, ok := e.use.news(id)
		if !ok {
			continue
		}
		batch, uses = append(batch, news), append(uses, e.use)
		if len(batch) == maxBatch {
			if err := k.store(ctx, batch, uses); err != nil {
				return err
			}
			batch, uses = batch[:0], uses[:0]
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return k.store(ctx, batch, uses)
}

// news is what the store does not know yet of the key id.
func (u *use) news(id string) (Use, bool) {
	last, flags := u.last.Load(), Flags(u.flags.Load())
	if last == u.told && flags == u.toldFlags {
		return Use{}, false
	}
	n := Use{ID: id, Flags: flags}
	if last != 0 {
		n.At = time.UnixMilli(last).UTC()
	}
	return n, true
}

// store writes one batch and remembers what it wrote.
func (k *Keyring) store(ctx context.Context, batch []Use, uses []*use) error {
	ctx, cancel := context.WithTimeout(ctx, k.conf.Timeout)
	defer cancel()
	if err := k.feed.MarkUsed(ctx, batch); err != nil {
		return fmt.Errorf("store when %d keys were last used: %w", len(batch), err)
	}
	for i, u := range uses {
		u.toldFlags = batch[i].Flags
		if !batch[i].At.IsZero() {
			u.told = batch[i].At.UnixMilli()
		}
	}
	return nil
}
