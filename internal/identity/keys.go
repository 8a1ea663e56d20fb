package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/secret"
)

// Keys makes and changes keys for the command line and the admin API.
//
// Keys are named by a reference: the id, the hint, or the key itself, so that
// who finds a leaked key can revoke it. References are secrets here, because
// people paste keys where ids belong; no error quotes one unless it has the
// exact shape of an id or a hint.
type Keys struct {
	store Store
	conf  Settings
}

// Settings are what an installation says about keys.
type Settings struct {
	Clock   clock.Clock   // required
	Rand    io.Reader     // required; cryptographic
	Prefix  string        // "" is DefaultPrefix
	Life    time.Duration // of keys that name none; 0 is DefaultLife
	MaxLife time.Duration // 0 is DefaultMaxLife
}

// NewKeys checks the settings; its errors are *Error values.
func NewKeys(store Store, conf Settings) (*Keys, error) {
	if conf.Prefix == "" {
		conf.Prefix = DefaultPrefix
	}
	if conf.MaxLife == 0 {
		conf.MaxLife = DefaultMaxLife
	}
	if conf.Life == 0 {
		conf.Life = min(DefaultLife, conf.MaxLife)
	}
	if err := CheckPrefix(conf.Prefix); err != nil {
		return nil, err
	}
	if err := checkLife(conf.Life, conf.MaxLife); err != nil {
		return nil, err
	}
	return &Keys{store: store, conf: conf}, nil
}

// Issued is a new key. Key is shown once and kept nowhere.
type Issued struct {
	Key    secret.Text
	Record Record
}

// Create makes a key. Errors of the user are *Error values.
func (k *Keys) Create(ctx context.Context, spec Spec) (Issued, error) {
	if err := spec.check(k.conf.MaxLife); err != nil {
		return Issued{}, err
	}
	issued, err := k.issue(spec)
	if err != nil {
		return Issued{}, err
	}
	if err := k.store.Add(ctx, issued.Record); err != nil {
		return Issued{}, fmt.Errorf("store the new key: %w", err)
	}
	return issued, nil
}

// issue draws a key and its id. Both are long enough that one already taken
// means broken randomness, which must not be tried again.
func (k *Keys) issue(spec Spec) (Issued, error) {
	key, err := newKey(k.conf.Prefix, k.conf.Rand)
	if err != nil {
		return Issued{}, err
	}
	id, err := newID(k.conf.Rand)
	if err != nil {
		return Issued{}, err
	}
	if spec.Tier == "" {
		spec.Tier = DefaultTier
	}
	if spec.Life == 0 {
		spec.Life = k.conf.Life
	}
	now := k.now()
	return Issued{Key: key, Record: Record{
		ID: id, Hint: hintOf(key), Digest: DigestOf(key),
		Name: spec.Name, Owner: spec.Owner, Scopes: scopeSet(spec.Scopes), Tier: spec.Tier,
		Created: now, Expires: now.Add(spec.Life).Truncate(time.Millisecond),
	}}, nil
}

// List returns the records that match, at most MaxList at a time.
func (k *Keys) List(ctx context.Context, f Filter) ([]Record, error) {
	records, err := k.store.List(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return records, nil
}

// Show finds the record of ref: an id, a hint or a key. A hint that fits
// several keys is an *Error with code key/ambiguous that names their ids.
func (k *Keys) Show(ctx context.Context, ref secret.Text) (Record, error) {
	filter, name, err := readRef(ref)
	if err != nil {
		return Record{}, err
	}
	found, err := k.store.List(ctx, filter)
	switch {
	case err != nil:
		return Record{}, fmt.Errorf("find %s: %w", name, err)
	case len(found) == 0:
		return Record{}, &Error{Code: CodeUnknown, Text: name + " is not in this store",
			Hint: "sallyport key list shows the keys that are; --state names another store"}
	case len(found) > 1:
		return Record{}, ambiguous(name, found)
	}
	return found[0], nil
}

// readRef turns a reference into a filter and a name that may be printed.
func readRef(ref secret.Text) (Filter, string, error) {
	s := ref.Reveal()
	if isID(s) {
		return Filter{ID: s, Limit: 1}, "key " + s, nil
	}
	if hint, ok := parseHint(s); ok {
		return Filter{Hint: hint, Limit: maxNamed + 1}, "key " + hint, nil
	}
	if err := CheckFormat(ref); err != nil {
		var e *Error
		if errors.As(err, &e) && e.Code == CodeMalformed {
			e.Hint = "name a key by its id (k_…), its hint (sp_live_8f2…) or the whole key"
		}
		return Filter{}, "", err
	}
	digest := DigestOf(ref)
	return Filter{Digest: &digest, Limit: 1}, "key " + hintOf(ref), nil
}

// maxNamed is how many ids an ambiguous hint lists.
const maxNamed = 5

func ambiguous(name string, found []Record) error {
	ids := ""
	for i, r := range found {
		if i == maxNamed {
			ids += " …"
			break
		}
		ids += " " + r.ID
	}
	return &Error{Code: CodeAmbiguous, Text: name + " fits several keys:" + ids, Hint: "name the key by its id"}
}

// Rotate makes a successor with the same name, owner, scopes, tier and length
// of life. The old key stays valid for overlap (0 to MaxOverlap), at most
// until its own end.
func (k *Keys) Rotate(ctx context.Context, ref secret.Text, overlap time.Duration) (Issued, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return Issued{}, &Error{Code: CodeOverlap, Text: fmt.Sprintf("the old key cannot stay valid for %s", days(overlap)),
			Hint: fmt.Sprintf("choose an overlap from 0 to %s", days(MaxOverlap))}
	}
	old, err := k.Show(ctx, ref)
	if err != nil {
		return Issued{}, err
	}
	if err := rotatable(old, k.now()); err != nil {
		return Issued{}, err
	}
	life := min(old.Expires.Sub(old.Created), k.conf.MaxLife)
	issued, err := k.issue(Spec{Name: old.Name, Owner: old.Owner, Scopes: old.Scopes, Tier: old.Tier, Life: life})
	if err != nil {
		return Issued{}, err
	}
	end := issued.Record.Created.Add(overlap).Truncate(time.Millisecond)
	if end.After(old.Expires) {
		end = old.Expires
	}
	err = k.store.Rotate(ctx, Rotation{ID: old.ID, OverlapEnd: end, Successor: issued.Record})
	if err != nil {
		return Issued{}, changing("rotate", old.ID, err)
	}
	return issued, nil
}

// rotatable refuses keys whose holder should not simply get another one.
func rotatable(r Record, now time.Time) error {
	switch {
	case !r.Revoked.IsZero():
		return &Error{Code: CodeRevoked, Text: "key " + r.ID + " is revoked", Hint: "make a new key: sallyport key create"}
	case r.RotatedTo != "":
		return &Error{Code: CodeRotated, Text: "key " + r.ID + " was rotated already", Hint: "rotate its successor, " + r.RotatedTo}
	case r.State(now) == Expired:
		return &Error{Code: CodeExpired, Text: "key " + r.ID + " has expired", Hint: "make a new key: sallyport key create"}
	}
	return nil
}

// Revoke withdraws a key for ever and returns its record. reason is kept and
// shown; it is one line, and may be empty. To revoke a revoked key changes
// nothing and is no error. A successor of the key stays valid.
func (k *Keys) Revoke(ctx context.Context, ref secret.Text, reason string) (Record, error) {
	if reason != "" {
		if err := checkLine(reason, CodeReason, "the reason", maxReason); err != nil {
			return Record{}, err
		}
	}
	r, err := k.Show(ctx, ref)
	if err != nil || !r.Revoked.IsZero() {
		return r, err
	}
	err = k.store.Revoke(ctx, Revocation{ID: r.ID, At: k.now(), Reason: reason})
	if err != nil && !errors.Is(err, ErrConflict) { // a conflict: somebody else revoked it
		return Record{}, changing("revoke", r.ID, err)
	}
	return k.Show(ctx, secret.New(r.ID))
}

// changing explains why a change of the key id did not happen.
func changing(what, id string, err error) error {
	if errors.Is(err, ErrConflict) {
		return &Error{Code: CodeConflict, Text: "another process has changed key " + id + " meanwhile", Hint: "look at it: sallyport key show " + id}
	}
	return fmt.Errorf("%s key %s: %w", what, id, err)
}

// Check examines a key first offline, then in the store. An error is a
// failure of the store; what is wrong with the key is the Reason. The Record
// is empty unless the key was issued here.
func (k *Keys) Check(ctx context.Context, text secret.Text) (Record, Reason, error) {
	if reason := inspect(text.Reveal()); reason != Valid {
		return Record{}, reason, nil
	}
	digest := DigestOf(text)
	found, err := k.store.List(ctx, Filter{Digest: &digest, Limit: 1})
	if err != nil {
		return Record{}, Unknown, fmt.Errorf("find key %s: %w", hintOf(text), err)
	}
	if len(found) == 0 {
		return Record{}, Unknown, nil
	}
	return found[0], found[0].State(k.now()), nil
}

// now is the time as records keep it.
func (k *Keys) now() time.Time { return k.conf.Clock.Now().UTC().Truncate(time.Millisecond) }
