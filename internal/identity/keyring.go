package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/secret"
)

// A Keyring answers who holds a key, from memory. It follows a Feed while Run
// runs, and serves what it knows when the feed cannot be read.
//
// Limits: a key takes about 400 bytes, and a change copies both maps, so it is
// made for up to a million keys. An operator who restores an older database
// file brings back the keys that were revoked since.
type Keyring struct {
	feed  Feed
	clock clock.Clock
	conf  Following
	rings atomic.Pointer[ring]
	fault atomic.Pointer[fault]
	news  changes

	loaded bool          // set before anybody else has the keyring
	wake   chan struct{} // holds one wish to look for changes before the poll
}

// Following is how a Keyring follows its feed.
type Following struct {
	Poll    time.Duration // between looks for changes; 0 is DefaultPoll
	Flush   time.Duration // between reports of use; 0 is DefaultFlush
	Timeout time.Duration // of one look or one batch; 0 is DefaultTimeout
	// Report is called when the feed fails, and with nil when it works again.
	// It is called from the goroutines of Run, one call at a time for each.
	Report func(error)
	// Changed is called once for each key that is made, replaced or withdrawn
	// after the keyring was loaded, whoever does it. It is called from one
	// goroutine of Run, after the change is in effect; while it runs, no
	// further change is looked for. Changes that nobody followed, such as
	// those between two runs, are not told. nil is not called.
	Changed func(Change)
}

// The defaults of Following. A revocation by another process acts within
// DefaultPoll and the time of one query.
const (
	DefaultPoll    = 200 * time.Millisecond
	DefaultFlush   = time.Minute
	DefaultTimeout = 5 * time.Second
)

// A ring is one immutable state of the keyring.
type ring struct {
	version  int64
	byDigest map[Digest]*entry
	byID     map[string]*entry
}

// An entry is one key as the request path needs it. Times are Unix
// milliseconds; revoked and rotated keys keep their entry, so that their
// holder is told why.
type entry struct {
	caller  Caller
	revoked bool
	rotated int64 // end of the overlap; 0: not rotated
	expires int64
	use     *use // shared by all versions of the entry
}

type fault struct {
	err   error
	since time.Time
}

// NewKeyring loads all keys. It fails when the feed cannot be read: a keyring
// that never knew a key cannot tell wrong from right.
func NewKeyring(ctx context.Context, feed Feed, c clock.Clock, conf Following) (*Keyring, error) {
	if conf.Poll <= 0 {
		conf.Poll = DefaultPoll
	}
	if conf.Flush <= 0 {
		conf.Flush = DefaultFlush
	}
	if conf.Timeout <= 0 {
		conf.Timeout = DefaultTimeout
	}
	k := &Keyring{feed: feed, clock: c, conf: conf, wake: make(chan struct{}, 1)}
	k.rings.Store(&ring{byDigest: map[Digest]*entry{}, byID: map[string]*entry{}})
	if err := k.Refresh(ctx); err != nil {
		return nil, err
	}
	k.loaded = true // what was there before is no news
	return k, nil
}

// Verify tells whose key text is. The Caller is the zero Caller unless the
// Reason is Valid, or the key was issued here and is over: then it names
// whose key it was, for the event, and must not be let in. Verify does not
// allocate, does not block and never reads the store. A key that is unknown but
// well-formed makes Run look for changes before the next poll, so that a key
// that was made a moment ago works at once.
func (k *Keyring) Verify(text secret.Text) (Caller, Reason) {
	s := text.Reveal()
	if r := inspect(s); r != Valid {
		return Caller{}, r
	}
	var buf [maxKeyLen]byte // on the stack; the key is copied nowhere else
	digest := Digest(sha256.Sum256(buf[:copy(buf[:], s)]))
	// A lookup by digest takes no constant time, and need not: whoever could
	// time it learns about digests, from which no key follows.
	e := k.rings.Load().byDigest[digest]
	if e == nil {
		select {
		case k.wake <- struct{}{}:
		default: // somebody has wished for it already
		}
		return Caller{}, Unknown
	}
	now := k.clock.Now().UnixMilli()
	switch {
	case e.revoked:
		return e.caller, Revoked
	case e.rotated != 0 && now >= e.rotated:
		return e.caller, RotatedOut
	case now >= e.expires:
		return e.caller, Expired
	}
	e.use.seen(now)
	return e.caller, Valid
}

// Flag notes f for a key, to be stored with the next report of use. Unknown
// ids are ignored.
func (k *Keyring) Flag(keyID string, f Flags) {
	if e := k.rings.Load().byID[keyID]; e != nil {
		e.use.flags.Or(uint32(f))
	}
}

// Status is the health of a Keyring.
type Status struct {
	Keys  int       // known, whatever their state
	Err   error     // why the feed cannot be read; nil when it can
	Since time.Time // since when; zero when it can
}

// Status tells how many keys are known and whether they are up to date.
func (k *Keyring) Status() Status {
	st := Status{Keys: len(k.rings.Load().byID)}
	if f := k.fault.Load(); f != nil {
		st.Err, st.Since = f.err, f.since
	}
	return st
}

// Refresh reads what has changed and puts it into effect at once. On an error
// everything stays as it was. It is safe to call beside Run.
func (k *Keyring) Refresh(ctx context.Context) error {
	for range maxRaces {
		old := k.rings.Load()
		next, news, err := k.fetch(ctx, old)
		if err != nil {
			return fmt.Errorf("read the changes of keys: %w", err)
		}
		// Whoever loses this race reads again, from the newer version.
		if next == old {
			return nil
		}
		if k.rings.CompareAndSwap(old, next) {
			k.news.add(news)
			return nil
		}
	}
	return errRaces
}

// maxRaces bounds how often one Refresh starts again because another one was
// faster.
const maxRaces = 16

var errRaces = errors.New("too many refreshes of the keyring at once")

// errEndless guards against a feed that never ends a list.
var errEndless = errors.New("the feed of keys goes on without end")

// maxPages bounds one fetch.
const maxPages = 100_000

// fetch reads all pages since old and returns old itself when there is
// nothing new. news is kept only where somebody wants to be told.
func (k *Keyring) fetch(ctx context.Context, old *ring) (next *ring, news []Change, err error) {
	next, since := old, old.version
	for range maxPages {
		page, err := k.feed.Changes(ctx, since)
		if err != nil {
			return nil, nil, err
		}
		if page.Full {
			next = &ring{byDigest: map[Digest]*entry{}, byID: map[string]*entry{}}
		}
		if next == old && (page.Version != since || len(page.Records) > 0) { // a ring in use never changes
			next = &ring{byDigest: maps.Clone(old.byDigest), byID: maps.Clone(old.byID)}
		}
		for _, r := range page.Records {
			if k.conf.Changed != nil && k.loaded {
				known := next.byID[r.ID]
				if known == nil {
					known = old.byID[r.ID]
				}
				news = differ(news, known, r)
			}
			next.put(r, old)
		}
		since = page.Version
		if next != old {
			next.version = since
		}
		if !page.More {
			return next, news, nil
		}
	}
	return nil, nil, errEndless
}

// put adds or replaces the entry of r while the ring is being built. What was
// seen of the key in old lives on.
func (n *ring) put(r Record, old *ring) {
	e := &entry{caller: r.Caller(), revoked: !r.Revoked.IsZero(), expires: r.Expires.UnixMilli()}
	if r.RotatedTo != "" {
		e.rotated = max(1, r.OverlapEnd.UnixMilli())
	}
	if known := old.byID[r.ID]; known != nil {
		e.use = known.use
	} else if known := n.byID[r.ID]; known != nil {
		e.use = known.use
	} else {
		e.use = &use{}
	}
	n.byDigest[r.Digest], n.byID[r.ID] = e, e
}
