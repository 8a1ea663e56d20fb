package policy

import (
	"time"

	"github.com/sallyport/sallyport/risk"
)

// level is a setting with fixed words.
type level string

// Values lists them.
func (level) Values() []string { return []string{"low", "high"} }

// corsParams has a setting of each type.
type corsParams struct {
	Origins []string      `policy:"origins" doc:"Origins that may read replies." pattern:"^https?://[^/\\s]+$"`
	Age     time.Duration `policy:"max_age" doc:"How long a preflight is kept." min:"1s" max:"1d"`
	Cookies bool          `policy:"credentials" doc:"Whether cookies are sent."`
	Limit   int           `policy:"limit" doc:"How many origins are tried." min:"1" max:"10"`
	Level   level         `policy:"level" doc:"How strict."`
	Sample  int64         `policy:"sample,size" doc:"How much is kept." max:"1MiB"`
	Label   string        `policy:"label" doc:"Any text."`
	Hidden  string        // no setting
}

// fakes are the risks of the tests: one with settings, one without, and one
// with a floor.
func fakes() []risk.Risk {
	return []risk.Risk{
		{ID: "cors", Title: "Cross-origin requests", Params: corsParams{}},
		{ID: "reply", Title: "Reply outside the contract"},
		{ID: "transport", Title: "Plain transport", Floor: true, Params: struct {
			Minimum string `policy:"minimum" doc:"Lowest version."`
		}{}},
	}
}

func parse(text string) (*Policy, error) {
	p, l := Parse(Input{Name: "sallyport.yaml", Risks: fakes()}, []byte(text))
	return p, l.Err()
}
