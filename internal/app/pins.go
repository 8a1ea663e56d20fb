package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/source"
)

// Codes of a reload that is refused.
const (
	CodeWeaker  source.Code = "reload/weaker"
	CodeRestart source.Code = "reload/needs-restart"
)

// readPins reads the ends of observations that were fixed before; none where
// the file is missing or broken. A broken file makes observations start anew,
// which the reload rule then refuses.
func readPins(dir string) map[string]time.Time {
	text, err := os.ReadFile(filepath.Join(dir, pinsFile))
	if err != nil {
		return nil
	}
	var pins map[string]time.Time
	if json.Unmarshal(text, &pins) != nil {
		return nil
	}
	return pins
}

// savePins keeps them.
func savePins(s *State, pins map[string]time.Time) error {
	if len(pins) == 0 {
		if _, err := os.Stat(s.Path(pinsFile)); err != nil {
			return nil //nolint:nilerr // nothing to keep, and nothing kept
		}
	}
	text, err := json.MarshalIndent(pins, "", "  ")
	if err != nil {
		return fmt.Errorf("write the ends of observations: %w", err)
	}
	if err := writePrivate(s.Path(pinsFile), append(text, '\n')); err != nil {
		return stateFault(s.Dir, err)
	}
	return nil
}

func samePins(a, b map[string]time.Time) bool { return maps.EqualFunc(a, b, time.Time.Equal) }

// weaker refuses a Plan that puts back to observe, or switches off, what the
// one that runs enforces.
func weaker(old, next *plan.Plan, allowed bool) error {
	if allowed {
		return nil
	}
	enforced := map[string]bool{}
	eachSetting(old, func(key string, s plan.Setting) {
		if s.Mode == plan.Enforce && s.Guards > 0 {
			enforced[key] = true
		}
	})
	var list source.List
	eachSetting(next, func(key string, s plan.Setting) {
		if s.Mode != plan.Enforce && enforced[key] {
			list.Add(source.Diagnostic{
				At: s.At, Code: CodeWeaker, Text: key + " is enforced, and would be put to " + s.Mode.String(),
				Hint: "restart the gateway to do that, or run it with --allow-weaker",
			})
		}
	})
	if len(list) > 0 {
		return listError{list}
	}
	return nil
}

func eachSetting(p *plan.Plan, visit func(key string, s plan.Setting)) {
	for _, a := range p.APIs {
		for _, u := range a.Units {
			for _, s := range u.Settings {
				visit(a.Name+" "+u.Op.Key+" "+s.Risk, s)
			}
		}
		for _, s := range a.Unknown.Settings {
			visit(a.Name+" * "+s.Risk, s)
		}
	}
}

// restartNeeded refuses a reload that changes what only a start can change.
func restartNeeded(old, next *loaded) error {
	o, n := old.policy, next.policy
	same := fmt.Sprint(values(o.Listen), o.Admin.Bind.Value, o.TLS.Cert.Value, o.TLS.Key.Value, o.TLS.ACME, o.State.Value, o.Audit, values(o.TrustedProxies)) ==
		fmt.Sprint(values(n.Listen), n.Admin.Bind.Value, n.TLS.Cert.Value, n.TLS.Key.Value, n.TLS.ACME, n.State.Value, n.Audit, values(n.TrustedProxies))
	if same {
		return nil
	}
	return listError{source.List{{
		At: source.Span{File: n.File}, Code: CodeRestart, Text: "listen, tls, admin, state, audit or trusted_proxies changed", Hint: "restart the gateway to change them",
	}}}
}
