package policy

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// What holds where a policy says nothing.
const (
	DefaultListen = "https://localhost:8443"
	DefaultAdmin  = "127.0.0.1:9443"
	DefaultKeep   = 400 * day
)

// An Input is a policy to read.
type Input struct {
	Name    string // of the file, as the user named it
	Risks   []risk.Risk
	Environ []string // as os.Environ gives it; nil: not checked
	Known   []string // the SALLYPORT_* variables that something reads
}

// variables is what the names of our environment variables start with.
const variables = "SALLYPORT_"

// Load reads and parses the file in.Name, at most MaxText bytes of it.
func Load(in Input) (*Policy, source.List) {
	raw, err := read(in.Name)
	if err != nil {
		return nil, source.List{{At: source.Span{File: in.Name}, Code: CodeUnreadable,
			Text: fmt.Sprintf("the policy cannot be read: %v", err), Hint: "name the file with -c, or write one with sallyport init"}}
	}
	return Parse(in, raw)
}

func read(name string) (raw []byte, err error) {
	f, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	return io.ReadAll(io.LimitReader(f, MaxText+1))
}

// Parse reads the text of a policy. With an error in the list there is no
// policy; warnings and notes come with one. The list is in the order of the
// text and holds at most source.MaxList diagnostics.
func Parse(in Input, raw []byte) (*Policy, source.List) { return parseBy(grammar(in.Risks), in, raw) }

// parseBy is Parse with the grammar of in.Risks.
func parseBy(g record[Policy], in Input, raw []byte) (*Policy, source.List) {
	var r reader
	r.risks = in.Risks
	environment(&r, in)
	t, l := newText(in.Name, raw)
	r.text = t
	r.take(l)
	if len(l) > 0 {
		return nil, r.sorted()
	}
	v, l := tree(t, raw)
	r.take(l)
	if v.Kind == source.Absent {
		return nil, r.sorted()
	}
	p, ok := g.read(&r, v)
	if !ok || r.failed > 0 {
		return nil, r.sorted()
	}
	p.File, p.text = in.Name, t
	p.defaults()
	return &p, r.sorted()
}

// environment refuses variables that look like ours and are not: a typing
// error must not leave a default in force.
func environment(r *reader, in Input) {
	for _, pair := range in.Environ {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, variables) {
			continue
		}
		known := false
		for _, k := range in.Known {
			known = known || k == name
		}
		if !known {
			hint := "unset it"
			short := make([]string, len(in.Known))
			for i, k := range in.Known {
				short[i] = strings.TrimPrefix(k, variables)
			}
			if c := source.Near(strings.TrimPrefix(name, variables), short); c != "" {
				hint = "did you mean " + variables + c + "?"
			}
			r.fail(source.Span{File: "environment"}, CodeUnknownVariable, fmt.Sprintf("nothing reads the variable %s", quote(name)), hint)
		}
	}
}

// defaults fills in what must not be empty and stands at one level only.
func (p *Policy) defaults() {
	if len(p.Listen) == 0 {
		p.Listen = []Text{{Value: DefaultListen}}
	}
	p.Admin.Bind = p.Admin.Bind.Or(Text{Value: DefaultAdmin})
	p.Audit.Keep = p.Audit.Keep.Or(Duration{Value: DefaultKeep})
	p.Audit.Durability = p.Audit.Durability.Or(Given[Durability]{Value: Kernel})
}

// Default is the policy of no file: everything safe, and no API yet.
func Default() *Policy {
	p := &Policy{Version: Given[int64]{Value: Version}}
	p.defaults()
	return p
}

// Path is a path of the policy as the process finds it: relative ones start
// from the folder of the policy file. A URL stays as it is.
func (p *Policy) Path(name string) string {
	if strings.Contains(name, "://") || filepath.IsAbs(name) || p.File == "" {
		return name
	}
	return filepath.Join(filepath.Dir(p.File), name)
}
