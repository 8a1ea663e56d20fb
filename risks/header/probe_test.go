package header

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// A script is a target that answers by the caller and the fields.
type script struct {
	ops    []*contract.Operation
	fields risk.Fields                               // of a lawful request
	serve  func(as string, f risk.Fields) *risk.Seen // nil: no answer
	sent   []string
	found  []string
}

const canary = "abcdefghijklmnop"

func (s *script) probe(t *testing.T) error {
	t.Helper()
	return probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: s.ops}, Canary: func() string { return canary },
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path, Fields: s.fields}, op.Path != "/unknown"
		},
		Report: func(f risk.Finding) {
			if !f.Confirmed {
				t.Errorf("unproved: %+v", f)
			}
			s.found = append(s.found, fmt.Sprintf("%s at %s %d: %s", f.Code, f.Operation, f.At.Line, f.Proof))
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			text := a.Path + " " + a.As
			for _, f := range a.Fields {
				text += " " + f.Name + "=" + f.Value
			}
			s.sent = append(s.sent, text)
			seen := s.serve(a.As, a.Fields)
			if seen == nil {
				return nil, errors.New("reset")
			}
			return seen, nil
		},
	})
}

func say(status int, text string) *risk.Seen { return &risk.Seen{Status: status, Body: []byte(text)} }

func key(field string) *contract.Scheme {
	return &contract.Scheme{Kind: contract.APIKey, In: contract.InHeader, Field: field}
}

// secured is an operation with alternatives of one scheme each.
func secured(schemes ...*contract.Scheme) *contract.Operation {
	op := &contract.Operation{Method: "GET", Path: "/orders", Key: "GET /orders"}
	op.At.Line = 7
	for _, s := range schemes {
		op.Security = append(op.Security, contract.Requirement{Parts: []contract.Required{{Scheme: s}}})
	}
	return op
}

func TestWhereACredentialIs(t *testing.T) {
	t.Parallel()
	kind := func(k contract.SchemeKind) *contract.Scheme { return &contract.Scheme{Kind: k, Field: "X-No"} }
	query := &contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Field: "X-Key"}
	for name, c := range map[string]struct {
		op   *contract.Operation
		want string
	}{
		"nowhere": {secured(), ""}, "HTTP": {secured(kind(contract.HTTPAuth)), "Authorization"}, "OAuth": {secured(kind(contract.OAuth2)), "Authorization"},
		"OpenID": {secured(kind(contract.OpenIDConnect)), "Authorization"}, "a certificate": {secured(kind(contract.MutualTLS)), ""}, "a key": {secured(key("X-Key")), "X-Key"},
		"a key in the query": {secured(query), ""}, "two kinds in one field": {secured(kind(contract.HTTPAuth), kind(contract.OAuth2)), "Authorization"}, "two fields": {secured(kind(contract.HTTPAuth), key("X-Key")), ""},
		"two fields, the other way round": {secured(key("X-Key"), kind(contract.HTTPAuth)), ""}, "one field in other letters": {secured(key("X-Key"), key("x-key")), "x-key"},
		"a field or a certificate": {secured(key("X-Key"), kind(contract.MutualTLS)), ""}, "a certificate or a field": {secured(kind(contract.MutualTLS), key("X-Key")), ""},
		"a field and another one": {&contract.Operation{Security: []contract.Requirement{{Parts: []contract.Required{{Scheme: key("A")}, {Scheme: key("B")}}}}}, ""},
		"a field or nothing":      {&contract.Operation{Security: []contract.Requirement{{}, {Parts: []contract.Required{{Scheme: key("A")}}}}}, "A"},
	} {
		if got := place(c.op); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// keys is a server that takes the last key of several spellings, after what
// hop does to a head.
func keys(hop bool, names ...string) func(string, risk.Fields) *risk.Seen {
	return func(as string, f risk.Fields) *risk.Seen {
		f = slices.Clone(f)
		if as != "" {
			f = append(f, risk.Field{Name: "X-Api-Key", Value: as})
		}
		if hop && strings.Contains(f.Get("Connection"), "X-Api-Key") {
			return say(401, "who")
		}
		if !slices.Contains(names, "last") && f.Count("X-Api-Key") > 1 {
			return say(400, "twice")
		}
		who := last(append(names, "X-Api-Key")...)(f)
		if slices.Contains(names, "first") {
			who = first(names...)(f)
			if who == "" {
				who = last("X-Api-Key")(f)
			}
		}
		switch who {
		case "alice":
			return say(200, "orders")
		case "":
			return say(401, "who")
		}
		return say(403, "no")
	}
}

func TestTheProbeOfCredentials(t *testing.T) {
	t.Parallel()
	const duplicate = "header/duplicate at GET /orders 7: GET /orders took two X-Api-Key fields, an invented one before the caller's: the answer was that of the caller, while the invented one alone got 403"
	const underscore = "header/underscore at GET /orders 7: GET /orders with a field X_Api_Key beside its X-Api-Key got 403, as with that value in X-Api-Key; a field X_… that means nothing changed nothing"
	const hop = "header/hop at GET /orders 7: GET /orders as its caller, with Connection: X-Api-Key, got the 401 of nobody: the field can be taken away"
	over := func(f func(as string, f risk.Fields) *risk.Seen, next func(string, risk.Fields) *risk.Seen) func(string, risk.Fields) *risk.Seen {
		return func(as string, fields risk.Fields) *risk.Seen {
			if s := f(as, fields); s != nil {
				return s
			}
			return next(as, fields)
		}
	}
	nobody := func(s *risk.Seen) func(string, risk.Fields) *risk.Seen {
		return func(as string, f risk.Fields) *risk.Seen {
			if as == "" && !f.Has("X-Api-Key") {
				return s
			}
			return nil
		}
	}
	garbage := func(s *risk.Seen) func(string, risk.Fields) *risk.Seen {
		return func(as string, f risk.Fields) *risk.Seen {
			if as == "" && f.Has("X-Api-Key") {
				return s
			}
			return nil
		}
	}
	bearer := &contract.Scheme{Kind: contract.HTTPAuth, HTTP: "bearer"}
	for name, c := range map[string]struct {
		op    *contract.Operation
		serve func(string, risk.Fields) *risk.Seen
		sent  int
		want  []string
	}{
		"a sound server":                   {secured(key("X-Api-Key")), keys(false), 7, nil},
		"the last key":                     {secured(key("X-Api-Key")), keys(false, "last"), 7, []string{duplicate}},
		"an underscore":                    {secured(key("X-Api-Key")), keys(false, "first", "X_Api_Key"), 8, []string{underscore}},
		"a key that is taken away":         {secured(key("X-Api-Key")), keys(true), 7, []string{hop}},
		"all of them, told once":           {secured(key("X-Api-Key")), keys(true, "first", "last", "X_Api_Key"), 8, []string{duplicate, underscore, hop}},
		"one field of two":                 {secured(key("X-Api-Key"), bearer), keys(true, "last"), 3, nil},
		"everybody may read":               {secured(key("X-Api-Key")), over(nobody(say(200, "public")), keys(true, "last")), 3, nil},
		"nobody is not known":              {secured(key("X-Api-Key")), over(nobody(say(404, "who")), keys(true, "last")), 3, nil},
		"nobody is asked to pay":           {secured(key("X-Api-Key")), over(nobody(say(402, "who")), keys(true, "last")), 3, nil},
		"nobody is forbidden":              {secured(key("X-Api-Key")), over(nobody(say(403, "no")), keys(false, "last")), 7, []string{duplicate}},
		"any key will do":                  {secured(key("X-Api-Key")), over(garbage(say(200, "orders")), keys(true, "last")), 4, nil},
		"an invented key breaks something": {secured(key("X-Api-Key")), over(garbage(say(500, "oops")), keys(true, "last")), 4, nil},
	} {
		s := &script{ops: []*contract.Operation{c.op}, serve: c.serve}
		if err := s.probe(t); err != nil || len(s.sent) != c.sent {
			t.Errorf("%s: %v, sent %q", name, err, s.sent)
		}
		if diff := cmp.Diff(c.want, s.found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	s := &script{ops: []*contract.Operation{secured(key("X-Api-Key")), secured(key("X-Api-Key"))}, serve: keys(false, "last")}
	if err := s.probe(t); err != nil || len(s.found) != 1 {
		t.Errorf("two operations: %v, found %q", err, s.found)
	}
	lost := over(func(as string, f risk.Fields) *risk.Seen {
		if as == "" && f.Has("X-Api-Key") {
			return nil
		}
		return keys(true, "last")(as, f)
	}, func(string, risk.Fields) *risk.Seen { return nil })
	s = &script{ops: []*contract.Operation{secured(key("X-Api-Key"))}, serve: lost}
	if err := s.probe(t); err != nil || s.found != nil {
		t.Errorf("no answer to an invented key: %v, found %q", err, s.found)
	}
	s.serve = func(as string, f risk.Fields) *risk.Seen {
		if as == "" {
			return nil
		}
		return keys(true, "last")(as, f)
	}
	if err := s.probe(t); err != nil || s.found != nil {
		t.Errorf("no answer to nobody: %v, found %q", err, s.found)
	}
}

func TestTheProbeOfParameters(t *testing.T) {
	t.Parallel()
	const at = " at GET /orders 7: GET /orders "
	const duplicate = "header/duplicate" + at + "took two X-Tenant fields with two values, and answered %d as to one of them"
	const underscore = "header/underscore" + at + "with a field X_Tenant beside its X-Tenant got %d, as with that value in X-Tenant; a field X_… that means nothing changed nothing"
	const hop = "header/hop" + at + "with Connection: X-Tenant got the answer without X-Tenant: the field can be taken away"
	red, ok := say(200, "red"), say(200, "all")
	type answers struct{ other, absent, both, twin, control, hop *risk.Seen }
	for name, c := range map[string]struct {
		answers
		types contract.Types
		want  []string
	}{
		"a sound server":                             {answers{say(404, "no"), ok, say(400, "two"), red, red, red}, contract.StringType, nil},
		"the lawful one of two":                      {answers{say(404, "no"), ok, red, red, red, red}, contract.StringType, []string{fmt.Sprintf(duplicate, 200)}},
		"the other one of two":                       {answers{say(299, "blue"), ok, say(299, "blue"), red, red, red}, contract.StringType, []string{fmt.Sprintf(duplicate, 299)}},
		"less than a success of two":                 {answers{say(199, "blue"), ok, say(199, "blue"), red, red, red}, contract.StringType, nil},
		"another one that is refused":                {answers{say(404, "no"), ok, say(404, "no"), red, red, red}, contract.StringType, nil},
		"two are refused":                            {answers{say(200, "blue"), ok, say(400, "two"), red, red, red}, contract.StringType, nil},
		"two get something else":                     {answers{say(200, "blue"), ok, say(200, "green"), red, red, red}, contract.StringType, nil},
		"two are lost":                               {answers{say(200, "blue"), ok, nil, red, red, red}, contract.StringType, nil},
		"a list":                                     {answers{say(404, "no"), ok, red, red, red, red}, contract.ArrayType, nil},
		"a value that changes nothing":               {answers{red, ok, red, red, red, red}, contract.StringType, nil},
		"a value without an answer":                  {answers{nil, ok, red, red, red, red}, contract.StringType, nil},
		"an underscore":                              {answers{say(404, "no"), ok, say(400, "two"), say(404, "no"), red, red}, contract.StringType, []string{fmt.Sprintf(underscore, 404)}},
		"an underscore of a list":                    {answers{say(200, "blue"), ok, nil, say(200, "blue"), red, red}, contract.ArrayType, []string{fmt.Sprintf(underscore, 200)}},
		"an underscore that is unauthorised":         {answers{say(401, "no"), ok, nil, say(401, "no"), red, red}, contract.StringType, []string{fmt.Sprintf(underscore, 401)}},
		"an underscore with an odd refusal":          {answers{say(499, "no"), ok, nil, say(499, "no"), red, red}, contract.StringType, []string{fmt.Sprintf(underscore, 499)}},
		"an underscore that is sent elsewhere":       {answers{say(399, "no"), ok, nil, say(399, "no"), red, red}, contract.StringType, []string{fmt.Sprintf(underscore, 399)}},
		"an underscore beyond all statuses":          {answers{say(600, "no"), ok, nil, say(600, "no"), red, red}, contract.StringType, []string{fmt.Sprintf(underscore, 600)}},
		"an underscore that may be a bad request":    {answers{say(400, "no"), ok, nil, say(400, "no"), red, red}, contract.StringType, nil},
		"an underscore that breaks the server":       {answers{say(500, "no"), ok, nil, say(500, "no"), red, red}, contract.StringType, nil},
		"an underscore that breaks the server oddly": {answers{say(599, "no"), ok, nil, say(599, "no"), red, red}, contract.StringType, nil},
		"any underscore":                             {answers{say(404, "no"), ok, nil, say(404, "no"), say(404, "no"), red}, contract.StringType, nil},
		"any underscore is lost":                     {answers{say(404, "no"), ok, nil, say(404, "no"), nil, red}, contract.StringType, nil},
		"an underscore for something else":           {answers{say(404, "no"), ok, nil, say(404, "nothing"), red, red}, contract.StringType, nil},
		"an underscore that is lost":                 {answers{nil, ok, nil, nil, red, red}, contract.StringType, nil},
		"an underscore that changes nothing":         {answers{red, ok, nil, red, red, red}, contract.StringType, nil},
		"taken away":                                 {answers{red, ok, nil, red, red, ok}, contract.StringType, []string{hop}},
		"taken away with an odd success":             {answers{red, say(299, "all"), nil, red, red, say(299, "all")}, contract.StringType, []string{hop}},
		"taken away with less than a success":        {answers{red, say(199, "all"), nil, red, red, say(199, "all")}, contract.StringType, nil},
		"needed":                                     {answers{red, say(300, "all"), nil, red, red, say(300, "all")}, contract.StringType, nil},
		"not missed":                                 {answers{red, red, nil, red, red, red}, contract.StringType, nil},
		"no answer without it":                       {answers{red, nil, nil, red, red, nil}, contract.StringType, nil},
		"no answer with Connection":                  {answers{red, ok, nil, red, red, nil}, contract.StringType, nil},
		"Connection is refused":                      {answers{red, ok, nil, red, red, say(400, "no")}, contract.StringType, nil},
	} {
		op := secured()
		query := parameter("X-Query", c.types)
		query.In = contract.InQuery
		op.Parameters = []*contract.Parameter{query, parameter("X-Absent", c.types), parameter("X-Tenant", c.types)}
		s := &script{ops: []*contract.Operation{op}, fields: fieldsOf("X-Query: a", "x-tenant: red")}
		s.serve = func(as string, f risk.Fields) *risk.Seen {
			switch names := strings.Join(slices.Sorted(slices.Values(namesOf(f))), " "); {
			case as == "":
				return say(401, "who")
			case names == "X-Query x-tenant":
				return red
			case names == "X-Query X-Tenant" || names == "X-Tenant X-Query":
				return c.other
			case names == "X-Query":
				return c.absent
			case f.Count("X-Tenant") == 2 && f[0].Value == canary:
				return c.both
			case f.Get("X_Tenant") == canary && f.Get("X-Tenant") == "red":
				return c.twin
			case f.Get("X_"+canary) == canary && f.Get("X-Tenant") == "red":
				return c.control
			case f.Get("Connection") == "X-Tenant" && f.Get("X-Tenant") == "red":
				return c.hop
			}
			t.Errorf("%s: sent %v", name, f)
			return nil
		}
		if err := s.probe(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, s.found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func namesOf(f risk.Fields) (out []string) {
	for i := range f {
		out = append(out, f[i].Name)
	}
	return out
}

func TestANameWithoutAHyphenHasNoOtherSpelling(t *testing.T) {
	t.Parallel()
	op := secured(key("Token"))
	op.Parameters = []*contract.Parameter{parameter("Tenant", contract.StringType)}
	s := &script{ops: []*contract.Operation{op}, fields: fieldsOf("Tenant: red"), serve: func(as string, f risk.Fields) *risk.Seen {
		switch {
		case as == "" || f.Has("Token") || f.Get("Connection") == "Token":
			return say(401, "who")
		case f.Get("Tenant") == "red":
			return say(200, "red")
		}
		return say(200, "blue")
	}}
	if err := s.probe(t); err != nil {
		t.Error(err)
	}
	for _, sent := range s.sent {
		if strings.Contains(sent, "_") {
			t.Errorf("sent %s", sent)
		}
	}
}

func TestWhatCanBeComparedWith(t *testing.T) {
	t.Parallel()
	ok := say(200, "a")
	for name, c := range map[string]struct {
		first, again *risk.Seen
		sent         int
	}{
		"steady": {ok, ok, 3}, "an odd success": {say(299, "a"), say(299, "a"), 3}, "less than a success": {say(199, "a"), say(199, "a"), 1}, "more than a success": {say(300, "a"), say(300, "a"), 1},
		"no content": {say(200, ""), say(200, ""), 1}, "another answer": {ok, say(200, "b"), 2}, "another status": {ok, say(201, "a"), 2}, "no second answer": {ok, nil, 2}, "no answer": {nil, ok, 1},
	} {
		n := 0
		s := &script{ops: []*contract.Operation{secured()}, serve: func(string, risk.Fields) *risk.Seen {
			if n++; n == 1 {
				return c.first
			}
			return c.again
		}}
		if err := s.probe(t); (err != nil) != (c.first == nil) || len(s.sent) != c.sent {
			t.Errorf("%s: %v, sent %q", name, err, s.sent)
		}
	}
}

func TestTheProbeTriesEightReads(t *testing.T) {
	t.Parallel()
	s := &script{ops: []*contract.Operation{{Method: "GET", Path: "/unknown"}, {Method: "POST", Path: "/made"}}}
	for i := range 12 {
		s.ops = append(s.ops, &contract.Operation{Method: "GET", Path: fmt.Sprintf("/%d", i)})
	}
	s.serve = func(string, risk.Fields) *risk.Seen { return nil }
	if err := s.probe(t); !errors.Is(err, errNoAnswer) || len(s.sent) != 8 || s.sent[7] != "/7 alice" {
		t.Errorf("%v, sent %q", err, s.sent)
	}
	n := 0
	s.serve = func(string, risk.Fields) *risk.Seen {
		if n++; n == 3 {
			return say(404, "no")
		}
		return nil
	}
	if err := s.probe(t); err != nil {
		t.Errorf("one answer is an answer: %v", err)
	}
	if err := (&script{}).probe(t); err != nil {
		t.Errorf("nothing to try: %v", err)
	}
}
