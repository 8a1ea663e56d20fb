package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sallyport/sallyport/internal/help"
	"github.com/sallyport/sallyport/risks"
	"github.com/sallyport/sallyport/source"
)

// helpCmd explains.
type helpCmd struct {
	About []string `arg:"" optional:"" help:"A code such as key/expired, a topic, a command; or codes, or topics, to list them."`
}

// Help explains the command.
func (helpCmd) Help() string {
	return `Every error and every denial has a code, and every code has a page here.

Example:

    sallyport help key/expired`
}

// Run prints the page.
func (h *helpCmd) Run(c *console) error {
	about := strings.Join(h.About, " ")
	switch {
	case about == "":
		return usage(c, nil)
	case about == "codes":
		return c.print("%s\n", strings.Join(help.Codes(), "\n"))
	case about == "topics":
		return c.print("%s\n", strings.Join(help.Topics(), "\n"))
	}
	if s, ok := help.Code(about); ok {
		return c.print("%s\n\n%s", s.Code, s.Text)
	}
	if r, ok := findRisk(risks.All(), about); ok {
		page, _ := help.Topic(about)
		return c.print("%s%s", aboutRisk(r), sections(page))
	}
	page, isTopic := help.Topic(about)
	if n := command(c, h.About); n != nil {
		if err := usage(c, h.About); err != nil || !isTopic {
			return err
		}
		return c.print("\nCodes:\n%s", sections(page))
	}
	if isTopic {
		return c.print("%s\n\n%s%s", page.Name, page.Intro, sections(page))
	}
	next := "see: sallyport help codes, sallyport help topics, sallyport --help"
	if near := source.Near(about, known(c)); near != "" {
		next = fmt.Sprintf("did you mean: sallyport help %s", near)
	}
	return wrong(next, "there is no help on %q", redactArgument(clean(about)))
}

// sections lists the codes of a page.
func sections(p help.Page) string {
	var b strings.Builder
	for i, s := range p.Sections {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("  sallyport help " + s.Code + "\n")
	}
	return b.String()
}

// known is everything that help can explain.
func known(c *console) []string {
	all := slices.Concat(help.Codes(), help.Topics(), riskIDs(risks.All()))
	for path := range commands(c) {
		all = append(all, path)
	}
	return all
}

// command finds a command by its path, or returns nil.
func command(c *console, path []string) *kong.Node { return commands(c)[strings.Join(path, " ")] }

// commands are all commands and groups by their path, such as "key create".
func commands(c *console) map[string]*kong.Node {
	parser, err := newParser(c, func(int) {})
	if err != nil {
		return nil // run has made this parser before
	}
	out := map[string]*kong.Node{}
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		for _, child := range n.Children {
			if child.Hidden {
				continue
			}
			p := strings.TrimSpace(path + " " + child.Name)
			out[p] = child
			walk(child, p)
		}
	}
	walk(parser.Model.Node, "")
	return out
}

// usage prints what --help prints for a command.
func usage(c *console, path []string) error {
	ended := false
	parser, err := newParser(c, func(int) { ended = true })
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	if _, err := parser.Parse(append(slices.Clone(path), "--help")); err != nil && !ended {
		return err //nolint:wrapcheck // kong says what is wrong
	}
	return nil
}
