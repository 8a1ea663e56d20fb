package excessdata

import (
	"strings"

	"github.com/sallyport/sallyport/event"
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
	doc, readable := read(r)
	if r.Part && isJSON(r.Media) {
		return refuse // its members cannot be found piece by piece
	}
	if r.Status < 300 && hides && (!readable || c == risk.WrongMedia || g.silent != risk.LeaveSilent) {
		return refuse
	}
	return g.cutNamed(x, doc, func(name string, _ int) bool { return g.traits().writeOnly[name] || credential(name) })
}

// unmatched handles a body that breaks its schema. Where a value matched no
// schema, such as an array in place of an object or a member of no branch, its
// members were never marked: those that have the name of a write-only member go
// all the same. What a schema leaves open stays.
func (g *guard) unmatched(x *risk.Exchange, r *risk.Response) *risk.Denial {
	if r.Status >= 400 || len(g.traits().writeOnly) == 0 || r.Part { // of a part, body refuses what was not seen
		return nil
	}
	doc, _ := read(r)
	open := map[int]bool{}
	for i := range x.ReplyReading().Marks {
		if m := &x.ReplyReading().Marks[i]; m.Kind == risk.UndeclaredOpen {
			open[m.Start] = true
		}
	}
	return g.cutNamed(x, doc, func(name string, i int) bool {
		if !g.traits().writeOnly[name] {
			return false
		}
		for ; i > 0; i = int(doc.Node(i).Parent) {
			if open[int(doc.Node(i).KeyStart)-1] {
				return false
			}
		}
		return true
	})
}

// cutNamed cuts every member that goes, by its name and its node. Only those
// that a record has room for are given a pointer: finding it takes time linear
// in the elements before, and thousands far down a long list would take minutes.
func (g *guard) cutNamed(x *risk.Exchange, d *jsonx.Doc, goes func(name string, node int) bool) *risk.Denial {
	cut := 0
	for i := range d.Len() {
		n := d.Node(i)
		if n.KeyStart == 0 || !goes(string(d.Key(i)), i) {
			continue // no member, or one that stays
		}
		if cut++; cut > risk.MaxMarks {
			return g.stuck
		}
		e := risk.Edit{Do: risk.CutMember, On: risk.OnReply, Stage: risk.Strip, Start: int(n.KeyStart) - 1, End: int(n.End)}
		if cut <= event.MaxEdits {
			e.Pointer = d.Pointer(i)
		}
		x.Edit(e)
	}
	return nil
}

// read reads a body that calls itself JSON. Where it is none, the Doc is empty.
func read(r *risk.Response) (doc *jsonx.Doc, ok bool) {
	doc = jsonx.New(jsonx.Limits{})
	return doc, isJSON(r.Media) && doc.Parse(r.Body) == nil
}

// isJSON tells whether bodies of this type are one JSON value.
func isJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}
