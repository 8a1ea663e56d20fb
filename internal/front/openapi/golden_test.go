package openapi

import (
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// archive is a Reader of the files of a txtar archive, below /doc.
type archive map[string]string

func (a archive) Open(path string) (io.ReadCloser, error) {
	text, ok := a[filepath.Join("/doc", path)]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (a archive) Resolve(path string) (string, error) {
	path = filepath.Join("/doc", path)
	for name := range a {
		if name == path || strings.HasPrefix(name, path+"/") {
			return path, nil
		}
	}
	return "", fs.ErrNotExist
}

const wantFile = "want"

// unpack returns the files of an archive, and the name of the first.
func unpack(t testing.TB, a *txtar.Archive) (archive, string) {
	t.Helper()
	files := archive{}
	for _, f := range a.Files {
		if f.Name != wantFile {
			files[filepath.Join("/doc", f.Name)] = string(f.Data)
		}
	}
	if len(a.Files) == 0 {
		t.Fatal("the archive holds no file")
	}
	return files, a.Files[0].Name
}

// loadText loads one document from a text.
func loadText(t testing.TB, name, text string) (*contract.Contract, source.List) {
	t.Helper()
	return Load(t.Context(), name, Options{Reader: archive{"/doc/" + name: text}})
}

func render(list source.List) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(d.String() + "\n")
	}
	return b.String()
}

func TestBrokenDocumentsGetTheDiagnosticsThatTheGoldenFilesHold(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(paths) < 40 {
		t.Fatalf("want at least 40 broken documents, got %d (%v)", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files, name := unpack(t, a)
			c, list := Load(t.Context(), name, Options{Reader: files})
			if (c == nil) != (list.Err() != nil) {
				t.Errorf("contract %v beside the diagnostics\n%v", c, list)
			}
			for _, d := range list {
				if d.Hint == "" || !strings.HasPrefix(string(d.Code), "openapi/") || d.At.File == "" {
					t.Errorf("no hint, place or code of this package: %+v", d)
				}
			}
			got := render(list)
			if got == "" {
				t.Error("a broken document loads without a word")
			}
			golden(t, path, a, got)
		})
	}
}

// golden compares got with the want file of an archive, or rewrites it.
func golden(t *testing.T, path string, a *txtar.Archive, got string) {
	t.Helper()
	want := -1
	for i := range a.Files {
		if a.Files[i].Name == wantFile {
			want = i
		}
	}
	if *update {
		if want < 0 {
			a.Files = append(a.Files, txtar.File{Name: wantFile})
			want = len(a.Files) - 1
		}
		a.Files[want].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want < 0 {
		t.Fatalf("the archive has no file %q; run with -update\n%s", wantFile, got)
	}
	if diff := cmp.Diff(string(a.Files[want].Data), got); diff != "" {
		t.Errorf("diagnostics differ (-want +got)\n%s", diff)
	}
}
