package errors

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhichTextsAreCalm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": true, "a": true, "ab": true, "abc": true, "abcd": true, "abcde": true, "\x00": false, "a\x00": false, "\x00abcdefgh": false,
		`\u0020`: false, `\u0021`: false, `\u0022`: true, `\u0026`: true, `\u0027`: true, `\u002b\u002B`: true, `\u002f\u002F`: true, `\u003c\u003C`: true, `\u003d\u003D`: true, `\u003e\u003E`: true, `\u0060`: true,
		`\u0023`: false, `\u0041`: false, `\u0070`: false, `\u0074`: false, `\u007a`: false, `\u007f`: false, `\u000a`: true, `\u001f`: true, `\u0080`: true, `\u00e9`: true, `\u00`: true, `\u002`: true, `\u2041`: true,
		`\u00e9\u0041`: false, `\u0022\u0041`: false, `\u0022 and more\u00`: true,
	} {
		if got := cores().calm([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestACoreIsSeenWhereverItStands(t *testing.T) {
	t.Parallel()
	for c := range cores().cores {
		for before := range 4 {
			for after := range 4 {
				text := strings.Repeat("~", before) + string(c[:]) + strings.Repeat("~", after)
				if cores().calm([]byte(text)) {
					t.Fatalf("%q is calm", text)
				}
			}
		}
		for k := range c {
			near := c
			near[k] = '~'
			if cores().calm(near[:]) == cores().cores[near] {
				t.Fatalf("%q", near)
			}
		}
	}
}

func TestGroupsFallTogetherByCaseAlone(t *testing.T) {
	t.Parallel()
	of := func(s string) uint32 { return hash(binary.LittleEndian.Uint32([]byte(s))) }
	if of("abyz") != of("ABYZ") || of("aB0/") != of("Ab0/") {
		t.Error("case does not count")
	}
	seen := map[uint32]string{}
	for _, s := range []string{"abcd", "`bcd", "acbd", "abc\xe4", "abce", "bbcd", "abdd", "aacd"} {
		if other, twice := seen[of(s)]; twice {
			t.Errorf("%q and %q fall together", s, other)
		}
		seen[of(s)] = s
	}
}

func TestHowRareSignsAre(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	for _, c := range "etzq.:_[0 /\"" {
		got[string(c)] = rarity(byte(c))
	}
	want := map[string]int{"e": 0, "t": 1, "z": 25, "q": 24, ".": 13, ":": 13, "_": 13, "[": 13, "0": 0, " ": 0, "/": 0, "\"": 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for group, want := range map[string]int{"eeeee": 1, "zzzzz": 126, "label": 0, "javas": 0, "e.e e": 14} {
		if got := worth(group); got != want {
			t.Errorf("%q is worth %d", group, got)
		}
	}
}

func TestTheRarestFiveAreTheCore(t *testing.T) {
	t.Parallel()
	blank, sign := " \t\n\r\v\f\\", func(text, c string) []string { return []string{text + c, text + `\`} }
	var wide []string
	for _, c := range blank {
		wide = append(wide, "eeee"+string(c))
	}
	for text, want := range map[string][]string{
		"": nil, "eeee": nil, "label": {"label"}, "eeeee": {"eeeee"}, "eeeeez": {"eeeez"}, "zeeeeez": {"zeeee"}, "zeeee zeeee": {"zeeee"}, "eeee ": wide, "/eeee": nil, "ee/ee": nil, "zzz/eeeee": {"eeeee"}, "eeee/eeee": sign("eeee", "/"),
		"eeee0": {"eeee0", "eeee1", "eeee2", "eeee3", "eeee4", "eeee5", "eeee6", "eeee7", "eeee8", "eeee9"},
		`eeee"`: sign("eeee", `"`), "eeee'": sign("eeee", "'"), "eeee<": sign("eeee", "<"), "eeee>": sign("eeee", ">"), "eeee&": sign("eeee", "&"), "eeee+": sign("eeee", "+"), "eeee`": sign("eeee", "`"), "eeee=": sign("eeee", "="),
		"eeee.": {"eeee."}, `eee"e`: nil,
	} {
		if diff := cmp.Diff(want, core(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
