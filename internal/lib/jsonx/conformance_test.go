package jsonx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vectors finds shared/vectors/NAME in a folder above, "" where there is none.
func vectors(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", "vectors", name)
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// suite reads the cases of JSONTestSuite by file name, none where it is absent.
func suite(t testing.TB) map[string][]byte {
	t.Helper()
	cases := map[string][]byte{}
	dir := vectors(t, "json-parsing")
	if dir == "" {
		return cases
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a test vector
		if err != nil {
			t.Fatal(err)
		}
		cases[filepath.Base(file)] = text
	}
	return cases
}

// duplicates are the cases that RFC 8259 section 4 lets pass and we refuse.
var duplicates = map[string]bool{
	"y_object_duplicated_key.json":           true,
	"y_object_duplicated_key_and_value.json": true,
}

// policy is our answer where RFC 8259 leaves a choice: "" accepts. Numbers are
// text to us, so that no size is wrong; text that is not Unicode is refused.
var policy = map[string]Reason{
	"i_number_double_huge_neg_exp.json":                   "",
	"i_number_huge_exp.json":                              "",
	"i_number_neg_int_huge_exp.json":                      "",
	"i_number_pos_double_huge_exp.json":                   "",
	"i_number_real_neg_overflow.json":                     "",
	"i_number_real_pos_overflow.json":                     "",
	"i_number_real_underflow.json":                        "",
	"i_number_too_big_neg_int.json":                       "",
	"i_number_too_big_pos_int.json":                       "",
	"i_number_very_big_negative_int.json":                 "",
	"i_object_key_lone_2nd_surrogate.json":                Surrogate,
	"i_string_1st_surrogate_but_2nd_missing.json":         Surrogate,
	"i_string_1st_valid_surrogate_2nd_invalid.json":       Surrogate,
	"i_string_UTF-16LE_with_BOM.json":                     Unexpected,
	"i_string_UTF-8_invalid_sequence.json":                UTF8,
	"i_string_UTF8_surrogate_U+D800.json":                 UTF8,
	"i_string_incomplete_surrogate_and_escape_valid.json": Surrogate,
	"i_string_incomplete_surrogate_pair.json":             Surrogate,
	"i_string_incomplete_surrogates_escape_valid.json":    Surrogate,
	"i_string_invalid_lonely_surrogate.json":              Surrogate,
	"i_string_invalid_surrogate.json":                     Surrogate,
	"i_string_invalid_utf-8.json":                         UTF8,
	"i_string_inverted_surrogates_U+1D11E.json":           Surrogate,
	"i_string_iso_latin_1.json":                           UTF8,
	"i_string_lone_second_surrogate.json":                 Surrogate,
	"i_string_lone_utf8_continuation_byte.json":           UTF8,
	"i_string_not_in_unicode_range.json":                  UTF8,
	"i_string_overlong_sequence_2_bytes.json":             UTF8,
	"i_string_overlong_sequence_6_bytes.json":             UTF8,
	"i_string_overlong_sequence_6_bytes_null.json":        UTF8,
	"i_string_truncated-utf-8.json":                       UTF8,
	"i_string_utf16BE_no_BOM.json":                        Unexpected,
	"i_string_utf16LE_no_BOM.json":                        Unexpected,
	"i_structure_500_nested_arrays.json":                  Depth,
	"i_structure_UTF-8_BOM_empty_object.json":             ByteOrderMark,
}

func TestJSONTestSuiteIsAnsweredByOurPolicy(t *testing.T) {
	t.Parallel()
	cases := suite(t)
	if len(cases) == 0 {
		t.Skip("needs shared/vectors/json-parsing in a folder above")
	}
	if len(cases) < 300 {
		t.Fatalf("only %d cases", len(cases))
	}
	count := map[byte]int{}
	var d Doc
	for name, text := range cases {
		got := reasonOf(d.Parse(text))
		count[name[0]]++
		switch name[:2] {
		case "y_":
			want := Reason("")
			if duplicates[name] {
				want = Duplicate
			}
			if got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		case "n_":
			if got == "" {
				t.Errorf("%s is accepted", name)
			}
		default:
			want, known := policy[name]
			if !known || got != want {
				t.Errorf("%s: %q, want %q (in the policy: %v)", name, got, want, known)
			}
		}
	}
	t.Logf("%d must pass, %d must be refused, %d by policy", count['y'], count['n'], count['i'])
	if count['i'] != len(policy) {
		t.Errorf("%d i_ cases, %d in the policy", count['i'], len(policy))
	}
}

func TestOurPolicyHoldsWithoutTheSuiteToo(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	for text, want := range map[string]Reason{
		"":                        Empty,
		" \n":                     Empty,
		"\xef\xbb\xbf{}":          ByteOrderMark,
		"{}x":                     Trailing,
		"1 2":                     Trailing,
		"[1":                      Unfinished,
		`{"a"`:                    Unfinished,
		`"a`:                      Unfinished,
		`"\`:                      Unfinished,
		`{"a":1,}`:                Unexpected,
		`[1,]`:                    Unexpected,
		`[,1]`:                    Unexpected,
		`{a:1}`:                   Unexpected,
		`{"a" 1}`:                 Unexpected,
		`[1}`:                     Unexpected,
		"NaN":                     Unexpected,
		"[\x00]":                  Unexpected,
		"//x\n1":                  Unexpected,
		"nul":                     BadLiteral,
		"tRue":                    BadLiteral,
		"01":                      BadNumber,
		"-":                       BadNumber,
		"-Infinity":               BadNumber,
		"1.":                      BadNumber,
		"1e":                      BadNumber,
		"1e+":                     BadNumber,
		"+1":                      Unexpected,
		".5":                      Unexpected,
		`"\x"`:                    BadEscape,
		`"\u12G4"`:                BadEscape,
		`"\u123"`:                 BadEscape,
		`"\ud800"`:                Surrogate,
		`"\ud800\u0041"`:          Surrogate,
		`"\udc00\ud800"`:          Surrogate,
		`"\ud83d\ude00"`:          "",
		"\"a\tb\"":                Control,
		"\"\x7f\"":                "",
		"\"12345678\xff\"":        UTF8,
		"\"\xc0\xaf\"":            UTF8,
		"\"\xed\xa0\x80\"":        UTF8,
		`{"a":1,"a":1}`:           Duplicate,
		`{"a":1,"A":1}`:           "",
		`{"a":1,"\u0061":1}`:      Duplicate,
		`{"\u0061":1,"\u0061":1}`: Duplicate,
		`{"":1,"":2}`:             Duplicate,
		`[{"a":1},{"a":1}]`:       "",
		`{"a":{"a":1}}`:           "",
		deep:                      "",
		"[" + deep + "]":          Depth,
	} {
		var d Doc
		if got := reasonOf(d.Parse([]byte(text))); got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}
