package schema

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
)

// anyNumber writes a random number of RFC 8259, short or long.
func anyNumber(rnd *rand.Rand) string {
	digit := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + rnd.IntN(10)))
		}
		return b.String()
	}
	s := []string{"", "-"}[rnd.IntN(2)] + fmt.Sprint(1+rnd.IntN(9)) + digit(rnd.IntN([]int{2, 4, 22}[rnd.IntN(3)]))
	if rnd.IntN(5) == 0 {
		s = []string{"0", "-0"}[rnd.IntN(2)]
	}
	if rnd.IntN(2) == 0 {
		s += "." + digit(1+rnd.IntN(3))
	}
	if rnd.IntN(5) == 0 {
		s += []string{"e", "E+", "e-"}[rnd.IntN(3)] + digit(1)
	}
	return s
}

func rational(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

func TestNumbersAreCheckedWithoutRounding(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(11, 12))
	multiples := 0
	for range 20000 {
		value, limit, step := anyNumber(rnd), anyNumber(rnd), strings.TrimPrefix(anyNumber(rnd), "-")
		if !validNumber(value) || !validNumber(limit) {
			t.Fatalf("%s or %s is no number to us", value, limit)
		}
		v, l, m := rational(t, value), rational(t, limit), rational(t, step)
		s := contract.NewSchema()
		s.Minimum, s.ExclusiveMaximum = contract.Number(limit), contract.Number(value)
		if m.Sign() > 0 {
			s.MultipleOf = contract.Number(step)
		}
		if rnd.IntN(3) == 0 {
			value = fmt.Sprint(rnd.IntN(1000)) + "e" + fmt.Sprint(rnd.IntN(30))
			v = rational(t, value)
		}
		want := map[string]bool{
			"minimum": v.Cmp(l) < 0, "exclusiveMaximum": v.Cmp(rational(t, string(s.ExclusiveMaximum))) >= 0,
			"multipleOf": m.Sign() > 0 && !new(big.Rat).Quo(v, m).IsInt(),
		}
		if m.Sign() > 0 && !want["multipleOf"] {
			multiples++
		}
		r := newRun()
		if !r.verdict(t, NewPrograms().compile(s), []byte(value)) {
			t.Fatalf("%s is no JSON", value)
		}
		got := map[string]bool{"minimum": false, "exclusiveMaximum": false, "multipleOf": false}
		for _, f := range r.machine.final {
			got[f.rule] = true
		}
		for rule := range want {
			if got[rule] != want[rule] {
				t.Fatalf("%s of %s with minimum %s, exclusiveMaximum %s, multipleOf %s: got %v", rule, value, limit, s.ExclusiveMaximum, step, got[rule])
			}
		}
	}
	if multiples < 100 {
		t.Errorf("only %d multiples", multiples)
	}
}

func TestValidNumberIsRFC8259(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"0": true, "-0": true, "10": true, "1.5": true, "1e5": true, "1E-5": true, "-1.0e+10": true,
		"": false, "-": false, "01": false, "+1": false, ".5": false, "1.": false, "1e": false, "1e+": false, " 1": false, "0x1": false,
		"1_0": false, "Infinity": false, "1.5.5": false, "--1": false,
	} {
		if validNumber(s) != want {
			t.Errorf("%q: got %v", s, !want)
		}
	}
}
