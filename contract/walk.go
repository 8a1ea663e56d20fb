package contract

// Walk visits s and every schema below it once, parents first, following
// references. It stops a branch where visit returns false. Cycles end at the
// first schema seen again.
func Walk(s *Schema, visit func(*Schema) bool) {
	walk(s, map[*Schema]bool{}, visit)
}

func walk(s *Schema, seen map[*Schema]bool, visit func(*Schema) bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	if !visit(s) {
		return
	}
	for _, c := range s.Children() {
		walk(c, seen, visit)
	}
}

// Children lists the direct subschemas of s in a fixed order, references
// included. It allocates; use it outside the hot path.
func (s *Schema) Children() []*Schema {
	var out []*Schema
	add := func(list ...*Schema) {
		for _, c := range list {
			if c != nil {
				out = append(out, c)
			}
		}
	}
	add(s.Ref)
	for i := range s.Properties {
		add(s.Properties[i].Schema)
	}
	for i := range s.PatternProperties {
		add(s.PatternProperties[i].Schema)
	}
	add(s.AdditionalProperties, s.Items)
	add(s.PrefixItems...)
	add(s.AllOf...)
	add(s.AnyOf...)
	add(s.OneOf...)
	add(s.Not)
	if r := s.Rare; r != nil {
		add(r.If, r.Then, r.Else, r.PropertyNames, r.Contains, r.UnevaluatedProperties, r.UnevaluatedItems, r.ContentSchema)
		for i := range r.DependentSchemas {
			add(r.DependentSchemas[i].Schema)
		}
		if r.DynamicRef != nil {
			add(r.DynamicRef.Schema)
		}
	}
	return out
}
