package main

import "testing"

func TestEveryBodyIsRefusedByAllWhenOneLeafIsSpoiled(t *testing.T) {
	t.Parallel()
	for _, b := range bodies() {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			all, err := validators(&b)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range all {
				if err := v(b.text); err != nil {
					t.Errorf("%s refuses it: %v", names[k], err)
				}
				if b.spoiled() == nil || v(b.spoiled()) == nil {
					t.Errorf("%s does not see the fault", names[k])
				}
			}
		})
	}
}

func TestACostHasTimeAndAllocations(t *testing.T) {
	t.Parallel()
	b := deep(20)
	all, err := validators(&b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := measure(all[1], b.text, 1)
	if err != nil || c.allocations == 0 {
		t.Errorf("%+v: %v", c, err)
	}
}
