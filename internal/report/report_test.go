package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/source"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// found is a check with one of everything.
func found() Check {
	at := func(file string, line, col int) source.Span { return source.Span{File: file, Line: line, Col: col} }
	return Check{
		Version: "0.1", Dir: "/home/me/api",
		Diagnostics: source.List{{At: at("sallyport.yaml", 3, 1), Severity: source.Warning, Code: "policy/old", Text: "this is old"}},
		Design: source.List{
			{At: at("./orders api.yaml", 41, 9), Severity: source.Error, Code: "massassign/server-owned", Text: `property "role" is <writable>`, Hint: "add readOnly: true", Line: "    rôle: {type: string}"},
			{At: at("./orders api.yaml", 50, 9), Code: "massassign/server-owned", Text: `property "role" is <writable>`},
			{At: at("/srv/shared.yaml", 7, 0), Severity: source.Warning, Code: "undeclared/open", Text: "GET /orders/{id} is open"},
			{At: at("https://me:secret@api.example/o.yaml?token=secret", 2, 5), Severity: source.Info, Code: "undeclared/open", Text: "a control character \x01 and ]]>"},
			{Severity: source.Info, Code: "x/nowhere", Text: "no place"},
		},
		Unchecked: source.List{{At: at("orders api.yaml", 1, 2), Severity: source.Info, Code: "check/unchecked", Text: "a pattern"}},
		Tests: []Test{
			{Name: "bob cannot read", Want: "deny bola", Got: "deny bola 403", At: at("sallyport.yaml", 30, 5), Passed: true},
			{Name: `GET "/x" & more`, Want: "allow", Got: "deny authn 401", At: at("sallyport.yaml", 31, 5), Code: "policy/test-failed"},
		},
		Rule: func(c source.Code) Rule {
			if c == "massassign/server-owned" {
				return Rule{Title: "Mass assignment", Help: "What goes wrong.\n", Tags: []string{"API3:2023", "CWE-915"}}
			}
			return Rule{}
		},
	}
}

// refusedCheck is one that could not be made.
func refusedCheck() Check {
	return Check{Dir: "/home/me/api", Refused: source.List{
		{At: source.Span{File: "sallyport.yaml", Line: 3, Col: 10}, Code: "policy/unknown-key", Text: `there is no "upsteam"`, Hint: "did you mean upstream"},
		{At: source.Span{File: "--to"}, Severity: source.Warning, Code: "run/odd", Text: "odd"},
	}}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name string, write func(io.Writer, Check) error, c Check) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, c); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
	if strings.Contains(b.String(), "secret") {
		t.Errorf("%s shows a secret of a URL", name)
	}
	return b.Bytes()
}

func TestSARIFIsWhatTheSchemaAsksFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Check{"found.sarif": found(), "refused.sarif": refusedCheck(), "empty.sarif": {}} {
		var log map[string]any
		if err := json.Unmarshal(golden(t, name, SARIF, c), &log); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, p := range invalid(log) {
			t.Errorf("%s: %s", name, p)
		}
	}
}

// invalid checks the rules of sarif-schema-2.1.0.json that concern what is
// written here: required properties, enumerations, minima, index and id of
// rules, and that no URI is malformed.
func invalid(log map[string]any) []string {
	var out []string
	say := func(ok bool, what string) {
		if !ok {
			out = append(out, what)
		}
	}
	say(log["version"] == "2.1.0", "version")
	say(strings.HasSuffix(log["$schema"].(string), "sarif-schema-2.1.0.json"), "$schema")
	for _, r := range log["runs"].([]any) {
		run := r.(map[string]any)
		driver := run["tool"].(map[string]any)["driver"].(map[string]any)
		say(driver["name"] == "Sallyport", "driver.name is required")
		say(run["columnKind"] == "unicodeCodePoints", "columnKind")
		for _, i := range run["invocations"].([]any) {
			_, ok := i.(map[string]any)["executionSuccessful"].(bool)
			say(ok, "executionSuccessful is required")
		}
		rules := driver["rules"].([]any)
		ids := map[any]bool{}
		for _, r := range rules {
			rule := r.(map[string]any)
			say(rule["id"] != "" && !ids[rule["id"]], "ids of rules are there and unique")
			ids[rule["id"]] = true
			say(rule["shortDescription"].(map[string]any)["text"] != "", "shortDescription.text is required")
			if h, ok := rule["help"].(map[string]any); ok {
				say(h["text"] != "", "help.text is required")
			}
		}
		results, ok := run["results"].([]any)
		say(ok, "results are there, be there none")
		prints := map[any]bool{}
		for _, r := range results {
			result := r.(map[string]any)
			i := int(result["ruleIndex"].(float64))
			say(i >= 0 && i < len(rules) && rules[i].(map[string]any)["id"] == result["ruleId"], "ruleIndex points at ruleId")
			say(result["level"] == "error" || result["level"] == "warning" || result["level"] == "note", "level")
			say(result["message"].(map[string]any)["text"] != "", "message.text is required")
			print := result["partialFingerprints"].(map[string]any)[fingerprintName]
			say(print != "" && !prints[print], "fingerprints are unique")
			prints[print] = true
			locations, _ := result["locations"].([]any)
			for _, l := range locations {
				place := l.(map[string]any)["physicalLocation"].(map[string]any)
				say(place["artifactLocation"].(map[string]any)["uri"] != "", "uri")
				if region, ok := place["region"].(map[string]any); ok {
					say(region["startLine"].(float64) >= 1, "startLine is 1 or more")
					if col, ok := region["startColumn"].(float64); ok {
						say(col >= 1, "startColumn is 1 or more")
					}
				}
			}
		}
	}
	return out
}

func TestFingerprintsStayWhenLinesMove(t *testing.T) {
	t.Parallel()
	prints := func(c Check) []string {
		var b bytes.Buffer
		if err := SARIF(&b, c); err != nil {
			t.Fatal(err)
		}
		var log sarifLog
		if err := json.Unmarshal(b.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, r := range log.Runs[0].Results {
			out = append(out, r.Fingerprints[fingerprintName])
		}
		return out
	}
	before, moved, changed := found(), found(), found()
	for i := range moved.Design {
		moved.Design[i].At.Line += 10
		changed.Design[i].Text += "!"
	}
	if diff := cmp.Diff(prints(before), prints(moved)); diff != "" {
		t.Errorf("they change with the lines:\n%s", diff)
	}
	if cmp.Equal(prints(before), prints(changed)) {
		t.Error("they stay although the findings change")
	}
}

func TestJUnitCountsWhatItHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Check{"found.xml": found(), "refused.xml": refusedCheck(), "empty.xml": {}} {
		var s junitSuites
		if err := xml.Unmarshal(golden(t, name, JUnit, c), &s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var cases, failures, errs int
		for _, suite := range s.Suites {
			cases += len(suite.Cases)
			for _, c := range suite.Cases {
				if c.Name == "" || c.Class == "" {
					t.Errorf("%s: a case without a name: %+v", name, c)
				}
				if c.Failure != nil {
					failures++
				}
				if c.Error != nil {
					errs++
				}
			}
		}
		if s.Tests != cases || s.Failures != failures || s.Errors != errs || cases == 0 {
			t.Errorf("%s says %d/%d/%d, and has %d/%d/%d", name, s.Tests, s.Failures, s.Errors, cases, failures, errs)
		}
	}
}

func TestAFullDiskIsAnError(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(io.Writer, Check) error{"SARIF": SARIF, "JUnit": JUnit} {
		if write(fullDisk{}, found()) == nil {
			t.Errorf("%s hides it", name)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
