package main

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
)

// delimiters stand between or in front of parts in some style. A part that has
// one says something else too.
const delimiters = ",|\t %;=.[]&+"

// single makes a wire of one text.
func single(p *contract.Parameter, text string, readings []any) wire {
	w := wire{text: text, readings: readings}
	w.pairs = []canon.Pair{pair(p.Name, text)}
	w.path = risk.PathParam{Name: p.Name, Text: text, Raw: url.PathEscape(text)}
	w.field = risk.Field{Name: p.Name, Value: text}
	if p.In == contract.InCookie {
		w.field = risk.Field{Name: "Cookie", Value: p.Name + "=" + text}
	}
	return w
}

func pair(name, value string) canon.Pair {
	return canon.Pair{Name: name, Value: value, RawName: url.QueryEscape(name), RawValue: url.QueryEscape(value)}
}

// writeContent writes a value as JSON where the parameter is one by its
// content.
func writeContent(p *contract.Parameter, v any) (wire, bool) {
	text := string(encode(v))
	if p.Content.Type != "application/json" || text == "" || p.In == contract.InCookie || !sendable(p, text) {
		return wire{}, false
	}
	w := single(p, text, []any{v})
	w.object = true
	return w, true
}

// writePrefixed writes a list or one value as a label (.a.b) or a matrix
// (;name=a;name=b).
func writePrefixed(p *contract.Parameter, texts []string, many bool) (wire, bool) {
	for _, text := range texts {
		if text == "" || strings.ContainsAny(text, delimiters) {
			return wire{}, false
		}
	}
	var text string
	switch {
	case p.Style == contract.Label && many && p.Explode:
		text = "." + strings.Join(texts, ".")
	case p.Style == contract.Label:
		text = "." + strings.Join(texts, ",")
	case many && p.Explode:
		text = ";" + p.Name + "=" + strings.Join(texts, ";"+p.Name+"=")
	default:
		text = ";" + p.Name + "=" + strings.Join(texts, ",")
	}
	return single(p, text, readings(texts, many)), true
}

// A member of an object, as text.
type member struct{ name, text string }

// writeObject writes an object in the parameter's style; false where the style
// cannot say it, or the schema may take the text for something else.
func writeObject(p *contract.Parameter, v map[string]any) (wire, bool) {
	if len(v) == 0 || p.Schema.Types != contract.ObjectType {
		return wire{}, false
	}
	var list []member
	for _, name := range slices.Sorted(maps.Keys(v)) {
		text, ok := scalarText(v[name])
		if !ok || name == "" || text == "" || strings.ContainsAny(name+text, delimiters) || !sendable(p, name+text) {
			return wire{}, false
		}
		list = append(list, member{name, text})
	}
	readings := objectReadings(v, list)
	if p.In == contract.InQuery && (p.Style == contract.DeepObject || p.Explode && p.Style == contract.Form) {
		w := wire{readings: readings, object: true, spread: p.Style == contract.Form}
		for _, m := range list {
			name := m.name
			if p.Style == contract.DeepObject {
				name = p.Name + "[" + m.name + "]"
			}
			w.pairs = append(w.pairs, pair(name, m.text))
			w.text += "&" + name + "=" + m.text
		}
		return w, true
	}
	text, ok := objectText(p, list)
	w := single(p, text, readings)
	w.object = true
	return w, ok
}

// objectText writes members into one text.
func objectText(p *contract.Parameter, list []member) (string, bool) {
	lead, between, equals := "", ",", ","
	switch p.Style {
	case contract.Simple:
		if p.Explode {
			equals = "="
		}
	case contract.Label:
		lead = "."
		if p.Explode {
			between, equals = ".", "="
		}
	case contract.Matrix:
		lead = ";" + p.Name + "="
		if p.Explode {
			lead, between, equals = ";", ";", "="
		}
	case contract.Form:
		if p.Explode {
			return "", false // members of a cookie of their own
		}
	case contract.SpaceDelimited, contract.PipeDelimited, contract.TSV, contract.DeepObject:
		return "", false
	}
	parts := make([]string, len(list))
	for k, m := range list {
		parts[k] = m.name + equals + m.text
	}
	return lead + strings.Join(parts, between), true
}

// mostMembers bounds the objects of which every member is read both ways.
const mostMembers = 6

// objectReadings are the objects that texts may stand for: each text a string
// or, where it looks like one, a number or a boolean.
func objectReadings(v map[string]any, list []member) []any {
	out := []any{v}
	if len(list) > mostMembers {
		return out
	}
	for bits := range 1 << len(list) {
		o := map[string]any{}
		for k, m := range list {
			o[m.name] = any(m.text)
			if bits>>k&1 != 0 {
				o[m.name] = scalar(m.text)
			}
		}
		out = append(out, o)
	}
	return out
}

// scalar is what a text looks like: a number, a boolean or null, or a string.
func scalar(text string) any {
	if text == "" || !json.Valid([]byte(text)) || strings.IndexByte("-0123456789tfn", text[0]) < 0 {
		return text
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return text
	}
	return v
}
