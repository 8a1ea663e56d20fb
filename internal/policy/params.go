package policy

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// risksShape reads the settings of risks: a map by id, each with mode, because
// and what the struct in risk.Risk.Params declares.
//
// A field of that struct is a setting when it has the tag `policy:"name"`; its
// tag `doc:"…"` describes it. Its type is string, bool, int, time.Duration,
// []string, or a string type whose method Values() []string lists what it can
// be; an int64 with `policy:"name,size"` is a size such as 64KiB. Strings, and
// the strings of a list, may have a tag `pattern:"…"`; int, duration and size
// take `min` and `max`, written as in the policy. Fields are read into fresh
// values: nothing of the Risk is changed.
func risksShape(risks []risk.Risk) shape[[]RiskSetting] {
	entries := make(map[string]record[RiskSetting], len(risks))
	ids := make([]string, len(risks))
	for i := range risks {
		ids[i] = risks[i].ID
		entries[risks[i].ID] = riskRecord(&risks[i])
	}
	slices.Sort(ids)
	return shape[[]RiskSetting]{
		read: func(r *reader, v source.Value) ([]RiskSetting, bool) {
			if !r.is(v, source.Object, "a map") {
				return nil, false
			}
			out, ok := make([]RiskSetting, 0, len(v.Members)), true
			for _, m := range v.Members {
				entry, known := entries[m.Name]
				if !known {
					r.fail(m.NameAt, CodeUnknownRisk, fmt.Sprintf("%s: there is no risk %s", r.where(), quote(m.Name)), riskHint(m.Name, ids))
					ok = false
					continue
				}
				r.under(m.Name, func() {
					s, good := entry.read(r, m.Value)
					s.Risk = m.Name
					out, ok = append(out, s), ok && good
				})
			}
			return out, ok
		},
		write: func(settings []RiskSetting) source.Value {
			v := source.Value{Kind: source.Object}
			for _, s := range settings {
				inner := entries[s.Risk].write(s)
				inner.Kind = source.Object
				v.Members = append(v.Members, source.Member{Name: s.Risk, Value: inner})
			}
			if len(settings) == 0 {
				return source.Value{}
			}
			return v
		},
		schema: func(d *definitions) node {
			return d.define("risks", func() node {
				properties := node{}
				for i := range risks {
					properties[risks[i].ID] = entries[risks[i].ID].schema(d).described(risks[i].Title)
				}
				return node{"type": "object", "additionalProperties": false, "properties": properties}
			})
		},
	}
}

func riskHint(word string, ids []string) string {
	if h := near(word, ids); h != "" {
		return h
	}
	return "sallyport risks lists them"
}

// riskRecord is the grammar of one risk.
func riskRecord(k *risk.Risk) record[RiskSetting] {
	o := record[RiskSetting]{name: "risk_" + k.ID}
	mode := given("mode", modeShape("risk_mode", Enforce.String(), Observe.String(), Off.String()), func(s *RiskSetting) *Given[Mode] { return &s.Mode }, "What its guards do; wins over every mode that names no risk.")
	if k.Floor {
		mode = floorMode(k)
	}
	o.members = append(o.members, mode, given("because", reasonText(), func(s *RiskSetting) *Text { return &s.Because }, "Why; must be there where mode is off."))
	if k.Params != nil {
		t := reflect.TypeOf(k.Params)
		for i := range t.NumField() {
			if tag, ok := t.Field(i).Tag.Lookup("policy"); ok {
				o.members = append(o.members, paramMember(k, t.Field(i), tag))
			}
		}
	}
	seen := map[string]bool{}
	for _, m := range o.members {
		if seen[m.name] {
			panic(fmt.Sprintf("policy: the risk %s has two settings called %s", k.ID, m.name))
		}
		seen[m.name] = true
	}
	o.finish = func(r *reader, v source.Value, s *RiskSetting) {
		s.At = v.At
		if s.Mode.Value.Kind == Off && !s.Because.Set {
			r.fail(s.Mode.At, CodeBecause, r.where()+" is off without a reason", "add because: \"…\", which the audit log and the console show")
		}
	}
	return o
}

// floorMode refuses the mode of a risk that is always enforced. The schema
// does not allow it at all.
func floorMode(k *risk.Risk) member[RiskSetting] {
	return member[RiskSetting]{name: "mode", doc: "Always enforced.",
		read: func(r *reader, m source.Member, _ *RiskSetting) bool {
			r.fail(m.NameAt, CodeFloor, fmt.Sprintf("%s: the risk %s is always enforced", r.where(), k.ID), "remove the line")
			return false
		},
		write:  func(*RiskSetting) source.Value { return source.Value{} },
		schema: func(*definitions) node { return node{"not": node{}} },
	}
}

// paramMember is the grammar of one field of the settings of a risk.
func paramMember(k *risk.Risk, f reflect.StructField, tag string) member[RiskSetting] {
	name, option, _ := strings.Cut(tag, ",")
	s := paramShape(f, option)
	if s.read == nil || !f.IsExported() || name == "" {
		panic(fmt.Sprintf("policy: the setting %s of the risk %s has a type that no policy can hold", f.Name, k.ID))
	}
	return member[RiskSetting]{name: name, doc: f.Tag.Get("doc"), schema: s.schema,
		read: func(r *reader, m source.Member, into *RiskSetting) bool {
			v, ok := s.read(r, m.Value)
			if !ok {
				r.hint(f.Tag.Get("doc"))
			}
			if ok {
				into.Params = append(into.Params, Param{Name: name, Value: reflect.ValueOf(v).Convert(f.Type).Interface(), At: m.Value.At})
			}
			return ok
		},
		write: func(set *RiskSetting) source.Value {
			for _, p := range set.Params {
				if p.Name == name {
					return s.write(p.Value)
				}
			}
			return source.Value{}
		}}
}

// valuer is a string type that lists what it can be.
type valuer interface{ Values() []string }

// paramShape picks the shape for a field; its read is nil where there is none.
func paramShape(f reflect.StructField, option string) shape[any] {
	zero := reflect.Zero(f.Type)
	if option == "size" && f.Type.Kind() == reflect.Int64 {
		low, high := bounds(f, amount{units: sizeUnits()}, 1, maxBytes)
		return boxed(size(low, high), f.Type)
	}
	if option != "" {
		return shape[any]{}
	}
	if e, ok := zero.Interface().(valuer); ok && f.Type.Kind() == reflect.String {
		return boxed(enum(e.Values()...), f.Type)
	}
	text := pattern{form: `^[\s\S]*$`, want: "text"}
	if form, ok := f.Tag.Lookup("pattern"); ok {
		text = pattern{form: form, want: "of the form " + form}
	}
	switch {
	case f.Type == reflect.TypeFor[time.Duration]():
		low, high := bounds(f, amount{units: timeUnits()}, int64(time.Millisecond), int64(maxKeep))
		return boxed(length(time.Duration(low), time.Duration(high)), f.Type)
	case f.Type.Kind() == reflect.String:
		return boxed(text.shape(), f.Type)
	case f.Type.Kind() == reflect.Bool:
		return boxed(boolean(), f.Type)
	case f.Type.Kind() == reflect.Int:
		low, high := bounds(f, amount{units: []unit{{"", 1}}}, 0, math.MaxInt32)
		return boxed(integer(low, high), f.Type)
	case f.Type == reflect.TypeFor[[]string]():
		return boxed(texts(text.shape()), f.Type)
	}
	return shape[any]{}
}

// bounds reads the tags min and max of a field, written as in the policy.
func bounds(f reflect.StructField, a amount, low, high int64) (int64, int64) {
	for name, into := range map[string]*int64{"min": &low, "max": &high} {
		text, ok := f.Tag.Lookup(name)
		if !ok {
			continue
		}
		n, ok := a.value(text)
		if !ok {
			panic(fmt.Sprintf("policy: the tag %s of the setting %s is %s, which is no amount of it", name, f.Name, strconv.Quote(text)))
		}
		*into = n
	}
	return low, high
}

// boxed hides the type of a shape; write gives it back what read made of it.
func boxed[T any](s shape[T], as reflect.Type) shape[any] {
	own := reflect.TypeFor[T]()
	if !own.ConvertibleTo(as) || !as.ConvertibleTo(own) {
		return shape[any]{}
	}
	return shape[any]{
		read: func(r *reader, v source.Value) (any, bool) { t, ok := s.read(r, v); return t, ok },
		write: func(v any) source.Value {
			t, _ := reflect.ValueOf(v).Convert(own).Interface().(T)
			w := s.write(t)
			if w.Kind == source.Absent {
				w.Kind = source.String // the empty text, which str leaves out
			}
			return w
		},
		schema: s.schema,
	}
}

// texts is a list of strings without their places.
func texts(s shape[string]) shape[[]string] {
	inner := list(s, maxList)
	return shape[[]string]{
		read: func(r *reader, v source.Value) ([]string, bool) {
			items, ok := inner.read(r, v)
			out := make([]string, len(items))
			for i, item := range items {
				out[i] = item.Value
			}
			return out, ok
		},
		write: func(items []string) source.Value {
			v := source.Value{Kind: source.Array}
			for _, item := range items {
				v.Items = append(v.Items, source.Value{Kind: source.String, Text: item})
			}
			return v
		},
		schema: inner.schema,
	}
}
