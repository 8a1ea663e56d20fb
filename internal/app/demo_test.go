package app

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

func TestTheDemoShowsWhatIsStopped(t *testing.T) {
	t.Parallel()
	out, log := &output{}, &output{}
	err := Demo(t.Context(), DemoOptions{Options: Options{
		Stdout: out, Stderr: log, Clock: clock.System{}, Rand: rand.Reader, Version: "test",
	}})
	t.Logf("%s\n%s", out, log)
	if err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "!") || !strings.Contains(text, " stopped") {
		t.Error("the report shows failures")
	}
}
