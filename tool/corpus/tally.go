package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// counts are what trials add up to.
type counts struct {
	documents            int
	large                []string // documents that are too large for the oracle
	never                int      // what the front end found to be no schema
	unread               int      // documents that are not JSON
	schemas              int
	uncompiledParameters int
	barren               int            // no value that the oracle accepts was found
	loose                int            // patterns that the oracle does not check
	late                 map[string]int // by document: schemas and parameters for which the oracle left no time
	refused              map[string]int // schemas that the oracle cannot compile, by why
	values               score          // the oracle accepts them
	mutants              score          // single faults: the oracle refuses them
	harmless             score          // mutants that the oracle accepts
	others               score          // what the generator meant to be lawful and the oracle refuses
	texts                score          // parameters, as text
	composite            int            // of these, objects and JSON, before a fault
	spoiled              score          // parameters with a fault
	classes              map[string][]difference
}

// A score is how often both sides agreed.
type score struct{ total, agreed int }

func (s score) percent() float64 {
	if s.total == 0 {
		return 100
	}
	return 100 * float64(s.agreed) / float64(s.total)
}

func (s *score) add(o score) {
	s.total += o.total
	s.agreed += o.agreed
}

// add adds what another document brought.
func (n *counts) add(o *counts) {
	n.documents += o.documents
	n.large = append(n.large, o.large...)
	n.never += o.never
	n.unread += o.unread
	n.schemas += o.schemas
	n.uncompiledParameters += o.uncompiledParameters
	n.barren += o.barren
	n.loose += o.loose
	n.composite += o.composite
	maps.Copy(n.late, o.late)
	for why, k := range o.refused {
		n.refused[why] += k
	}
	n.values.add(o.values)
	n.mutants.add(o.mutants)
	n.harmless.add(o.harmless)
	n.others.add(o.others)
	n.texts.add(o.texts)
	n.spoiled.add(o.spoiled)
	for class, list := range o.classes {
		for _, d := range list {
			n.disagree(class, d)
		}
	}
}

// A difference is one value on which the two disagree.
type difference struct {
	document, pointer, value string
	theirs                   error
}

func newCounts() *counts {
	return &counts{late: map[string]int{}, refused: map[string]int{}, classes: map[string][]difference{}}
}

// uncompiled counts a schema that the oracle does not take.
func (n *counts) uncompiled(err error) {
	why := "the oracle's meta-schema refuses it"
	switch {
	case errors.Is(err, errForeign) || strings.Contains(err.Error(), errForeign.Error()):
		_, why, _ = strings.Cut(err.Error(), errForeign.Error()+": ")
		why, _, _ = strings.Cut(why, " ")
		why = "the oracle is not asked about " + why
	case infinite(err):
		why = "the oracle sees an infinite loop"
	}
	n.refused[why]++
}

// reasons says of classes of disagreements why they stay.
var reasons = []struct{ in, why string }{
	{"parameter", "a text that reads as a number is one where numbers are lawful, and is not tried as a string: readers behind us do not either"},
	{"we refuse it by pattern", "[[:alnum:]] is a class of POSIX to RE2; in ECMA-262 it ends at the first bracket, and what follows is text"},
	{"we refuse it by format", "the oracle's formats are looser: RFC 3987 forbids what its iri-reference takes"},
	{"the oracle refuses by pattern", "\\A and \\z are anchors to RE2 but not in ECMA-262: we list such a pattern as unchecked"},
}

// why is the reason for a class, "" where there is none.
func why(class string) string {
	for _, r := range reasons {
		if strings.Contains(class, r.in) {
			return "\n            because " + r.why
		}
	}
	return ""
}

// maxShown bounds what is kept of one class.
const maxShown = 400

func (n *counts) disagree(class string, d difference) {
	list := n.classes[class]
	if len(list) < maxShown {
		list = append(list, d)
	} else {
		list[maxShown-1] = d
	}
	n.classes[class] = list
}

// least is the percentage of agreement that is asked for.
const leastAgreement = 99.9

// print writes the figures, and tells whether they are good enough.
func (n *counts) print(w io.Writer, shown int) bool {
	compiled := n.schemas
	for _, k := range n.refused {
		compiled -= k
	}
	fmt.Fprintf(w, "%d documents, without %v, which are too large for the oracle, and %d that are no JSON\n", n.documents, n.large, n.unread)
	fmt.Fprintf(w, "%d schemas of bodies, %d compile with the oracle, %d of these without a value that it accepts\n", n.schemas, compiled, n.barren)
	for _, why := range slices.Sorted(mapKeys(n.refused)) {
		fmt.Fprintf(w, "  %8d  %s\n", n.refused[why], why)
	}
	for _, name := range slices.Sorted(mapKeys(n.late)) {
		fmt.Fprintf(w, "  %8d  schemas and parameters of %s were not tried: the oracle took over %v for the others\n", n.late[name], name, patience)
	}
	fmt.Fprintf(w, "%d parameters are beyond the oracle, %d bodies have something else for a schema\n", n.uncompiledParameters, n.never)
	fmt.Fprintf(w, "%d patterns are beyond RE2 and checked by neither\n", n.loose)
	sound := true
	for _, row := range []struct {
		what string
		of   score
		must bool
	}{
		{"values that the oracle accepts: accepted", n.values, true},
		{"mutants that the oracle refuses: refused", n.mutants, true},
		{"mutants that the oracle accepts: accepted", n.harmless, false},
		{"other values that the oracle refuses: refused", n.others, false},
		{"parameters that the oracle accepts: accepted", n.texts, true},
		{"parameters with a fault: refused", n.spoiled, true},
	} {
		fmt.Fprintf(w, "%-48s %9d of %9d  %8.4f %%\n", row.what, row.of.agreed, row.of.total, row.of.percent())
		sound = sound && (!row.must || row.of.percent() >= leastAgreement)
	}
	fmt.Fprintf(w, "%d of the parameters are objects, or JSON in a text\n", n.composite)
	n.differences(w, shown)
	return sound
}

// differences lists the disagreements by class.
func (n *counts) differences(w io.Writer, shown int) {
	if len(n.classes) == 0 {
		return
	}
	fmt.Fprintln(w, "disagreements, by class:")
	for _, class := range slices.SortedFunc(mapKeys(n.classes), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(n.classes[b]), len(n.classes[a])), cmp.Compare(a, b))
	}) {
		list := n.classes[class]
		more := ""
		if len(list) == maxShown {
			more = " or more"
		}
		fmt.Fprintf(w, "  %6d%s  %s%s\n", len(list), more, class, why(class))
		for _, d := range list[:min(shown, len(list))] {
			fmt.Fprintf(w, "          %s %s\n            %s\n", d.document, d.pointer, clip(d.value, 300))
			if d.theirs != nil {
				fmt.Fprintf(w, "            %s\n", clip(strings.ReplaceAll(d.theirs.Error(), "\n", " "), 300))
			}
		}
	}
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
