package storetest

import (
	"context"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/internal/identity"
)

// Memory is the reference store: the simplest code that keeps the promises of
// identity.Store and identity.Feed. Tests use it where no file is needed.
type Memory struct {
	mu      sync.Mutex
	err     error
	version int64
	kept    []kept // in the order of Add
}

type kept struct {
	record identity.Record
	seq    int64
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{} }

// Break makes every call fail with err until it is called with nil.
func (m *Memory) Break(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// find returns the place of an id, or -1. The caller holds mu.
func (m *Memory) find(id string) int {
	return slices.IndexFunc(m.kept, func(k kept) bool { return k.record.ID == id })
}

// add keeps r unless it is taken. The caller holds mu.
func (m *Memory) add(r identity.Record) error {
	if slices.ContainsFunc(m.kept, func(k kept) bool { return k.record.ID == r.ID || k.record.Digest == r.Digest }) {
		return identity.ErrTaken
	}
	m.version++
	m.kept = append(m.kept, kept{r, m.version})
	return nil
}

// lock locks mu, and tells whether the store works at all.
func (m *Memory) lock(ctx context.Context) (unlock func(), err error) {
	m.mu.Lock()
	if err = ctx.Err(); err == nil {
		err = m.err
	}
	return m.mu.Unlock, err
}

// Add implements identity.Store.
func (m *Memory) Add(ctx context.Context, r identity.Record) error {
	unlock, err := m.lock(ctx)
	defer unlock()
	if err != nil {
		return err
	}
	return m.add(r)
}

// List implements identity.Store.
func (m *Memory) List(ctx context.Context, f identity.Filter) ([]identity.Record, error) {
	unlock, err := m.lock(ctx)
	defer unlock()
	if err != nil {
		return nil, err
	}
	rest := m.kept
	if f.After != "" {
		at := m.find(f.After)
		if at < 0 {
			return nil, nil
		}
		rest = rest[at+1:]
	}
	var out []identity.Record
	for _, k := range rest {
		if len(out) < f.Bound() && f.Matches(k.record) {
			out = append(out, k.record)
		}
	}
	return out, nil
}

// Rotate implements identity.Store.
func (m *Memory) Rotate(ctx context.Context, r identity.Rotation) error {
	unlock, err := m.lock(ctx)
	defer unlock()
	if err != nil {
		return err
	}
	i := m.find(r.ID)
	if i < 0 || m.kept[i].record.RotatedTo != "" || !m.kept[i].record.Revoked.IsZero() {
		return identity.ErrConflict
	}
	if err := m.add(r.Successor); err != nil {
		return err
	}
	m.version++
	old := &m.kept[i]
	old.record.RotatedTo, old.record.OverlapEnd, old.seq = r.Successor.ID, r.OverlapEnd, m.version
	return nil
}

// Revoke implements identity.Store.
func (m *Memory) Revoke(ctx context.Context, r identity.Revocation) error {
	unlock, err := m.lock(ctx)
	defer unlock()
	if err != nil {
		return err
	}
	i := m.find(r.ID)
	if i < 0 || !m.kept[i].record.Revoked.IsZero() {
		return identity.ErrConflict
	}
	m.version++
	k := &m.kept[i]
	k.record.Revoked, k.record.RevokedReason, k.seq = r.At, r.Reason, m.version
	return nil
}

// Changes implements identity.Feed.
func (m *Memory) Changes(ctx context.Context, since int64) (identity.Changes, error) {
	unlock, err := m.lock(ctx)
	defer unlock()
	if err != nil {
		return identity.Changes{}, err
	}
	out := identity.Changes{Version: m.version, Full: m.version < since}
	if out.Full {
		since = 0
	}
	news := slices.DeleteFunc(slices.Clone(m.kept), func(k kept) bool { return k.seq <= since })
	slices.SortFunc(news, func(a, b kept) int { return int(a.seq - b.seq) })
	for _, k := range news {
		out.Records = append(out.Records, k.record)
	}
	return out, nil
}

// MarkUsed implements identity.Feed.
func (m *Memory) MarkUsed(ctx context.Context, uses []identity.Use) error {
	unlock, err := m.lock(ctx)
	defer unlock()
	if err != nil {
		return err
	}
	for _, u := range uses {
		if i := m.find(u.ID); i >= 0 {
			r := &m.kept[i].record
			r.Flags |= u.Flags
			if u.At.After(r.LastUsed) {
				r.LastUsed = u.At
			}
		}
	}
	return nil
}
