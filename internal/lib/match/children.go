package match

import (
	"slices"
	"strings"
)

// few is how many literals are searched in a row; more are found by a map.
const few = 6

// literal is a child reached by its exact text.
type literal struct {
	text string
	next *node
}

// children are the literal segments of a node.
type children struct {
	list  []literal
	index map[string]*node
}

// add finds or makes the child of this text.
func (c *children) add(text string) *node {
	if c.index == nil {
		c.index = map[string]*node{}
	}
	n := c.index[text]
	if n == nil {
		n = &node{}
		c.index[text] = n
		c.list = append(c.list, literal{text, n})
	}
	return n
}

// seal orders the list and drops the map where the list is faster.
func (c *children) seal() {
	slices.SortFunc(c.list, func(a, b literal) int { return strings.Compare(a.text, b.text) })
	if len(c.list) <= few {
		c.index = nil
	}
}

// find gives the child of this text, or nil.
func (c *children) find(text string) *node {
	if c.index != nil {
		return c.index[text]
	}
	for i := range c.list {
		if c.list[i].text == text {
			return c.list[i].next
		}
	}
	return nil
}
