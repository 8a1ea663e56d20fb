package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// archive holds what coverage found, and the counts, as they were when somebody
// packed them.
const archive = "tool/fuzz/corpus.tar.gz"

// Limits of what is taken out of an archive.
const (
	maxInput   = 1 << 20
	maxArchive = 1 << 28
)

var errArchive = errors.New("not an archive of this program")

// kept tells whether a file below the folder that is kept belongs into an
// archive.
func kept(name string) bool {
	return name == countsName || strings.HasPrefix(name, "found/")
}

// pack writes what lies below keep to w. The same files give the same bytes.
func pack(w io.Writer, keep string) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	t := tar.NewWriter(z)
	err = filepath.WalkDir(keep, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(keep, p)
		if name = filepath.ToSlash(name); err != nil || !kept(name) {
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		_, err = t.Write(text)
		return err
	})
	if err := errors.Join(err, t.Close(), z.Close()); err != nil {
		return fmt.Errorf("pack %s: %w", keep, err)
	}
	return nil
}

// unpack writes the files of an archive below keep, but those that are there.
func unpack(r io.Reader, keep string) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	for t := tar.NewReader(io.LimitReader(z, maxArchive)); ; {
		h, err := t.Next()
		if err == io.EOF { //nolint:errorlint // tar returns it bare
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) || !kept(h.Name) || h.Size > maxInput {
			return fmt.Errorf("%w: it holds %q", errArchive, h.Name)
		}
		p := filepath.Join(keep, filepath.FromSlash(h.Name))
		if _, err := os.Lstat(p); err == nil {
			continue
		}
		text, err := io.ReadAll(t)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(p), 0o755)
		}
		if err == nil {
			err = os.WriteFile(p, text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", h.Name, err)
		}
	}
}

// begin takes what is kept out of the archive, where there is none yet.
func (o *options) begin() error {
	if _, err := os.Lstat(o.log()); err == nil {
		return nil
	}
	f, err := os.Open(archive)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the archive: %w", err)
	}
	defer f.Close()
	return unpack(f, o.keep)
}

// packAll renews the archive.
func (o *options) packAll() error {
	f, err := os.Create(archive)
	if err != nil {
		return fmt.Errorf("make the archive: %w", err)
	}
	if err := errors.Join(pack(f, o.keep), f.Close()); err != nil {
		return err
	}
	return nil
}
