// Package openapi reads OpenAPI 3.0, OpenAPI 3.1 and Swagger 2.0 documents,
// YAML or JSON, in one file or several, into a contract.Contract.
//
// It reads the bytes itself, so that every part of the contract and every
// diagnostic has its place, and so that nothing is dropped in silence: what
// cannot be honoured is a Warning and is guarded closed, and what makes the
// document an unsafe base is an Error.
package openapi

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// Limits of one Load, each far above the largest public documents.
const (
	MaxFile  = 64 << 20  // bytes of one JSON file
	MaxYAML  = 16 << 20  // bytes of one YAML file, whose parser needs 50 times the memory
	MaxTotal = 256 << 20 // bytes of all files
	MaxFiles = 256       // files that one document may be made of
	MaxDepth = 512       // nesting of values in a file

	MaxWork    = 2 << 20 // operations, parameters, bodies, replies and the like that are built
	MaxSchemas = 1 << 20
	MaxValues  = 2 << 20 // values in enums, defaults, examples and extensions
)

// Options say what a Load may reach. The zero Options read the document's own
// directory and nothing else.
type Options struct {
	// Reader opens files. Nil reads the machine's files.
	Reader Reader
	// Root is the directory that references may not leave, symbolic links
	// resolved. Empty means the directory of the document.
	Root string
	// Fetch returns the bytes of a remote document, at most MaxFile. Nil
	// refuses every remote document and reference. A remote document may
	// refer to its own origin alone.
	Fetch func(ctx context.Context, url string) ([]byte, error)
}

// A Reader opens files by path.
type Reader interface {
	// Open opens a regular file.
	Open(path string) (io.ReadCloser, error)
	// Resolve returns the absolute path with its symbolic links resolved.
	Resolve(path string) (string, error)
}

// Load reads the document at ref, a file path or an http or https URL, with
// all files that it refers to. The contract is nil exactly when the list holds
// an Error; the list may hold warnings beside a contract.
func Load(ctx context.Context, ref string, opts Options) (*contract.Contract, source.List) {
	l := newLoader(ctx, opts)
	return build(l, l.root(ref))
}

// Parse reads the document in data, which name stands for in diagnostics and
// as the base of relative references. Otherwise it is like Load.
func Parse(ctx context.Context, name string, data []byte, opts Options) (*contract.Contract, source.List) {
	l := newLoader(ctx, opts)
	return build(l, l.given(name, data))
}

// build turns the root file, nil where it could not be read, into a contract.
func build(l *loader, root *file) (*contract.Contract, source.List) {
	var c *contract.Contract
	if root != nil && !l.report.failed() {
		c = newBuilder(l, root).document()
	}
	list := l.report.list()
	if c == nil || list.Err() != nil {
		return nil, list
	}
	c.Digest = l.digest()
	return c, list
}

// disk is the Reader of the machine's files.
type disk struct{}

var errIrregular = errors.New("not a regular file")

// Open refuses devices and pipes, which may never end.
func (disk) Open(path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errIrregular
	}
	return os.Open(path)
}

// Resolve is filepath.EvalSymlinks on the absolute path.
func (disk) Resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// remote tells whether ref names a document on the network.
func remote(ref string) bool {
	return hasPrefixFold(ref, "http://") || hasPrefixFold(ref, "https://")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
