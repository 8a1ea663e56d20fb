package jsonx

import "testing"

func TestADocumentBecomesAFlatTable(t *testing.T) {
	t.Parallel()
	var d Doc
	if err := d.Parse([]byte(` {"a":[1,{"b\u002f":"x\n"}],"c":null} `)); err != nil {
		t.Fatal(err)
	}
	i := d.Find("/a/1/b~1")
	if i < 0 || string(d.Text(i)) != "x\n" || d.Pointer(i) != "/a/1/b~1" {
		t.Fatalf("found %d", i)
	}
	if d.Count(0) != 2 || d.Kind(d.Member(0, "c")) != Null {
		t.Error("the root is wrong")
	}
}
