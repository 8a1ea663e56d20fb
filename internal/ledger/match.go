package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/event"
)

// A matcher decides which records are wanted. The needles are parts of the
// canonical form that a wanted record must contain, so that most others are
// never parsed.
type matcher struct {
	q       Query
	needles [][]byte
	never   bool
}

func (r Reader) matcher(q Query) (matcher, error) {
	if q.Subject != "" {
		if r.Keys == nil {
			return matcher{}, errors.New("search by subject: the keys are needed")
		}
		key, err := r.Keys.Peek(q.Subject)
		if err != nil {
			return matcher{}, fmt.Errorf("search by subject: %w", err)
		}
		q.Pseudonym = key.Pseudonym(q.Subject)
	}
	m := matcher{q: q}
	m.need(event.Event{ID: q.ID})
	m.need(event.Event{API: q.API})
	m.need(event.Event{Operation: q.Operation})
	m.need(event.Event{Risk: q.Risk})
	m.need(event.Event{Decision: q.Decision})
	m.need(event.Event{Status: q.Status})
	if q.Pseudonym != "" {
		m.needles = append(m.needles, []byte(q.Pseudonym))
	}
	return m, nil
}

// need adds what the one field of e looks like in the canonical form.
func (m *matcher) need(e event.Event) {
	text := bytes.TrimPrefix(event.AppendCanonical(nil, &e), []byte(`{"v":1`))
	if text = bytes.Trim(text, ",}"); len(text) > 0 {
		m.needles = append(m.needles, text)
	}
}

// maybe tells whether a record can be wanted, from its bytes alone.
func (m *matcher) maybe(payload []byte) bool {
	if m.never {
		return false
	}
	for _, n := range m.needles {
		if !bytes.Contains(payload, n) {
			return false
		}
	}
	return true
}

// is tells whether an event is wanted.
func (m *matcher) is(e *event.Event) bool {
	q := &m.q
	return same(q.ID, e.ID) && same(q.API, e.API) && same(q.Operation, e.Operation) && same(q.Decision, e.Decision) &&
		same(q.Kind, e.Kind) && same(q.Status, e.Status) && same(q.Pseudonym, e.Caller.Pseudonym) && q.risk(e) &&
		(q.From.IsZero() || !e.Time.Before(q.From)) && (q.To.IsZero() || e.Time.Before(q.To))
}

// same tells whether a field has the wanted value, where one is wanted.
func same[T comparable](want, have T) bool {
	var zero T
	return want == zero || want == have
}

func (q *Query) risk(e *event.Event) bool {
	if same(q.Risk, e.Risk) {
		return true
	}
	for i := range e.Would {
		if e.Would[i].Risk == q.Risk {
			return true
		}
	}
	return false
}

// peek reads the kind and id at the start of a canonical form without parsing
// the rest: they are its second and third field.
func peek(payload []byte) (event.Kind, event.ID) {
	rest, ok := bytes.CutPrefix(payload, []byte(`{"v":`))
	_, rest, found := bytes.Cut(rest, []byte(`,"kind":"`))
	name, rest, end := bytes.Cut(rest, []byte(`"`))
	kind, known := event.ParseKind(string(name))
	if !ok || !found || !end || !known {
		return 0, event.ID{}
	}
	rest, ok = bytes.CutPrefix(rest, []byte(`,"id":"`))
	if !ok || len(rest) < event.IDLen {
		return kind, event.ID{}
	}
	id, err := event.ParseID(string(rest[:event.IDLen]))
	if err != nil {
		return kind, event.ID{}
	}
	return kind, id
}
