package schema

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// A BodyPlan says what the gateway has to do with a body.
type BodyPlan uint8

// The plans.
const (
	None    BodyPlan = iota // there is no body, or none that the contract speaks of
	Inspect                 // read it whole, then call Body
	Stream                  // pass it on as it comes: declared binary, or a stream of events
)

// String is the plan's name.
func (b BodyPlan) String() string {
	switch b {
	case None:
		return "none"
	case Inspect:
		return "inspect"
	case Stream:
		return "stream"
	}
	return "none"
}

// A Body is the whole body of a message.
type Body struct {
	Bytes []byte
	Type  string // Content-Type as received, with its parameters
}

// form is how a body is written.
type form uint8

const (
	otherForm form = iota
	jsonForm
	linesForm    // NDJSON: one value a line
	sequenceForm // RFC 7464
	urlForm
	partsForm
	textForm
	xmlForm
	binaryForm
	eventsForm
)

// formOf classifies a lower-case media type without parameters.
func formOf(media string) form {
	switch media {
	case "application/json", "text/json":
		return jsonForm
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines":
		return linesForm
	case "application/json-seq":
		return sequenceForm
	case "application/x-www-form-urlencoded":
		return urlForm
	case "multipart/form-data":
		return partsForm
	case "application/xml", "text/xml":
		return xmlForm
	case "text/event-stream", "multipart/x-mixed-replace":
		return eventsForm
	case "application/octet-stream", "application/pdf", "application/zip", "application/gzip", "application/x-tar",
		"application/x-gzip", "application/x-zip-compressed", "application/wasm":
		return binaryForm
	}
	switch {
	case strings.HasSuffix(media, "+json"):
		return jsonForm
	case strings.HasSuffix(media, "+json-seq"):
		return sequenceForm
	case strings.HasSuffix(media, "+xml"):
		return xmlForm
	case strings.HasPrefix(media, "image/"), strings.HasPrefix(media, "audio/"), strings.HasPrefix(media, "video/"),
		strings.HasPrefix(media, "font/"):
		return binaryForm
	case strings.HasPrefix(media, "text/"):
		return textForm
	}
	return otherForm
}

// ManyTexts tells whether bodies of a lower-case media type without parameters
// are JSON texts one after the other: NDJSON and JSON sequences.
func ManyTexts(media string) bool {
	f := formOf(media)
	return f == linesForm || f == sequenceForm
}

// compiledMedia is one declared media type.
type compiledMedia struct {
	media    *contract.Media
	schema   *root
	shape    *shape   // of forms
	xml      *xmlRoot // of XML
	encoding map[string]*encoding
	binary   bool // string of format binary: what is sent is no text
	plain    bool // nothing but a string, or no schema at all
}

// compileMedia compiles what the contract lists for one body.
func (c *compiler) media(list []*contract.Media) []compiledMedia {
	var out []compiledMedia
	for _, m := range list {
		x := compiledMedia{media: m, schema: &root{in: c.programs, from: m.Schema}}
		c.judge(m.Schema)
		x.binary = says(m.Schema, func(s *contract.Schema) bool { return s.Format == "binary" }, maxFollow)
		want := wants(m.Schema)
		x.plain = m.Schema == nil || want&(contract.ObjectType|contract.ArrayType) == 0 || want == contract.AnyType
		f := formOf(m.Type)
		if f == xmlForm || strings.HasSuffix(m.Type, "/*") {
			x.xml = &xmlRoot{from: m.Schema}
		}
		if f == urlForm || f == partsForm || strings.HasSuffix(m.Type, "/*") {
			x.shape = c.shape(m.Schema)
			x.encoding = c.encodings(m)
		}
		out = append(out, x)
	}
	return out
}

// choose finds the declared media type for one that was sent: the same, else
// its range, else */*.
func choose(list []compiledMedia, media string) *compiledMedia {
	var ranged, any *compiledMedia
	kind, _, _ := strings.Cut(media, "/")
	for i := range list {
		m := &list[i]
		switch {
		case m.media.Type == media:
			return m
		case m.media.Type == "*/*":
			any = m
		case len(m.media.Type) == len(kind)+2 && strings.HasSuffix(m.media.Type, "/*") && strings.HasPrefix(m.media.Type, kind):
			ranged = m
		}
	}
	if ranged != nil {
		return ranged
	}
	return any
}

// plan says how a body of the given type is to be read.
func (m *compiledMedia) plan(media string) BodyPlan {
	switch formOf(media) {
	case eventsForm:
		return Stream
	case binaryForm:
		if m.plain {
			return Stream
		}
	case otherForm, textForm:
		if m.binary {
			return Stream
		}
	case jsonForm, xmlForm:
		// A range or */* with a binary schema is a download of any kind.
		if m.binary && m.media.Type != media {
			return Stream
		}
	case linesForm, sequenceForm, urlForm, partsForm:
	}
	return Inspect
}

// find is the compiled form of what Media or Head chose.
func find(list []compiledMedia, m *contract.Media) *compiledMedia {
	for i := range list {
		if list[i].media == m {
			return &list[i]
		}
	}
	return nil
}

// wrongMedia notes that a body is of a type that nobody declared.
func wrongMedia(dst *risk.Reading, at source.Span) {
	dst.Violate(risk.Violation{Class: risk.WrongMedia, In: contract.InBody, Rule: "content", At: at})
}

// untyped says what is to be said of a body with no declared type.
func untyped(dst *risk.Reading, at source.Span) {
	dst.Unchecked = true
	if !dst.Has(risk.WrongMedia) {
		wrongMedia(dst, at)
	}
}
