package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"

	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/internal/ledger"
	"github.com/sallyport/sallyport/source"
)

// logVerify checks a log.
type logVerify struct {
	Dir    string `arg:"" optional:"" help:"Folder of the log, or of a copy of it (default: the log in the state folder)."`
	Heads  string `placeholder:"FILE" help:"A copy of the signed heads that was kept elsewhere: it shows what was cut off the end."`
	Key    string `placeholder:"FILE" help:"The public key (key.pub), kept elsewhere. Without it the key beside the log is believed."`
	output `embed:""`
	state  `embed:""`
}

// Help explains the command.
func (logVerify) Help() string {
	return `Checks every record against the signed heads. It reads files only, needs no secret, and may run while the log is written. Exit code 1 says that something is wrong.

Example:

    sallyport log verify --heads /mnt/audit/heads --key /mnt/audit/key.pub`
}

// Run checks the log and prints the report.
func (l *logVerify) Run(ctx context.Context, c *console) error {
	dir := l.Dir
	if dir == "" {
		dir = app.LogPath(l.dir())
	}
	there, err := exists(dir)
	if err == nil && !there {
		err = wrong("name the folder of a log: sallyport log verify DIR", "there is no audit log in %s", clean(dir))
	}
	if err != nil {
		return err
	}
	opt := ledger.VerifyOptions{Mirror: l.Heads}
	if l.Key != "" {
		if opt.PublicKey, err = publicKey(l.Key); err != nil {
			return err
		}
	}
	report, err := ledger.Verify(dir, opt)
	switch {
	case errors.Is(err, fs.ErrNotExist) && l.Heads != "":
		return wrong("name the copy of the heads with --heads, the folder of the log as argument", "%s", clean(err.Error()))
	case errors.Is(err, fs.ErrNotExist):
		return wrong("name the folder of a log, or the public key with --key FILE", "%s is no whole audit log: %s", clean(dir), clean(err.Error()))
	case err != nil:
		return err //nolint:wrapcheck // it says what was done
	}
	if err := l.show(c, dir, report); err != nil {
		return err
	}
	if !report.OK() {
		return errFindings
	}
	return nil
}

// publicKey reads the key that a user names.
func publicKey(path string) (ed25519.PublicKey, error) {
	key, err := ledger.ReadPublicKey(path)
	if err != nil {
		return nil, wrong("the key is key.pub in the folder of the log: keep a copy of it elsewhere", "--key: %s", clean(err.Error()))
	}
	return key, nil
}

// A reportLine is what -o json prints.
type reportLine struct {
	OK        bool          `json:"ok"`
	Dir       string        `json:"dir"`
	Records   uint64        `json:"records"`
	First     uint64        `json:"first"`
	Last      uint64        `json:"last"`
	Segments  int           `json:"segments"`
	Heads     int           `json:"heads"`
	Mirrored  int           `json:"mirrored"`
	Unsigned  uint64        `json:"unsigned"`
	TornBytes int64         `json:"torn_bytes"`
	Deleted   uint64        `json:"deleted_segments"`
	Open      int           `json:"open_intents"`
	Key       string        `json:"key"`
	Pinned    bool          `json:"key_pinned"`
	Problems  []problemLine `json:"problems"`
	Truncated bool          `json:"problems_truncated,omitempty"`
}

// A problemLine is one problem of a report.
type problemLine struct {
	Code   source.Code `json:"code"`
	File   string      `json:"file"`
	Record uint64      `json:"record,omitempty"`
	Line   int         `json:"line,omitempty"`
	Text   string      `json:"text"`
}

// show prints a report.
func (l *logVerify) show(c *console, dir string, r *ledger.Report) error {
	if l.json() {
		line := reportLine{r.OK(), dir, r.Records, r.First, r.Last, r.Segments, r.Heads, r.Mirrored, r.Unsigned, r.Torn, r.Deleted, r.Open, r.Key, r.Pinned, []problemLine{}, r.Truncated}
		for _, p := range r.Problems {
			line.Problems = append(line.Problems, problemLine(p))
		}
		return c.json(line)
	}
	for _, p := range r.Problems {
		if err := c.print("%s\n", clean(p.String())); err != nil {
			return err
		}
	}
	word := c.paint(green, "OK")
	if !r.OK() {
		word = c.paint(red, "FAILED") + ": " + plural(len(r.Problems), "problem")
		if r.Truncated {
			word += ", and more"
		}
	}
	text := fmt.Sprintf("%s  %s\n", word, clean(dir))
	text += fmt.Sprintf("  %s (%d to %d) in %s · %s signed by %s\n", plural(r.Records, "record"), r.First, r.Last, plural(r.Segments, "segment"), plural(r.Heads, "head"), r.Key)
	for _, s := range remarks(r, l.Heads) {
		text += "  " + s + "\n"
	}
	return c.print("%s", text)
}

// remarks are what a reader should know of a report beside its problems.
func remarks(r *ledger.Report, mirror string) []string {
	var out []string
	if !r.Pinned {
		out = append(out, "the key was taken from beside the log; --key FILE compares with a copy that was kept elsewhere")
	}
	if mirror == "" {
		out = append(out, "without --heads a log that was replaced by an older copy of itself cannot be told from the true one")
	} else {
		out = append(out, plural(r.Mirrored, "head")+" of the copy found in the log")
	}
	if r.Unsigned > 0 {
		out = append(out, plural(r.Unsigned, "record")+" at the end not signed yet (a head is written every minute)")
	}
	if r.Torn > 0 {
		out = append(out, plural(r.Torn, "byte")+" at the end are no whole record: one is being written, or the process ended in the middle of one")
	}
	if r.Deleted > 0 {
		out = append(out, plural(r.Deleted, "segment")+" deleted by retention, as tombstones say")
	}
	if r.Open > 0 {
		out = append(out, plural(r.Open, "intent")+" without outcome: sallyport log search --kind intent")
	}
	return out
}
