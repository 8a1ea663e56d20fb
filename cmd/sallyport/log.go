package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/internal/ledger"
)

// logGroup holds the commands on the audit log.
type logGroup struct {
	Search logSearch `cmd:"" help:"List the decisions that fit."`
	Verify logVerify `cmd:"" help:"Check the log for deletion, truncation, reordering and rewriting."`
	Export logExport `cmd:"" help:"Write the records as canonical JSON lines."`
}

// Help explains the group.
func (logGroup) Help() string {
	return `The log lies in the state folder. Reading takes no lock: the gateway may be running.

Example:

    sallyport log search --since 1h --decision deny`
}

// secrets is the folder of the keys of personal fields, below the log.
const secrets = "secret"

// reader opens the log of a state folder. Without the right to read the keys
// the personal fields stay sealed, and a note says so.
func (s *state) reader(c *console) (ledger.Reader, func(), error) {
	dir := app.LogPath(s.dir())
	there, err := exists(dir)
	if err == nil && !there {
		err = wrong("name the folder of the gateway with --state DIR; a gateway makes its log when it starts", "there is no audit log in %s", clean(s.dir()))
	}
	if err != nil {
		return ledger.Reader{}, nil, err
	}
	keys, err := ledger.ReadKeys(filepath.Join(dir, secrets))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.note("note: personal fields stay sealed: %s", clean(err.Error()))
		}
		return ledger.Reader{Dir: dir}, func() {}, nil
	}
	return ledger.Reader{Dir: dir, Keys: keys}, func() { _ = keys.Close() }, nil //nolint:errcheck // read only
}

// filter is what log search and tail take to choose records.
type filter struct {
	API       string `name:"api" placeholder:"NAME" help:"Only this API."`
	Operation string `placeholder:"OP" help:"Only this operation, such as \"GET /orders/{id}\"."`
	Risk      string `placeholder:"ID" help:"Only what this risk decided, or would have denied."`
	Decision  string `enum:",allow,deny,answer,error,shed" default:"" placeholder:"WORD" help:"Only this decision: allow, deny, answer, error or shed."`
	Status    int    `placeholder:"CODE" help:"Only this HTTP status."`
	Kind      string `placeholder:"WORD" help:"Only this kind of record, such as exchange, intent or key-created."`
	Caller    string `placeholder:"WHO" help:"Only this caller: the id of a key (k_…), with what became of it, or a pseudonym from the log."`
	Subject   string `placeholder:"WHO" help:"Only this subject, by its name; needs the right to read the keys of the log."`
}

// query is the filter in the words of the ledger.
func (f filter) query() (ledger.Query, error) {
	q := ledger.Query{API: f.API, Operation: erase(f.Operation), Risk: f.Risk, Status: f.Status, Subject: f.Subject}
	if f.Status != 0 && (f.Status < 100 || f.Status > 599) {
		return q, wrong("an HTTP status has three digits, 100 to 599", "--status %d is none", f.Status)
	}
	if f.Decision != "" {
		d, ok := event.ParseDecision(f.Decision)
		if !ok {
			return q, wrong("allow, deny, answer, error or shed", "--decision %q is none", clean(f.Decision))
		}
		q.Decision = d
	}
	if f.Kind != "" {
		k, ok := event.ParseKind(f.Kind)
		if !ok {
			return q, wrong("one of "+strings.Join(kinds(), ", "), "--kind %q is none", clean(f.Kind))
		}
		q.Kind = k
	}
	if !isKeyID(f.Caller) {
		q.Pseudonym = f.Caller
	}
	return q, nil
}

// kinds are the names of the kinds of records.
func kinds() []string {
	var names []string
	for k := event.Intent; k.Valid(); k++ {
		names = append(names, k.String())
	}
	return names
}

// isKeyID tells whether a caller is named by its key.
func isKeyID(s string) bool { return strings.HasPrefix(s, "k_") }

// erase takes the names of parameters out of an operation, as the log keeps it.
func erase(op string) string {
	return regexp.MustCompile(`\{[^{}/]*\}`).ReplaceAllString(op, "{}")
}

// only leaves out what the ledger cannot be asked for.
func (f filter) only(events iter.Seq2[*event.Event, error]) iter.Seq2[*event.Event, error] {
	if !isKeyID(f.Caller) {
		return events
	}
	return func(yield func(*event.Event, error) bool) {
		for e, err := range events {
			if err == nil && e.Caller.KeyID != f.Caller && e.Target != f.Caller { // what it did, and what became of it
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// canonical prints the stored line of an event: personal fields are not in it.
func canonical(c *console, e *event.Event) error {
	return c.print("%s\n", event.AppendCanonical(nil, e))
}

// ended says whether err only means that the user stopped the command.
func ended(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled))
}
