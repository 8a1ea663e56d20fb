package jsonx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// seeds are texts that fuzzing and mutation start from.
func seeds() []string {
	return []string{
		``, `{}`, `[]`, `""`, `0`, `-1.5e+3`, `true`, `[null,false,{"a":[1,2,{"b":"c"}]}]`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`,
		`"\ud83d\ude00\n\/"`, `"\ud800"`, "\"\xff\"", "\xef\xbb\xbf1", `[1,]`, `{"a":`, `01`, `1e5`, `nul`, "\"é漢😀\"", `"\u0000"`,
		`{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9,"10":10,"1":0}`, strings.Repeat("[", 65) + strings.Repeat("]", 65), " \t\r\n1 ",
	}
}

// oracle tells by encoding/json and four plain rules whether text is ours.
func oracle(text []byte) bool {
	return json.Valid(text) && utf8.Valid(text) && !loneSurrogate(text) && nested(text) <= DefaultDepth && !repeats(text)
}

// loneSurrogate scans valid JSON, in which a backslash is only in strings.
func loneSurrogate(text []byte) bool {
	var high bool
	for i := 0; i < len(text); i++ {
		var u uint16
		if text[i] == '\\' {
			i++
			if text[i] == 'u' {
				_, _ = fmt.Sscanf(string(text[i+1:i+5]), "%04x", &u)
				i += 4
			}
		}
		low := u >= 0xdc00 && u <= 0xdfff
		if low != high {
			return true
		}
		high = u >= 0xd800 && u <= 0xdbff
	}
	return false
}

func nested(text []byte) int {
	depth, most := 0, 0
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := dec.Token()
		if err != nil {
			return most
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			most = max(most, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// repeats finds a name twice in an object of valid JSON.
func repeats(text []byte) bool {
	type level struct {
		seen map[string]bool // nil in arrays
		name bool            // a name comes next
	}
	var stack []level
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		top := len(stack) - 1
		if d, ok := token.(json.Delim); ok && (d == '}' || d == ']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 && stack[top].seen != nil {
			if stack[top].name {
				name, _ := token.(string)
				if stack[top].seen[name] {
					return true
				}
				stack[top].seen[name] = true
			}
			stack[top].name = !stack[top].name
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{map[string]bool{}, true})
		case json.Delim('['):
			stack = append(stack, level{})
		}
	}
}

// tree turns node i into what encoding/json makes of it.
func tree(d *Doc, i int) any {
	switch d.Kind(i) {
	case Null:
		return nil
	case True:
		return true
	case False:
		return false
	case Number:
		return json.Number(d.Number(i))
	case String:
		return string(d.Text(i))
	case Array:
		list := []any{}
		for c := range d.Children(i) {
			list = append(list, tree(d, c))
		}
		return list
	case Object:
		object := map[string]any{}
		for c := range d.Children(i) {
			object[string(d.Key(c))] = tree(d, c)
		}
		return object
	}
	return "no kind"
}

// agree holds a text against the oracle.
func agree(t *testing.T, text []byte) {
	t.Helper()
	var d Doc
	err := d.Parse(text)
	if want := oracle(text); (err == nil) != want {
		t.Fatalf("%q: %v, the oracle says %v", text, err, want)
	}
	if err != nil {
		if reasonOf(err) == "" {
			t.Fatalf("%q: %v has no reason", text, err)
		}
		return
	}
	var want any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if got := tree(&d, 0); !reflect.DeepEqual(got, want) { // cmp's time doubles with each level
		t.Fatalf("%q: %v, want %v", text, got, want)
	}
	for i := range d.Len() {
		if got := d.Find(d.Pointer(i)); got != i {
			t.Fatalf("%q: %s leads to %d, not %d", text, d.Pointer(i), got, i)
		}
	}
}

func TestOurAnswerIsTheOraclesOnMutatedTexts(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds() {
		agree(t, []byte(seed))
		for i := range len(seed) {
			agree(t, []byte(seed[:i]))
			agree(t, []byte(seed[:i]+seed[i+1:]))
			for _, c := range []string{`"`, `\`, "{", "]", ",", ":", "0", " ", "\x00", "\xff", "u", "-"} {
				agree(t, []byte(seed[:i]+c+seed[i:]))
				agree(t, []byte(seed[:i]+c+seed[i+1:]))
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	for _, text := range suite(f) {
		if len(text) < 4096 {
			f.Add(text)
		}
	}
	fuzzloop.Run(f, func(t *testing.T, text []byte) { agree(t, text) })
}
