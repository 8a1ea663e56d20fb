package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/source"
)

// A log is a finished ledger for a test to falsify.
type log struct {
	t      *testing.T
	dir    string
	mirror string
	key    ed25519.PublicKey
}

// written makes a ledger of several segments, with heads in their middle.
func written(t *testing.T) *log {
	t.Helper()
	o := options(t, func(o *Options) { o.SegmentBytes = 3000 })
	o.Mirror = filepath.Join(filepath.Dir(o.Dir), "mirror")
	for part := range 4 {
		l, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 8 {
			if err := l.Record(get(part*8 + n)); err != nil {
				t.Fatal(err)
			}
		}
		mustClose(t, l)
	}
	key, err := ReadPublicKey(filepath.Join(o.Dir, publicFile))
	if err != nil {
		t.Fatal(err)
	}
	l := &log{t: t, dir: o.Dir, mirror: o.Mirror, key: key}
	if r := mustVerify(t, l.dir, VerifyOptions{PublicKey: key, Mirror: l.mirror}); !r.OK() || r.Segments < 4 || r.Mirrored != r.Heads {
		t.Fatalf("the log is not sound before: %+v", r)
	}
	return l
}

func (l *log) read(name string) []byte {
	l.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		l.t.Fatal(err)
	}
	return b
}

func (l *log) write(name string, b []byte) {
	l.t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// records splits a segment into header and frames, lets change alter the
// frames, and writes it back.
func (l *log) records(number uint64, change func([][]byte) [][]byte) {
	l.t.Helper()
	name := segmentName(l.dir, number)
	b := l.read(name)
	r := newFrames(bytes.NewReader(b[headerSize:]), headerSize)
	var frames [][]byte
	for f, err := r.next(); err == nil; f, err = r.next() {
		frames = append(frames, bytes.Clone(f))
	}
	l.write(name, append(b[:headerSize:headerSize], bytes.Join(change(frames), nil)...))
}

// lines does the same with the heads of a segment.
func (l *log) lines(number uint64, change func([]string) []string) {
	l.t.Helper()
	name := headsName(l.dir, number)
	lines := strings.SplitAfter(strings.TrimSuffix(string(l.read(name)), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	l.write(name, []byte(strings.Join(change(lines), "")))
}

// rewritten replaces text in a frame and makes its checksum right again.
func rewritten(f []byte, old, new string) []byte {
	f = bytes.Replace(f, []byte(old), []byte(new), 1)
	binary.LittleEndian.PutUint32(f[4:], uint32(len(f)-frameHead))
	binary.LittleEndian.PutUint32(f, crc32.Checksum(f[4:], castagnoli()))
	return f
}

// last is the number of the newest segment.
func (l *log) last() uint64 {
	l.t.Helper()
	all, err := segments(l.dir)
	if err != nil {
		l.t.Fatal(err)
	}
	return all[len(all)-1]
}

// busy is a segment with more than one head.
func (l *log) busy() uint64 {
	l.t.Helper()
	for n := uint64(1); n <= l.last(); n++ {
		if bytes.Count(l.read(headsName(l.dir, n)), []byte("\n")) > 1 {
			return n
		}
	}
	l.t.Fatal("no segment has two heads")
	return 0
}

func TestEveryFalsificationIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		falsify func(*log)
		want    source.Code
		place   string
	}{
		"a record is deleted": {func(l *log) {
			l.records(2, func(f [][]byte) [][]byte { return slices.Delete(f, 1, 2) })
		}, CodeTruncated, "0000000002.seg"},
		"a record is deleted and the heads after it too": {func(l *log) {
			l.records(2, func(f [][]byte) [][]byte { return slices.Delete(f, 1, 2) })
			l.lines(2, func(s []string) []string { return s[:len(s)-1] })
		}, CodeChain, "0000000003.heads:1"},
		"a segment is deleted": {func(l *log) {
			l.remove(segmentName(l.dir, 2), headsName(l.dir, 2))
		}, CodeSegmentMissing, "0000000002.seg"},
		"the first segment is deleted without a tombstone": {func(l *log) {
			l.remove(segmentName(l.dir, 1), headsName(l.dir, 1))
		}, CodeSegmentMissing, "0000000001.seg"},
		"the heads of a segment are deleted": {func(l *log) {
			l.remove(headsName(l.dir, 2))
		}, CodeHeadsMissing, "0000000002.heads"},
		"a head is deleted": {func(l *log) {
			l.lines(l.busy(), func(s []string) []string { return s[1:] })
		}, CodeChain, ".heads:1"},
		"a segment is cut at a record": {func(l *log) {
			l.records(3, func(f [][]byte) [][]byte { return f[:len(f)-1] })
		}, CodeTruncated, "0000000003.seg record"},
		"the last segment is cut in a record": {func(l *log) {
			b := l.read(segmentName(l.dir, l.last()))
			l.write(segmentName(l.dir, l.last()), b[:len(b)-5])
		}, CodeUnreadable, ".seg record 32"},
		"the last segment is cut at a record": {func(l *log) {
			l.records(l.last(), func(f [][]byte) [][]byte { return f[:len(f)-1] })
		}, CodeTruncated, ".seg record 32"},
		"the last head and its records are cut: only the mirror knows": {func(l *log) {
			l.remove(segmentName(l.dir, l.last()), headsName(l.dir, l.last()))
		}, CodeMirror, "mirror:"},
		"all is deleted: only the mirror knows": {func(l *log) {
			for n := l.last(); n > 0; n-- {
				l.remove(segmentName(l.dir, n), headsName(l.dir, n))
			}
		}, CodeMirror, "mirror:1"},
		"two records are swapped": {func(l *log) {
			l.records(2, func(f [][]byte) [][]byte { f[0], f[1] = f[1], f[0]; return f })
		}, CodeChanged, "0000000002.seg record"},
		"two segments are swapped": {func(l *log) {
			a, b := l.read(segmentName(l.dir, 2)), l.read(segmentName(l.dir, 3))
			l.write(segmentName(l.dir, 2), b)
			l.write(segmentName(l.dir, 3), a)
		}, CodeHeader, "0000000002.seg"},
		"two heads are swapped": {func(l *log) {
			l.lines(l.busy(), func(s []string) []string { s[0], s[1] = s[1], s[0]; return s })
		}, CodeChain, ".heads:1"},
		"a byte of a record is changed": {func(l *log) {
			b := l.read(segmentName(l.dir, 2))
			b[headerSize+100] ^= 1
			l.write(segmentName(l.dir, 2), b)
		}, CodeUnreadable, "0000000002.seg record"},
		"a record is rewritten and its checksum too": {func(l *log) {
			l.records(2, func(f [][]byte) [][]byte { f[1] = rewritten(f[1], `"allow"`, `"deny"`); return f })
		}, CodeChanged, "0000000002.seg record"},
		"a record is added": {func(l *log) {
			l.records(2, func(f [][]byte) [][]byte { return append(f, f[0]) })
		}, CodeUnsigned, "0000000002.seg record"},
		"the header is rewritten": {func(l *log) {
			b := l.read(segmentName(l.dir, 2))
			l.write(segmentName(l.dir, 2), append(appendHeader(nil, 2, 99), b[headerSize:]...))
		}, CodeHeader, "0000000002.seg"},
		"a head is rewritten": {func(l *log) {
			l.lines(2, func(s []string) []string { s[0] = strings.Replace(s[0], `"count":`, `"count":1`, 1); return s })
		}, CodeSignature, "0000000002.heads:1"},
		"a head is no head": {func(l *log) {
			l.lines(2, func(s []string) []string { s[0] = strings.Replace(s[0], `{"v":1`, `{"v": 1`, 1); return s })
		}, CodeBadHead, "0000000002.heads:1"},
		"all is rewritten and signed with another key": {func(l *log) {
			l.resign()
		}, CodeSignature, "0000000001.heads:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := written(t)
			c.falsify(l)
			r := mustVerify(t, l.dir, VerifyOptions{PublicKey: l.key, Mirror: l.mirror})
			for _, p := range r.Problems {
				if p.Code == c.want && strings.Contains(p.String(), c.place) {
					return
				}
			}
			t.Errorf("want %s at %s, got %v", c.want, c.place, r.Problems)
		})
	}
}

func (l *log) remove(names ...string) {
	l.t.Helper()
	for _, n := range names {
		if err := os.Remove(n); err != nil {
			l.t.Fatal(err)
		}
	}
}

// resign rewrites a record and builds everything above it anew with a key of
// the forger's own, as somebody would who may write every file here.
func (l *log) resign() {
	l.t.Helper()
	l.records(2, func(f [][]byte) [][]byte { f[1] = rewritten(f[1], `"allow"`, `"deny"`); return f })
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{6}, ed25519.SeedSize))
	public, _ := private.Public().(ed25519.PublicKey)
	s := &signer{private: private, fingerprint: Fingerprint(public)}
	var prev hash
	for n := uint64(1); n <= l.last(); n++ {
		var trees []tree
		l.records(n, func(f [][]byte) [][]byte {
			trees = make([]tree, 1, len(f)+1)
			for i := range f {
				next := trees[i]
				next.add(leaf(f[i]))
				trees = append(trees, next)
			}
			return f
		})
		l.lines(n, func(lines []string) []string {
			for i := range lines {
				h, _, _, err := parseHead([]byte(strings.TrimSuffix(lines[i], "\n")))
				if err != nil {
					l.t.Fatal(err)
				}
				h.Prev, h.Root = prev, trees[h.Count].root()
				line := s.line(&h)
				prev = sha256.Sum256(line)
				lines[i] = string(line) + "\n"
			}
			return lines
		})
	}
	l.write(filepath.Join(l.dir, publicFile), formatPublicKey(public))
	if r := mustVerify(l.t, l.dir, VerifyOptions{}); !r.OK() || r.Pinned {
		l.t.Errorf("the forgery is not sound by itself, so the test proves nothing: %v", r.Problems)
	}
}

func TestTheMirrorAloneFindsAForgedKey(t *testing.T) {
	t.Parallel()
	l := written(t)
	l.resign()
	if r := mustVerify(t, l.dir, VerifyOptions{Mirror: l.mirror}); r.OK() {
		t.Error("a log that was signed again passes against the mirror")
	}
}

func TestACopyVerifiesWithoutTheLedger(t *testing.T) {
	t.Parallel()
	l := written(t)
	dir := t.TempDir()
	names, err := filepath.Glob(filepath.Join(l.dir, "0*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(n)), l.read(n), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if r := mustVerify(t, dir, VerifyOptions{PublicKey: l.key}); !r.OK() || r.Records != 32 {
		t.Errorf("%+v", r)
	}
	if _, err := Verify(dir, VerifyOptions{}); err == nil {
		t.Error("without any key it verifies")
	}
}
