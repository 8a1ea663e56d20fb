package risktest_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/internal/risktest"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
)

var update = flag.Bool("update", false, "write the transcripts of the worlds")

// A change of what a lint says, a probe sends or a guard answers shows as a
// difference that somebody reads.
func TestTheFacesDoWhatTheirTranscriptsSay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r risk.Risk, w *risktest.World) {
		t.Helper()
		dir := filepath.Join("../../risks", r.ID, "testdata")
		if *update {
			text, err := w.Transcript(t.Context(), r, risks.All())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, w.Name+".golden"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		differs, err := w.Recorded(t.Context(), dir, r, risks.All())
		if err != nil || differs != "" {
			t.Errorf("%s %v\nif that is right: make golden", differs, err)
		}
	})
}
