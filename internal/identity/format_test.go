package identity

import (
	"bytes"
	"crypto/rand"
	"errors"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"time"

	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/internal/lib/secret"
)

func TestTheGreatestBodyHas256Bits(t *testing.T) {
	t.Parallel()
	if got := base62(bytes.Repeat([]byte{0xff}, 32)); got != maxBody {
		t.Errorf("2^256-1 is %s, maxBody %s", got, maxBody)
	}
	if got := base62(make([]byte, 32)); got != strings.Repeat("0", bodyLen) {
		t.Errorf("0 is %s", got)
	}
}

func TestTheChecksumIsTheCRC32OfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	if crc32.ChecksumIEEE([]byte("123456789")) != 0xcbf43926 { // the check value of the published CRC-32
		t.Fatal("the oracle is wrong")
	}
	for _, s := range []string{"", "123456789", "sp_live_" + maxBody} {
		got := checksum(s)
		n := new(big.Int)
		for _, c := range got {
			n.Mul(n, big.NewInt(62)).Add(n, big.NewInt(int64(strings.IndexByte(alphabet, c))))
		}
		if n.Uint64() != uint64(crc32.ChecksumIEEE([]byte(s))) {
			t.Errorf("checksum(%q) = %s, which is %v", s, got, n)
		}
	}
}

// example is a key made of fixed bits.
func example(t testing.TB) string {
	t.Helper()
	key, err := newKey(DefaultPrefix, bytes.NewReader(bytes.Repeat([]byte{0x5a}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key.Reveal()
}

func TestTheFormatOfAKeyIsStable(t *testing.T) {
	t.Parallel()
	const want = "sp_live_LQNUGZHT5u543eF8cvF8tKdPlcVkNSYQAq1KIqZ6f7448BnO5" // computed by a program in another language
	if got := example(t); got != want {
		t.Errorf("the key of fixed bits is %s, want %s", got, want)
	}
}

func TestEveryChangedCharacterIsNoticed(t *testing.T) {
	t.Parallel()
	key := example(t)
	for i := range key {
		for _, c := range alphabet + "_- \x00é" {
			other := key[:i] + string(c) + key[i+1:]
			if other != key && inspect(other) == Valid {
				t.Fatalf("%s is valid, and differs from %s", other, key)
			}
		}
		if i+1 < len(key) && key[i] != key[i+1] && inspect(key[:i]+key[i+1:i+2]+key[i:i+1]+key[i+2:]) == Valid {
			t.Fatalf("a swap at %d is not noticed", i)
		}
	}
}

func TestCheckFormatSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	key := example(t)
	over := DefaultPrefix + infix + strings.Repeat("z", bodyLen)
	sum := checksum(over)
	for text, want := range map[string]string{
		key: "", "": "empty", " " + key: "blanks", key + "\n": "blanks", "hello": "no _live_", key[:56]: "48 characters", key + "a": "50 characters",
		"SP" + key[2:]: "prefix", key[2:]: "prefix", strings.Repeat("a", 17) + key[2:]: "prefix",
		key[:20] + "-" + key[21:]: "neither a letter nor a digit", over + string(sum[:]): "out of range", key[:56] + "!": "neither a letter nor a digit",
	} {
		err := CheckFormat(secret.New(text))
		if want == "" {
			if err != nil {
				t.Errorf("CheckFormat of a key: %v", err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeMalformed || !strings.Contains(e.Text, want) || e.Hint == "" {
			t.Errorf("CheckFormat(%q) = %v, want %q", text, err, want)
		}
	}
	if err := CheckFormat(secret.New(key[:20] + "0" + key[21:])); err == nil || !strings.HasPrefix(err.Error(), string(CodeChecksum)) {
		t.Errorf("CheckFormat of a mistyped key: %v", err)
	}
}

func TestIDsAreRandomAndShaped(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	count := map[byte]int{}
	for range 2000 {
		id, err := newID(rand.Reader)
		if err != nil || !isID(id) || seen[id] {
			t.Fatalf("newID = %q, %v", id, err)
		}
		seen[id] = true
		for i := len(idPrefix); i < len(id); i++ {
			count[id[i]]++
		}
	}
	for _, c := range []byte(alphabet) { // 322 expected each; 5 sigma is 90
		if n := count[c]; n < 200 || n > 450 {
			t.Errorf("digit %c stands %d times in 20,000", c, n)
		}
	}
}

func TestAHintIsReadAsItIsShown(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"sp_live_8f2…": true, "sp_live_8f2...": true, "sp_live_8f2": true, "acme_live_8f2": true,
		"sp_live_8f": false, "sp_live_8f2a": false, "_live_8f2": false, "…": false, "": false, "sp_live_8f…": false, "sp-live-8f2": false,
	} {
		if hint, got := parseHint(text); got != ok || ok && (!strings.HasSuffix(hint, "8f2…")) {
			t.Errorf("parseHint(%q) = %q, %v", text, hint, got)
		}
	}
}

func FuzzCheckFormat(f *testing.F) {
	key := example(f)
	for _, s := range []string{"", key, key[:56], key + "0", "acme" + key[2:], "sp_live_", "sp_live_live_" + key[8:], strings.Repeat("é", 29), " " + key, "\x00" + key[1:]} {
		f.Add(s)
	}
	// The slow oracle: a regular expression, and arithmetic.
	shape := regexp.MustCompile(`\A([a-z][a-z0-9]{1,15}_live_([0-9A-Za-z]{43}))([0-9A-Za-z]{6})\z`)
	fuzzloop.Run(f, func(t *testing.T, s string) {
		want, m := Malformed, shape.FindStringSubmatch(s)
		if m != nil {
			n := new(big.Int)
			for _, c := range m[2] {
				n.Mul(n, big.NewInt(62)).Add(n, big.NewInt(int64(strings.IndexRune(alphabet, c))))
			}
			sum := checksum(m[1])
			switch {
			case n.BitLen() > 256:
			case m[3] == string(sum[:]):
				want = Valid
			default:
				want = BadChecksum
			}
		}
		if got := inspect(s); got != want {
			t.Fatalf("inspect(%q) = %v, want %v", s, got, want)
		}
		err := CheckFormat(secret.New(s))
		if (err == nil) != (want == Valid) {
			t.Fatalf("CheckFormat(%q) = %v, want %v", s, err, want)
		}
		if err != nil && len(s) > 12 && (strings.Contains(err.Error(), s) || strings.Contains(err.(*Error).Hint, s)) {
			t.Fatalf("the error quotes the text: %v", err)
		}
	})
}

// benchRing holds n keys, the last of which is returned.
func benchRing(b testing.TB, n int, c clock.Clock) (*Keyring, secret.Text) {
	b.Helper()
	k := &Keyring{clock: c}
	r := &ring{byDigest: map[Digest]*entry{}, byID: map[string]*entry{}}
	var last secret.Text
	for range n {
		key, err := newKey(DefaultPrefix, rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		id, err := newID(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		r.put(Record{ID: id, Digest: DigestOf(key), Expires: c.Now().Add(time.Hour)}, r)
		last = key
	}
	k.rings.Store(r)
	return k, last
}

func BenchmarkVerify(b *testing.B) {
	k, key := benchRing(b, 10_000, clock.System{})
	for name, c := range map[string]struct {
		key  secret.Text
		want Reason
	}{
		"valid":    {key, Valid},
		"mistyped": {secret.New(key.Reveal()[:20] + "0" + key.Reveal()[21:]), BadChecksum},
		"unknown":  {secret.New(example(b)), Unknown},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, got := k.Verify(c.key); got != c.want {
					b.Fatal(got)
				}
			}
		})
	}
}

func TestVerifyDoesNotAllocate(t *testing.T) { // not parallel: other tests allocate
	k, key := benchRing(t, 10, clock.System{})
	if n := testing.AllocsPerRun(1000, func() { k.Verify(key) }); n != 0 {
		t.Errorf("Verify allocates %v times", n)
	}
}
