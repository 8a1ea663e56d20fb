package cors

import (
	"testing"

	"github.com/sallyport/sallyport/risk"
)

func TestAPageOfAListedOriginMayReadRefusals(t *testing.T) {
	t.Parallel()
	g := &replies{access{origins: []string{"https://app.example.com"}, creds: true}}
	for origin, want := range map[string]string{"https://app.example.com": "https://app.example.com", "https://evil.example": "", "null": ""} {
		f := &risk.Facts{}
		f.Request.Fields = risk.Fields{{Name: "Origin", Value: origin}}
		x := risk.NewExchange(f, nil)
		g.Dress(x)
		got := ""
		for _, e := range x.Edits() {
			if e.Name == "Access-Control-Allow-Origin" {
				got = e.Value
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", origin, got, want)
		}
	}
}
