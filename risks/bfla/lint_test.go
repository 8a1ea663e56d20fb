package bfla

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

func TestTheLintSpeaksOnceOfAllThatIsOpen(t *testing.T) {
	t.Parallel()
	var writes []*contract.Operation
	for i := range 4 {
		writes = append(writes, at(fmt.Sprintf("/%d", i), "PUT"))
	}
	scoped, page := at("/orders", "GET", "a"), at("/ADMIN/x", "GET")
	public := at("/public", "POST")
	public.Secured = true
	for want, ops := range map[string][]*contract.Operation{
		"": {scoped, at("/admin/x", "POST", "a"), at("/read", "GET"), public},
		"every credential opens what looks like functions for few (1: GET /ADMIN/x)":                                                                                                    {page, at("/read", "GET")},
		"every credential opens changes of state, while other operations ask for scopes (3: PUT /0, PUT /1, PUT /2)":                                                                    append([]*contract.Operation{scoped}, writes[:3]...),
		"every credential opens what looks like functions for few (1: GET /ADMIN/x) and changes of state, while other operations ask for scopes (4: PUT /0, PUT /1, PUT /2 and 1 more)": append([]*contract.Operation{scoped, page}, writes...),
		"every credential opens what looks like functions for few (2: GET /ADMIN/x, PUT /admin)":                                                                                        {page, at("/admin", "PUT"), at("/write", "PUT")},
	} {
		var got []source.Diagnostic
		lint(&contract.Contract{Operations: ops}, func(d source.Diagnostic) { got = append(got, d) })
		text := ""
		for _, d := range got {
			text += d.Text
			if d.Code != CodeNoScope || d.Severity != source.Warning || !strings.Contains(d.Hint, "x-sallyport-scopes") {
				t.Errorf("%+v", d)
			}
		}
		if text != want || len(got) == 1 && strings.Contains(text, "ADMIN") && got[0].At != page.At {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}

func TestTheNamesOfFunctionsForFew(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/admin": true, "/v1/Admin/x": true, "/_admin": true, "/a/administration": true, "/administrator": true, "/backoffice": true, "/back-office/x": true,
		"/superuser": true, "/x/internal": true, "/users/{id}/impersonate": true, "/admins": false, "/internals": false, "/": false, "/x-admin": false,
	} {
		if got := privileged(&contract.Operation{Path: path}); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestScopesThatNoTokenCanHave(t *testing.T) {
	t.Parallel()
	flows := []contract.Flow{{Scopes: []string{"a"}}, {Scopes: []string{"b"}}}
	asks := func(s *contract.Scheme, scopes ...string) *contract.Operation {
		return &contract.Operation{Method: "GET", Path: "/x", Security: []contract.Requirement{{At: source.Span{Line: 4}, Parts: []contract.Required{{Scheme: s, Scopes: scopes}}}}}
	}
	oauth := &contract.Scheme{Name: "login", Kind: contract.OAuth2, Flows: flows}
	var got []source.Diagnostic
	lint(&contract.Contract{Operations: []*contract.Operation{
		asks(oauth, "a", "b", "c", "c", "d"), asks(oauth, "c"), asks(&contract.Scheme{Name: "log", Kind: contract.OAuth2, Flows: flows}, "inc"), asks(&contract.Scheme{Name: "other", Kind: contract.OAuth2, Flows: flows}, "c"),
		asks(nil, "e"), asks(&contract.Scheme{Kind: contract.OpenIDConnect, Flows: flows}, "e"), asks(&contract.Scheme{Kind: contract.OAuth2}, "e"),
	}}, func(d source.Diagnostic) { got = append(got, d) })
	diagnostic := func(scheme, scope string) source.Diagnostic {
		return source.Diagnostic{
			At: source.Span{Line: 4}, Severity: source.Warning, Code: CodeUnlisted, Text: fmt.Sprintf("no flow of the scheme %q lists the scope %q", scheme, scope),
			Hint: "list it under scopes of the flow, or ask for one that is there",
		}
	}
	if diff := cmp.Diff([]source.Diagnostic{diagnostic("login", "c"), diagnostic("login", "d"), diagnostic("log", "inc"), diagnostic("other", "c")}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAListThatCannotBeReadIsReported(t *testing.T) {
	t.Parallel()
	broken := at("/admin", "PUT")
	broken.Extensions = contract.Extensions{{Name: "scopes", Value: source.Value{Kind: source.String, At: source.Span{Line: 6}}}}
	var got []source.Diagnostic
	lint(&contract.Contract{Operations: []*contract.Operation{broken, at("/b", "GET", "a")}}, func(d source.Diagnostic) { got = append(got, d) })
	want := []source.Diagnostic{{At: source.Span{Line: 6}, Severity: source.Error, Code: CodeScopes, Text: errScopes.Error(), Hint: "write x-sallyport-scopes: [orders:admin]"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
