package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
)

// Faults of replies, made once.
var (
	replyTooLarge = fault.New(fault.ReplyTooLarge, http.StatusBadGateway, "the reply cannot be checked")
	replyCoded    = fault.New(fault.ReplyEncoding, http.StatusBadGateway, "the reply cannot be checked")
	replyBroken   = fault.New(fault.Upstream, http.StatusBadGateway, "the service behind the gateway broke off")
)

var (
	errPartial = errors.New("a part was sent where the whole was asked for")
	errStatus  = errors.New("the status is none of HTTP")
)

// A watchdog ends an upstream that falls silent.
type watchdog struct {
	t    *time.Timer
	idle time.Duration
}

func (d *watchdog) fed() { d.t.Reset(d.idle) }

// takeReply reads the head of the reply, runs the guards and sends it on.
func (e *exchange) takeReply(resp *http.Response, dog *watchdog) {
	// From here on, only silence counts.
	dog.fed()
	if resp.StatusCode < 200 || resp.StatusCode > 599 { // RFC 9110 section 15
		e.fail(replyBroken.Because(errStatus))
		return
	}
	e.response = risk.Response{Status: resp.StatusCode, Length: resp.ContentLength}
	for name, values := range resp.Header {
		for _, v := range values {
			if canon.FieldName(name) != nil || canon.FieldValue(strings.Trim(v, " \t")) != nil {
				e.fail(replyBroken.Because(errors.New("a field of the reply is malformed")))
				return
			}
			e.response.Fields = append(e.response.Fields, risk.Field{Name: name, Value: e.public(name, v)})
		}
	}
	if hop := hopFields(e.response.Fields); len(hop) > 0 {
		e.response.Fields = slices.DeleteFunc(e.response.Fields, func(f risk.Field) bool { return hop.names(f.Name) })
	}
	e.response.Media = mediaType(e.response.Fields)
	e.facts.Response = &e.response
	how := e.readReplyHead(resp)
	if e.run(risk.Reply) {
		return
	}
	switch {
	case e.hides() != nil:
		e.sendHidden(resp)
	case e.unit.ReadsReply && e.unit.Op != nil && how != schema.Stream:
		e.sendWhole(resp, dog)
	default:
		e.sendStream(resp, dog)
	}
}

// hides returns the edit that hides the body, or nil.
func (e *exchange) hides() *risk.Edit {
	edits := e.x.Edits()
	for i := range edits {
		if edits[i].Do == risk.HideBody {
			return &edits[i]
		}
	}
	return nil
}

// sendHidden sends a problem document in place of the reply's body, with the
// reply's status and none of its fields but Retry-After and those of edits.
func (e *exchange) sendHidden(resp *http.Response) {
	hide := e.hides()
	e.ev.Decision = event.Allow
	h := e.w.Header()
	for _, name := range [...]string{"Retry-After", "Www-Authenticate", "Allow"} { // what clients need to act on the status
		if v := resp.Header[name]; len(v) > 0 {
			h[name] = v
		}
	}
	editHead(h, e.x.Edits(), risk.OnReply)
	e.noteEdits()
	e.writeProblem(&fault.Problem{Code: hide.Code, Status: resp.StatusCode, Title: hide.Value, ID: e.facts.ID})
}

// sendWhole reads the reply's body, lets the guards decide on it, edits it and
// sends it.
func (e *exchange) sendWhole(resp *http.Response, dog *watchdog) {
	if resp.StatusCode == http.StatusPartialContent {
		e.fail(replyBroken.Because(errPartial))
		return
	}
	body, f := e.readReply(resp, dog)
	if f != nil {
		e.fail(f)
		return
	}
	e.response.Body = body
	if f := e.takeTurn(body); f != nil {
		e.fail(f)
		return
	}
	e.readReplyContent(body)
	if e.run(risk.ReplyBody) {
		return
	}
	if e.hides() != nil {
		e.sendHidden(resp)
		return
	}
	final := e.editBody(body, risk.OnReply)
	e.ev.Decision = event.Allow
	h := e.replyHead(resp)
	h.Del("Content-Encoding")
	h.Del("Accept-Ranges")
	if !bytes.Equal(final, body) {
		dropDigests(h)
	}
	status := resp.StatusCode
	if tag := h.Get("Etag"); tag != "" && status == http.StatusOK {
		tag = wrapTag(final, tag)
		h.Set("Etag", tag)
		if list := e.facts.Request.Fields.Get("If-None-Match"); list != "" && !e.unsafe() && matchesTag(list, tag) {
			status = http.StatusNotModified
			h.Del("Content-Type")
		}
	}
	e.write(status, final)
}

// dropDigests removes what vouches for a body that was changed.
func dropDigests(h http.Header) {
	for _, name := range [...]string{"Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Signature", "Signature-Input"} {
		h.Del(name)
	}
}

// readReply reads the body of a reply whole and undoes its coding.
func (e *exchange) readReply(resp *http.Response, dog *watchdog) ([]byte, *fault.Fault) {
	limit := e.unit.Limits.MaxReply
	if resp.ContentLength > limit {
		return nil, replyTooLarge
	}
	body, f := e.slurp(fedReader{r: resp.Body, dog: dog, until: time.Now().Add(wholeTime)}, e.reply, resp.ContentLength, limit)
	e.reply = body
	switch {
	case f == nil:
	case f.Code == fault.BodyTooLarge:
		return nil, replyTooLarge
	case f.Code == fault.Overloaded:
		return nil, f
	default:
		return nil, replyBroken.Because(f)
	}
	codings := resp.Header["Content-Encoding"]
	if len(codings) == 0 || len(body) == 0 {
		return body, nil
	}
	if len(codings) > 1 {
		return nil, replyCoded.Because(errCoding)
	}
	if !e.hold(limit) {
		return nil, overloaded
	}
	plain, err := decode(codings[0], body, limit)
	if err != nil {
		return nil, replyCoded.Because(err)
	}
	return plain, nil
}

// sendStream passes a reply on as it comes.
func (e *exchange) sendStream(resp *http.Response, dog *watchdog) {
	e.ev.Decision = event.Allow
	h := e.replyHead(resp)
	if resp.ContentLength >= 0 && h.Get("Content-Length") == "" && !bodyless(resp.StatusCode) {
		h.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	e.sent, e.ev.Status = true, resp.StatusCode
	e.w.WriteHeader(resp.StatusCode)
	if e.r.Method == http.MethodHead || bodyless(resp.StatusCode) {
		return
	}
	live := resp.ContentLength < 0
	if live || resp.ContentLength > longReply {
		e.openStream()
		stop := e.g.streams.add(e, func() { _ = resp.Body.Close() }) //nolint:errcheck // the read behind it tells
		defer stop()
		_ = e.rc.Flush() //nolint:errcheck // the write that follows tells
	}
	e.pump(fedReader{r: resp.Body, dog: dog}, live)
}

// longReply is the length from which a download counts as a stream, whose right
// to go on is looked at: 1 MiB.
const longReply = 1 << 20

// pump copies a body to the client. An upstream that breaks off, or a stream
// that was ended for cause, must not look complete.
func (e *exchange) pump(from io.Reader, flush bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			_ = e.rc.SetWriteDeadline(time.Now().Add(writeTime)) //nolint:errcheck // a writer without deadlines is a test's
			m, werr := e.w.Write(buf[:n])
			e.ev.BytesOut += int64(m)
			if werr != nil {
				e.gone(werr)
				e.abort = true
				return
			}
			if flush {
				_ = e.rc.Flush() //nolint:errcheck // the next write tells
			}
		}
		switch {
		case err == io.EOF: //nolint:errorlint // readers return it bare
			return
		case err != nil:
			if e.r.Context().Err() != nil {
				e.gone(err)
			} else {
				e.ev.Decision, e.ev.Code, e.ev.Reason = event.Failed, string(fault.Upstream), "the upstream broke off"
			}
			e.abort = true
			return
		}
	}
}

// replyHead copies the fields of the reply that may pass, and applies edits.
func (e *exchange) replyHead(resp *http.Response) http.Header {
	h := e.w.Header()
	hop := hopFields(e.response.Fields)
	for _, f := range e.response.Fields {
		if hop.drops(f.Name) || strings.HasPrefix(f.Name, "Sallyport-") {
			continue
		}
		h[f.Name] = append(h[f.Name], f.Value)
	}
	if len(h["Content-Type"]) == 0 {
		h["Content-Type"] = nil // else net/http guesses one
	}
	editHead(h, e.x.Edits(), risk.OnReply)
	e.noteEdits()
	h.Set("Sallyport-Decision", e.facts.ID)
	return h
}

// noteEdits writes what was changed into the record: what was taken away, or
// put in the place of something. Fields that are set on every reply would only
// crowd that out.
func (e *exchange) noteEdits() {
	for _, d := range e.x.Edits() {
		if len(e.ev.Edits) >= event.MaxEdits {
			return
		}
		if d.Do == risk.SetField || d.Do == risk.RemoveField && d.On == risk.OnReply && !e.response.Fields.Has(d.Name) {
			continue
		}
		what := d.Pointer
		if what == "" {
			what = d.Name
		}
		e.ev.Edits = append(e.ev.Edits, event.Edit{Kind: d.Risk + "/" + editName(d.Do), Pointer: what})
	}
}

func editName(d risk.Do) string {
	switch d {
	case risk.SetField:
		return "set-field"
	case risk.AddField:
		return "add-field"
	case risk.RemoveField:
		return "remove-field"
	case risk.RemoveCookie:
		return "remove-cookie"
	case risk.RemovePair:
		return "remove-pair"
	case risk.CutMember:
		return "cut"
	case risk.ReplaceSpan:
		return "replace"
	case risk.HideBody:
		return "hide-body"
	}
	return "edit"
}

// fedReader tells the watchdog of every byte.
type fedReader struct {
	r     io.Reader
	dog   *watchdog
	until time.Time // after it, bytes do not count; zero: they always do
}

// wholeTime is how long an upstream may take over a reply that is held back
// until it is whole, whatever it drips.
const wholeTime = 2 * time.Minute

func (f fedReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if n > 0 && (f.until.IsZero() || time.Now().Before(f.until)) {
		f.dog.fed()
	}
	return n, err //nolint:wrapcheck // io.EOF has to stay bare
}
