package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAnArchiveBringsBackWhatWasKept(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	files := map[string]string{"executions.tsv": "a\tb\n", "found/x/FuzzX/1": "one", "found/x/FuzzX/2": "two", "bin/x.test": "a program"}
	for name, text := range files {
		put(t, filepath.Join(from, name), text)
	}
	put(t, filepath.Join(to, "found/x/FuzzX/2"), "newer")
	var one, two bytes.Buffer
	if err := errors.Join(pack(&one, from), pack(&two, from)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the same files give other bytes")
	}
	if err := unpack(&one, to); err != nil {
		t.Fatal(err)
	}
	files["found/x/FuzzX/2"] = "newer"
	delete(files, "bin/x.test")
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(to, "bin")); err == nil {
		t.Error("programs are packed too")
	}
}

func TestAnArchiveStaysBelowItsFolder(t *testing.T) {
	t.Parallel()
	for _, h := range []tar.Header{
		{Name: "found/../../x", Typeflag: tar.TypeReg}, {Name: "/found/x", Typeflag: tar.TypeReg}, {Name: "other", Typeflag: tar.TypeReg},
		{Name: "found/x", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, {Name: "found/x", Typeflag: tar.TypeReg, Size: maxInput + 1},
	} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(make([]byte, h.Size))
		if err := errors.Join(w.Close(), z.Close()); err != nil {
			t.Fatal(err)
		}
		if err := unpack(&b, t.TempDir()); !errors.Is(err, errArchive) {
			t.Errorf("%s: %v", h.Name, err)
		}
	}
	if err := unpack(bytes.NewReader([]byte("no archive")), t.TempDir()); err == nil {
		t.Error("what is no archive is taken")
	}
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
