package excessdata

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// unlisted handles a body that no schema was found for, since its status or
// media type is not declared. In JSON, members go that have the name of a
// write-only member of this operation's replies, or of a stored credential.
// Other successes are refused where the operation has something to hide: what
// cannot be read cannot be cut. A refusal passes: its members may be called
// like the inputs that it finds fault with.
func (g *guard) unlisted(x *risk.Exchange, r *risk.Response, c risk.Class) *risk.Denial {
	if r.Status >= 400 {
		return nil
	}
	t := g.traits()
	refuse := g.status
	hides := len(t.writeOnly) > 0 || g.silent != risk.LeaveSilent && t.schemas
	if c == risk.WrongMedia {
		refuse = g.media
		hides = hides || t.closes // a serialiser that was asked for another format writes every field
	}
	var d jsonx.Doc
	readable := isJSON(r.Media) && d.Parse(r.Body) == nil
	if r.Status < 300 && hides && (!readable || c == risk.WrongMedia || g.silent != risk.LeaveSilent) {
		return refuse
	}
	if !readable {
		return nil
	}
	return g.cutNamed(x, &d, func(name string, _ int) bool { return g.traits().writeOnly[name] || credential(name) })
}

// unmatched handles a body that breaks its schema. Where a value matched no
// schema, such as an array in place of an object or a member of no branch, its
// members were never marked: those that have the name of a write-only member go
// all the same. What a schema leaves open stays.
func (g *guard) unmatched(x *risk.Exchange, r *risk.Response) *risk.Denial {
	if r.Status >= 400 || !isJSON(r.Media) || len(g.traits().writeOnly) == 0 {
		return nil
	}
	var d jsonx.Doc
	if d.Parse(r.Body) != nil {
		return nil
	}
	open := map[int]bool{}
	for i := range x.ReplyReading().Marks {
		if m := &x.ReplyReading().Marks[i]; m.Kind == risk.UndeclaredOpen {
			open[m.Start] = true
		}
	}
	return g.cutNamed(x, &d, func(name string, i int) bool {
		if !g.traits().writeOnly[name] {
			return false
		}
		for ; i >= 0; i = int(d.Node(i).Parent) {
			if open[int(d.Node(i).KeyStart)-1] {
				return false
			}
		}
		return true
	})
}

// cutNamed cuts every member that goes, by its name and its node.
func (g *guard) cutNamed(x *risk.Exchange, d *jsonx.Doc, goes func(name string, node int) bool) *risk.Denial {
	cut := 0
	for i := range d.Len() {
		name := d.Key(i)
		if name == nil || !goes(string(name), i) {
			continue
		}
		if cut++; cut > risk.MaxMarks {
			return g.stuck
		}
		n := d.Node(i)
		x.Edit(risk.Edit{
			Do: risk.CutMember, On: risk.OnReply, Stage: risk.Strip,
			Start: int(n.KeyStart) - 1, End: int(n.End), Pointer: d.Pointer(i),
		})
	}
	return nil
}

// isJSON tells whether bodies of this type are one JSON value.
func isJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}

// names collects the write-only members below s, and those that are not.
func names(s *contract.Schema, writeOnly, readable map[string]bool) {
	for _, p := range s.Properties {
		if p.Schema.WriteOnly || p.Schema.Ref != nil && p.Schema.Ref.WriteOnly {
			writeOnly[p.Name] = true
		} else {
			readable[p.Name] = true
		}
	}
}
