package openapi

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/source"
)

// A loader reads the files of one document and remembers them.
type loader struct {
	ctx    context.Context //nolint:containedctx // one Load is one call: the loader dies with it
	opts   Options
	reader Reader
	rootAt string // resolved directory that references may not leave; "" for a remote document
	byKey  map[string]*file
	failed map[string]bool
	order  []*file
	bytes  int
	hash   hash.Hash
	report *report
}

func newLoader(ctx context.Context, opts Options) *loader {
	l := &loader{ctx: ctx, opts: opts, reader: opts.Reader, byKey: map[string]*file{}, failed: map[string]bool{}, hash: sha256.New(), report: &report{}}
	if l.reader == nil {
		l.reader = disk{}
	}
	return l
}

// refuse reports that the whole document cannot be read.
func (l *loader) refuse(name string, p problem) *file {
	l.report.put(0, source.Diagnostic{At: source.Span{File: name}, Severity: source.Error, Code: p.code, Text: p.text, Hint: p.hint})
	return nil
}

// root reads the document itself.
func (l *loader) root(ref string) *file {
	if remote(ref) {
		if l.opts.Fetch == nil {
			return l.refuse(ref, say(CodeRemote, "download the document, or allow remote documents", "remote documents are not allowed here"))
		}
		text, p := l.fetch(ref)
		if p != nil {
			return l.refuse(ref, *p)
		}
		return l.parse(&file{name: ref, key: ref, remote: true, data: text})
	}
	f, p := l.local(ref)
	if p != nil {
		return l.refuse(ref, *p)
	}
	return l.parse(f)
}

// given takes the bytes of the document from the caller.
func (l *loader) given(name string, data []byte) *file {
	if len(data) > MaxFile {
		return l.refuse(name, tooLarge(MaxFile))
	}
	key := name
	if !remote(name) {
		if p := l.confine(name); p != nil {
			l.rootAt = "" // no directory: every reference to a file is refused
		}
	}
	return l.parse(&file{name: name, key: key, remote: remote(name), data: string(data)})
}

func tooLarge(most int) problem {
	return say(CodeTooLarge, "split the document, or remove long examples from it", "the file is larger than %d MiB", most>>20)
}

// local reads the root document from a path.
func (l *loader) local(path string) (*file, *problem) {
	if p := l.confine(path); p != nil {
		return nil, p
	}
	key, err := l.reader.Resolve(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	text, p := l.read(path)
	if p != nil {
		return nil, p
	}
	return &file{name: path, key: key, data: text}, nil
}

// confine fixes the directory that references may not leave.
func (l *loader) confine(path string) *problem {
	dir := l.opts.Root
	if dir == "" {
		dir = filepath.Dir(path)
	}
	at, err := l.reader.Resolve(dir)
	if err != nil {
		return unreadable(dir, err)
	}
	l.rootAt = at
	return nil
}

func unreadable(path string, err error) *problem {
	hint, what := "check the path", "cannot be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what = "does not exist"
	case errors.Is(err, fs.ErrPermission):
		what, hint = "may not be read", "check the permissions of the file and its directories"
	case errors.Is(err, errIrregular):
		what, hint = "is not a regular file", "name the document itself"
	}
	p := say(CodeRead, hint, "%s %s", clip(path), what)
	return &p
}

// read returns the text of a local file, at most MaxFile bytes.
func (l *loader) read(path string) (string, *problem) {
	r, err := l.reader.Open(path)
	if err != nil {
		return "", unreadable(path, err)
	}
	defer r.Close()
	var b strings.Builder
	if s, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := s.Stat(); err == nil && info.Size() <= MaxFile {
			b.Grow(int(info.Size()))
		}
	}
	n, err := io.Copy(&b, io.LimitReader(r, MaxFile+1))
	if err != nil {
		return "", unreadable(path, err)
	}
	if n > MaxFile {
		p := tooLarge(MaxFile)
		return "", &p
	}
	return b.String(), nil
}

// fetch returns a remote document.
func (l *loader) fetch(address string) (string, *problem) {
	data, err := l.opts.Fetch(l.ctx, address)
	if err != nil {
		p := say(CodeRemote, "check the address and that the server answers", "%s cannot be fetched: %s", clip(address), clip(err.Error()))
		return "", &p
	}
	if len(data) > MaxFile {
		p := tooLarge(MaxFile)
		return "", &p
	}
	return string(data), nil
}

// parse reads the text of f, and returns nil after a diagnostic where it is
// broken.
func (l *loader) parse(f *file) *file {
	f.order = len(l.order)
	l.order = append(l.order, f)
	l.byKey[f.key] = f
	if l.bytes += len(f.data); l.bytes > MaxTotal {
		return l.refuse(f.name, say(CodeTooLarge, "split the API", "the files of the document are larger than %d MiB together", MaxTotal>>20))
	}
	_ = binary.Write(l.hash, binary.BigEndian, uint64(len(f.data)))
	_, _ = io.WriteString(l.hash, f.data)
	f.data = strings.TrimPrefix(f.data, "\ufeff")
	if strings.HasPrefix(f.data, "\xfe\xff") || strings.HasPrefix(f.data, "\xff\xfe") {
		return l.refuse(f.name, say(CodeEncoding, "save the file as UTF-8", "the file is UTF-16"))
	}
	text, bad := validText(f.data)
	f.data = text
	if bad >= 0 {
		l.report.addAt(source.Warning, f, bad, say(CodeEncoding, "save the file as UTF-8", "the file is not UTF-8 from here on; such bytes are read as \"?\""))
	}
	if b := readText(f); b != nil {
		l.report.addAt(source.Error, f, b.off, b.problem)
		return nil
	}
	return f
}

// readText reads f as JSON or YAML, by the ending of its name and by its first
// character. JSON under a YAML name may be lax where YAML is.
func readText(f *file) *broken {
	name := strings.ToLower(f.name)
	yamlName := strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
	start := strings.TrimLeft(f.data, " \t\r\n")
	if strings.HasPrefix(start, "{") {
		b := readJSON(f)
		if b == nil || !yamlName || b.code != CodeSyntax {
			return b
		}
		f.cells, f.texts = nil, nil
	} else if strings.HasSuffix(name, ".json") {
		return readJSON(f)
	}
	if len(f.data) > MaxYAML {
		p := tooLarge(MaxYAML)
		p.hint = "write it as JSON, which may be larger, or split it"
		return &broken{0, p}
	}
	return readYAML(f)
}

// A way tells how a reference to another file ends.
type way struct {
	f *file
	p *problem // why there is no file
}

// open returns the file that the path or URL part of a reference in base names.
func (l *loader) open(base *file, target string) way {
	name, key, p := l.locate(base, target)
	if p != nil {
		return way{p: p}
	}
	if f := l.byKey[key]; f != nil && f.cells != nil {
		return way{f: f}
	}
	broken := say(CodeRef, "mend that file first", "the file %s cannot be used", clip(name))
	if l.failed[key] || l.byKey[key] != nil {
		return way{p: &broken}
	}
	if len(l.order) >= MaxFiles || l.ctx.Err() != nil {
		p := say(CodeTooLarge, "join small files", "the document is made of more than %d files", MaxFiles)
		return way{p: &p}
	}
	f := &file{name: name, key: key, remote: remote(name)}
	if f.remote {
		f.data, p = l.fetch(name)
	} else {
		f.data, p = l.read(name)
	}
	if p != nil {
		l.failed[key] = true
		return way{p: p}
	}
	if l.parse(f) == nil {
		l.failed[key] = true
		return way{p: &broken}
	}
	return way{f: f}
}

// locate finds the name for users and the unique key of a referenced file, and
// refuses what may not be reached.
func (l *loader) locate(base *file, target string) (name, key string, p *problem) {
	refuse := func(p problem) (string, string, *problem) { return "", "", &p }
	if base.remote || remote(target) {
		return l.locateRemote(base, target)
	}
	if u, err := url.Parse(target); err == nil && len(u.Scheme) > 1 {
		return refuse(say(CodeRemote, "refer to a file by its relative path", "references by %s: are not followed", clip(u.Scheme)))
	}
	path, err := url.PathUnescape(target)
	if err != nil || strings.ContainsRune(path, 0) {
		return refuse(say(CodeRef, "write %25 for a percent sign", "the path of the reference is malformed"))
	}
	name = filepath.FromSlash(path)
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(base.name), name)
	}
	if l.rootAt == "" {
		return refuse(say(CodeRefOutside, "bundle the document into one file", "this document has no directory, so it cannot refer to files"))
	}
	key, err = l.reader.Resolve(name)
	if err != nil {
		return "", "", unreadable(name, err)
	}
	if key != l.rootAt && !strings.HasPrefix(key, strings.TrimSuffix(l.rootAt, string(filepath.Separator))+string(filepath.Separator)) {
		return refuse(say(CodeRefOutside, "move the file below the directory of the document, or name a common root directory",
			"the reference leaves the directory of the document"))
	}
	return name, key, nil
}

func (l *loader) locateRemote(base *file, target string) (name, key string, p *problem) {
	refuse := func(p problem) (string, string, *problem) { return "", "", &p }
	if l.opts.Fetch == nil {
		return refuse(say(CodeRemote, "copy the file next to the document, or allow remote references", "remote references are not allowed here"))
	}
	u, err := url.Parse(target)
	if err != nil {
		return refuse(say(CodeRef, "write a URL", "the reference is not a URL"))
	}
	if base.remote {
		from, err := url.Parse(base.name)
		if err != nil {
			return refuse(say(CodeRef, "write a URL", "the address of the document is not a URL"))
		}
		u = from.ResolveReference(u)
		if u.Scheme != from.Scheme || u.Host != from.Host {
			return refuse(say(CodeRemote, "download both documents and load them as files", "a remote document may refer to its own origin only"))
		}
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return refuse(say(CodeRemote, "use an https URL without a password", "the reference is not an http or https URL"))
	}
	u.Fragment = ""
	return u.String(), u.String(), nil
}

// digest is the SHA-256 over the lengths and bytes of all files that were
// read, in the order of reading.
func (l *loader) digest() string {
	return hex.EncodeToString(l.hash.Sum(nil))
}
