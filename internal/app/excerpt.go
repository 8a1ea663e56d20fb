package app

import (
	"bytes"
	"io"
	"os"

	"github.com/sallyport/sallyport/source"
)

// Bounds of what is read and shown for carets.
const (
	maxExcerptFile = 64 << 20
	maxExcerptLine = 400 // bytes; a document on a single line shows none
)

// excerpt gives the diagnostics that have none the line of their place, where
// the file can be read again. A file is read at most once.
func excerpt(lists ...source.List) {
	lines := map[string][][]byte{}
	for _, list := range lists {
		for i := range list {
			d := &list[i]
			if d.Line != "" || d.At.Line < 1 {
				continue
			}
			text, ok := lines[d.At.File]
			if !ok {
				text = fileLines(d.At.File)
				lines[d.At.File] = text
			}
			if n := int(d.At.Line); n <= len(text) && len(text[n-1]) <= maxExcerptLine {
				d.Line = string(bytes.TrimRight(text[n-1], "\r"))
			}
		}
	}
}

// fileLines returns nil for what is no file of a bearable size.
func fileLines(name string) [][]byte {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxExcerptFile {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxExcerptFile))
	if err != nil {
		return nil
	}
	return bytes.Split(text, []byte("\n"))
}
