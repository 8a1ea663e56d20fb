package errors

import "testing"

func TestTheTablesHoldTheMarks(t *testing.T) {
	t.Parallel()
	list := marks()
	if len(list) > maxMarks-1 {
		t.Fatalf("%d marks do not fit", len(list))
	}
	a := build(list)
	if len(a.hits) > hasHits {
		t.Fatalf("%d states do not fit", len(a.hits))
	}
	for _, m := range list {
		var got tally
		got.plain([]byte("x" + m.text + "x"))
		if got.total() == 0 {
			t.Errorf("%q is not found", m.text)
		}
	}
	t.Logf("%d marks, %d states", len(list), len(a.hits))
}
