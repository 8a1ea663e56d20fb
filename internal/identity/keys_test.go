package identity_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/store/storetest"
	"github.com/sallyport/sallyport/source"
)

// noon is the time of the tests.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// newKeys returns keys at the time now over a store.
func newKeys(t testing.TB, s identity.Store, now time.Time) *identity.Keys {
	t.Helper()
	k, err := identity.NewKeys(s, identity.Settings{Clock: clock.Fixed(now), Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// create makes a key for alice.
func create(t testing.TB, k *identity.Keys) identity.Issued {
	t.Helper()
	issued, err := k.Create(t.Context(), identity.Spec{Name: "shop", Owner: "alice", Scopes: []string{"orders:read"}})
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// code is the code of an *Error, "" for any other error.
func code(err error) source.Code {
	var e *identity.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestAKeyIsMadeShownAndChecked(t *testing.T) {
	t.Parallel()
	k := newKeys(t, storetest.NewMemory(), noon())
	issued, err := k.Create(t.Context(), identity.Spec{Name: "shop", Owner: "alice", Scopes: []string{"b", "a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	text := issued.Key.Reveal()
	if !strings.HasPrefix(text, "sp_live_") || len(text) != 57 {
		t.Errorf("the key has %d characters and begins %q", len(text), text[:8])
	}
	want := identity.Record{
		ID: issued.Record.ID, Hint: text[:11] + "…", Digest: identity.DigestOf(issued.Key),
		Name: "shop", Owner: "alice", Scopes: []string{"a", "b"}, Tier: "free",
		Created: noon(), Expires: noon().Add(90 * 24 * time.Hour),
	}
	if diff := cmp.Diff(want, issued.Record); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	for _, ref := range []string{want.ID, want.Hint, text[:11], text[:11] + "...", text} {
		got, err := k.Show(t.Context(), secret.New(ref))
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("Show by %d characters: %v, %v", len(ref), got.ID, err)
		}
	}
	got, reason, err := k.Check(t.Context(), issued.Key)
	if err != nil || reason != identity.Valid || !cmp.Equal(got, want) {
		t.Errorf("Check = %v, %v, %v", got.ID, reason, err)
	}
}

func TestRotationOverlaps(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	k := newKeys(t, mem, noon())
	old := create(t, k)
	next, err := k.Rotate(t.Context(), secret.New(old.Record.ID), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ignore := cmpopts.IgnoreFields(identity.Record{}, "ID", "Hint", "Digest")
	if diff := cmp.Diff(old.Record, next.Record, ignore); diff != "" {
		t.Errorf("the successor differs (-old +new):\n%s", diff)
	}
	for after, want := range map[time.Duration]identity.Reason{
		time.Hour - time.Millisecond: identity.Valid, time.Hour: identity.RotatedOut, 100 * 24 * time.Hour: identity.RotatedOut,
	} {
		_, got, err := newKeys(t, mem, noon().Add(after)).Check(t.Context(), old.Key)
		if err != nil || got != want {
			t.Errorf("%s after the rotation the old key is %v (%v), want %v", after, got, err, want)
		}
	}
	if _, err := k.Rotate(t.Context(), old.Key, 0); code(err) != identity.CodeRotated || !strings.Contains(hint(err), next.Record.ID) {
		t.Errorf("a second rotation: %v, hint %q", err, hint(err))
	}
}

func TestTheOverlapEndsWithTheOldKey(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	old := create(t, newKeys(t, mem, noon()))
	late := newKeys(t, mem, old.Record.Expires.Add(-time.Minute))
	if _, err := late.Rotate(t.Context(), old.Key, time.Hour); err != nil {
		t.Fatal(err)
	}
	got, err := late.Show(t.Context(), old.Key)
	if err != nil || !got.OverlapEnd.Equal(old.Record.Expires) {
		t.Errorf("the overlap ends %v (%v), the key %v", got.OverlapEnd, err, old.Record.Expires)
	}
}

// hint is the hint of an *Error.
func hint(err error) string {
	var e *identity.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

func TestRevocationIsForEver(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	k := newKeys(t, mem, noon())
	issued := create(t, k)
	first, err := k.Revoke(t.Context(), issued.Key, "found in a log")
	if err != nil || !first.Revoked.Equal(noon()) || first.RevokedReason != "found in a log" {
		t.Fatalf("Revoke = %+v, %v", first, err)
	}
	again, err := newKeys(t, mem, noon().Add(time.Hour)).Revoke(t.Context(), secret.New(issued.Record.ID), "other")
	if err != nil || !cmp.Equal(first, again) {
		t.Errorf("a second revocation changed the record: %+v, %v", again, err)
	}
	if _, err := k.Rotate(t.Context(), issued.Key, 0); code(err) != identity.CodeRevoked {
		t.Errorf("a revoked key can be rotated: %v", err)
	}
	if _, reason, err := k.Check(t.Context(), issued.Key); reason != identity.Revoked || err != nil {
		t.Errorf("Check = %v, %v", reason, err)
	}
}

func TestAnExpiredKeyIsNotRotated(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	issued := create(t, newKeys(t, mem, noon()))
	late := newKeys(t, mem, issued.Record.Expires)
	if _, err := late.Rotate(t.Context(), issued.Key, 0); code(err) != identity.CodeExpired {
		t.Errorf("Rotate = %v", err)
	}
	if _, reason, _ := late.Check(t.Context(), issued.Key); reason != identity.Expired {
		t.Errorf("Check = %v", reason)
	}
}

func TestASpecIsChecked(t *testing.T) {
	t.Parallel()
	key := create(t, newKeys(t, storetest.NewMemory(), noon())).Key.Reveal()
	ok := identity.Spec{Name: "Büro 2, \"new\"", Owner: "https://id.acme.com/x|a+b@c", Scopes: []string{"orders:write", "a/b.c_d-e"}, Tier: "pro-2", Life: 400 * 24 * time.Hour}
	cases := map[string]struct {
		edit func(*identity.Spec)
		want source.Code
	}{
		"a full spec":           {func(*identity.Spec) {}, ""},
		"64 scopes":             {func(s *identity.Spec) { s.Scopes = strings.Split(strings.Repeat("a ", 63)+"a", " ") }, ""},
		"no name":               {func(s *identity.Spec) { s.Name = "" }, identity.CodeName},
		"a long name":           {func(s *identity.Spec) { s.Name = strings.Repeat("a", 101) }, identity.CodeName},
		"a name in two lines":   {func(s *identity.Spec) { s.Name = "a\nb" }, identity.CodeName},
		"a name that turns":     {func(s *identity.Spec) { s.Name = "a\u202eb" }, identity.CodeName},
		"a name with an escape": {func(s *identity.Spec) { s.Name = "a\x1b[2Jb" }, identity.CodeName},
		"a name not in UTF-8":   {func(s *identity.Spec) { s.Name = "a\xff" }, identity.CodeName},
		"a name after a blank":  {func(s *identity.Spec) { s.Name = " a" }, identity.CodeName},
		"a key as the name":     {func(s *identity.Spec) { s.Name = "my " + key }, identity.CodeExposed},
		"half a key":            {func(s *identity.Spec) { s.Name = key[:20] }, identity.CodeExposed},
		"a key less its prefix": {func(s *identity.Spec) { s.Name = "key " + key[8:] }, identity.CodeExposed},
		"a git commit":          {func(s *identity.Spec) { s.Name = "deploy 3f2a9c0e5b7d8f1a2b3c4d5e6f708192a3b4c5d6" }, ""},
		"a hint in the name":    {func(s *identity.Spec) { s.Name = "was " + key[:11] + "…" }, ""},
		"no owner":              {func(s *identity.Spec) { s.Owner = "" }, identity.CodeOwner},
		"an owner with a blank": {func(s *identity.Spec) { s.Owner = "a b" }, identity.CodeOwner},
		"a long owner":          {func(s *identity.Spec) { s.Owner = strings.Repeat("a", 201) }, identity.CodeOwner},
		"a key as the owner":    {func(s *identity.Spec) { s.Owner = key }, identity.CodeExposed},
		"65 scopes":             {func(s *identity.Spec) { s.Scopes = make([]string, 65) }, identity.CodeScope},
		"an empty scope":        {func(s *identity.Spec) { s.Scopes = []string{"a", ""} }, identity.CodeScope},
		"a scope with a blank":  {func(s *identity.Spec) { s.Scopes = []string{"a b"} }, identity.CodeScope},
		"a long scope":          {func(s *identity.Spec) { s.Scopes = []string{strings.Repeat("a", 65)} }, identity.CodeScope},
		"a key as a scope":      {func(s *identity.Spec) { s.Scopes = []string{key} }, identity.CodeExposed},
		"a tier with a dot":     {func(s *identity.Spec) { s.Tier = "a.b" }, identity.CodeTier},
		"a life beyond 400 d":   {func(s *identity.Spec) { s.Life = 401 * 24 * time.Hour }, identity.CodeExpiry},
		"a negative life":       {func(s *identity.Spec) { s.Life = -time.Hour }, identity.CodeExpiry},
		"a life of a second":    {func(s *identity.Spec) { s.Life = time.Second }, identity.CodeExpiry},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mem, spec := storetest.NewMemory(), ok
			c.edit(&spec)
			_, err := newKeys(t, mem, noon()).Create(t.Context(), spec)
			if code(err) != c.want || (err != nil) != (c.want != "") {
				t.Errorf("Create = %v, want code %q", err, c.want)
			}
			if kept, _ := mem.List(t.Context(), identity.Filter{}); len(kept) != 0 && c.want != "" {
				t.Error("a refused key is in the store")
			}
		})
	}
}

func TestReferencesThatNameNoKey(t *testing.T) {
	t.Parallel()
	k := newKeys(t, storetest.NewMemory(), noon())
	other := create(t, newKeys(t, storetest.NewMemory(), noon())).Key.Reveal()
	typo := other[:20] + flip(other[20]) + other[21:]
	for ref, want := range map[string]source.Code{
		"": identity.CodeMalformed, "shop": identity.CodeMalformed, "k_short": identity.CodeMalformed, "k_0123456789": identity.CodeUnknown,
		"sp_live_abc": identity.CodeUnknown, other: identity.CodeUnknown, typo: identity.CodeChecksum, other[:40]: identity.CodeMalformed,
	} {
		_, err := k.Show(t.Context(), secret.New(ref))
		if code(err) != want || hint(err) == "" {
			t.Errorf("Show of %d characters: %v (hint %q), want code %s", len(ref), err, hint(err), want)
		}
	}
}

// flip returns another digit than c.
func flip(c byte) string {
	if c == 'x' {
		return "y"
	}
	return "x"
}

func TestAHintOfSeveralKeysNamesTheirIDs(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	k := newKeys(t, mem, noon())
	r := create(t, k).Record
	for i := range byte(7) {
		twin := r
		twin.ID, twin.Digest = fmt.Sprintf("k_twin%06d", i), identity.Digest{i}
		if err := mem.Add(t.Context(), twin); err != nil {
			t.Fatal(err)
		}
	}
	_, err := k.Show(t.Context(), secret.New(r.Hint))
	if code(err) != identity.CodeAmbiguous || !strings.Contains(err.Error(), "k_twin000001") || !strings.HasSuffix(err.Error(), "…") {
		t.Errorf("Show = %v", err)
	}
}

func TestRotateChecksTheOverlap(t *testing.T) {
	t.Parallel()
	k := newKeys(t, storetest.NewMemory(), noon())
	issued := create(t, k)
	for _, d := range []time.Duration{-1, identity.MaxOverlap + 1} {
		if _, err := k.Rotate(t.Context(), issued.Key, d); code(err) != identity.CodeOverlap {
			t.Errorf("Rotate with an overlap of %s: %v", d, err)
		}
	}
	if _, err := k.Revoke(t.Context(), issued.Key, "two\nlines"); code(err) != identity.CodeReason {
		t.Errorf("Revoke with a reason of two lines: %v", err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set  identity.Settings
		want source.Code
	}{
		{identity.Settings{Prefix: "acme"}, ""},
		{identity.Settings{MaxLife: time.Hour}, ""},
		{identity.Settings{MaxLife: 10 * 365 * 24 * time.Hour, Life: 5 * 365 * 24 * time.Hour}, ""},
		{identity.Settings{Prefix: "Acme"}, identity.CodePrefix},
		{identity.Settings{Prefix: "a"}, identity.CodePrefix},
		{identity.Settings{Prefix: "a_b"}, identity.CodePrefix},
		{identity.Settings{Prefix: "1ab"}, identity.CodePrefix},
		{identity.Settings{Prefix: "abcdefghijklmnopq"}, identity.CodePrefix},
		{identity.Settings{Life: 500 * 24 * time.Hour}, identity.CodeExpiry},
	} {
		c.set.Clock, c.set.Rand = clock.Fixed(noon()), rand.Reader
		k, err := identity.NewKeys(storetest.NewMemory(), c.set)
		if code(err) != c.want {
			t.Errorf("NewKeys(%+v) = %v, want code %q", c.set, err, c.want)
		}
		if err != nil {
			continue
		}
		issued := create(t, k)
		if c.set.Prefix != "" && !strings.HasPrefix(issued.Key.Reveal(), c.set.Prefix+"_live_") {
			t.Errorf("a key with prefix %s begins otherwise: %s", c.set.Prefix, issued.Record.Hint)
		}
		if err := identity.CheckFormat(issued.Key); err != nil {
			t.Errorf("CheckFormat of %s: %v", issued.Record.Hint, err)
		}
	}
}

// short is a source of randomness that runs dry.
type short struct{}

func (short) Read([]byte) (int, error) { return 0, errors.New("dry") }

func TestWithoutRandomnessThereIsNoKey(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	k, err := identity.NewKeys(mem, identity.Settings{Clock: clock.Fixed(noon()), Rand: short{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Create(t.Context(), identity.Spec{Name: "n", Owner: "o"}); err == nil {
		t.Error("a key was made without randomness")
	}
	if kept, _ := mem.List(t.Context(), identity.Filter{}); len(kept) != 0 {
		t.Error("a key was stored")
	}
}

func TestListAnswersWhatTheStoreHas(t *testing.T) {
	t.Parallel()
	mem := storetest.NewMemory()
	k := newKeys(t, mem, noon())
	a, b := create(t, k), create(t, k)
	revoke(t, k, b)
	got, err := k.List(t.Context(), identity.Filter{UsableAt: noon()})
	if err != nil || !cmp.Equal(got, []identity.Record{a.Record}) {
		t.Errorf("List = %+v, %v", got, err)
	}
	broken := errors.New("broken")
	mem.Break(broken)
	if _, err := k.List(t.Context(), identity.Filter{}); !errors.Is(err, broken) {
		t.Errorf("List of a broken store = %v", err)
	}
}

// racing is a store in which another process is always faster.
type racing struct{ identity.Store }

func (racing) Rotate(context.Context, identity.Rotation) error { return identity.ErrConflict }

func TestALostRaceIsReported(t *testing.T) {
	t.Parallel()
	k := newKeys(t, racing{storetest.NewMemory()}, noon())
	issued := create(t, k)
	if _, err := k.Rotate(t.Context(), issued.Key, 0); code(err) != identity.CodeConflict || !strings.Contains(err.Error(), issued.Record.ID) {
		t.Errorf("Rotate = %v", err)
	}
}

func TestAFailingStoreIsNoFaultOfTheUser(t *testing.T) {
	t.Parallel()
	mem, broken := storetest.NewMemory(), errors.New("broken")
	k := newKeys(t, mem, noon())
	issued := create(t, k)
	mem.Break(broken)
	_, created := k.Create(t.Context(), identity.Spec{Name: "n", Owner: "o"})
	_, rotated := k.Rotate(t.Context(), issued.Key, 0)
	_, revoked := k.Revoke(t.Context(), issued.Key, "")
	_, reason, checked := k.Check(t.Context(), issued.Key)
	for _, err := range []error{created, rotated, revoked, checked} {
		if !errors.Is(err, broken) || code(err) != "" {
			t.Errorf("error %v, want a plain one", err)
		}
	}
	if reason == identity.Valid {
		t.Error("without the store the key is valid")
	}
}

func TestEveryReasonButValidHasACodeAndAName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for r := identity.Malformed; r <= identity.Valid; r++ {
		if (r.Code() == "") != (r == identity.Valid) || seen[r.String()] || seen[string(r.Code())] {
			t.Errorf("reason %d is %q with code %q", r, r, r.Code())
		}
		seen[r.String()], seen[string(r.Code())] = true, true
	}
	var zero identity.Reason
	if zero == identity.Valid || (identity.Reason(99)).Code() == "" {
		t.Error("a reason that nobody set lets in")
	}
	if got := (identity.SeenInClear | 1<<9).String(); got != "seen over plain HTTP, 0x200" {
		t.Errorf("flags are %q", got)
	}
}
