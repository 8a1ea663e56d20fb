package contract

import "testing"

func TestReplyForPrefersTheExactCode(t *testing.T) {
	t.Parallel()
	exact, ranged, fallback := &Reply{Code: 404}, &Reply{Code: 4, Range: true}, &Reply{}
	o := &Operation{Replies: []*Reply{fallback, ranged, exact}}
	for status, want := range map[int]*Reply{404: exact, 409: ranged, 200: fallback, 4: fallback} {
		if got := o.ReplyFor(status); got != want {
			t.Errorf("ReplyFor(%d) = %+v, want %+v", status, got, want)
		}
	}
	if (&Operation{}).ReplyFor(200) != nil {
		t.Error("an operation without replies has none")
	}
}

func TestPublicNeedsTheDocumentToSaySo(t *testing.T) {
	t.Parallel()
	key := Requirement{Parts: []Required{{Scheme: &Scheme{}}}}
	for _, c := range []struct {
		name string
		op   Operation
		want bool
	}{
		{"silence is not public", Operation{}, false},
		{"an empty list is public", Operation{Secured: true}, true},
		{"a scheme is not public", Operation{Secured: true, Security: []Requirement{key}}, false},
		{"an optional scheme is public", Operation{Secured: true, Security: []Requirement{key, {}}}, true},
	} {
		if got := c.op.Public(); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestWalkEndsOnCyclesAndFollowsEveryKeyword(t *testing.T) {
	t.Parallel()
	root := NewSchema()
	leaf := func() *Schema { return NewSchema() }
	root.Rare = NewRare()
	root.Ref, root.AdditionalProperties, root.Items, root.Not = leaf(), leaf(), root, leaf()
	root.Properties = []Property{{Name: "a", Schema: leaf()}, {Name: "self", Schema: root}}
	root.PatternProperties = []PatternProperty{{Schema: leaf()}}
	root.PrefixItems, root.AllOf, root.AnyOf, root.OneOf = []*Schema{leaf()}, []*Schema{leaf()}, []*Schema{leaf()}, []*Schema{leaf()}
	r := root.Rare
	r.If, r.Then, r.Else, r.PropertyNames, r.Contains = leaf(), leaf(), leaf(), leaf(), leaf()
	r.UnevaluatedProperties, r.UnevaluatedItems, r.ContentSchema = leaf(), leaf(), leaf()
	r.DependentSchemas = []Property{{Schema: leaf()}}
	n := 0
	Walk(root, func(*Schema) bool { n++; return true })
	if n != 19 {
		t.Errorf("visited %d schemas, want 19", n)
	}
}

func TestAllows(t *testing.T) {
	t.Parallel()
	s := NewSchema()
	if !s.Allows(ObjectType) {
		t.Error("no type means any")
	}
	s.Types = NumericType
	if !s.Allows(IntegerType) || s.Allows(StringType) {
		t.Error("a number may be an integer, and no string")
	}
}

func TestParamComparesHeaderNamesWithoutCase(t *testing.T) {
	t.Parallel()
	p, q := &Parameter{Name: "X-Trace", In: InHeader}, &Parameter{Name: "q", In: InQuery}
	o := &Operation{Parameters: []*Parameter{p, q}}
	if o.Param(InHeader, "x-trace") != p || o.Param(InQuery, "Q") != nil || o.Param(InQuery, "q") != q {
		t.Error("Param is wrong")
	}
}
