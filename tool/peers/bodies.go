package main

import (
	"bytes"
	"fmt"
	"strings"
)

// A body is one message with the schema that it keeps, in the words that
// OpenAPI 3.0 and JSON Schema share, and a fault that must be seen.
type body struct {
	name     string
	schema   string
	text     []byte
	old, new string // the fault: the last old becomes new
}

// spoiled is the text with one leaf changed.
func (b *body) spoiled() []byte {
	at := bytes.LastIndex(b.text, []byte(b.old))
	if at < 0 {
		return nil
	}
	out := append([]byte{}, b.text[:at]...)
	return append(append(out, b.new...), b.text[at+len(b.old):]...)
}

const order = `{"type":"object","additionalProperties":false,"required":["id","created","customer","items","currency","status"],"properties":{
	"id":{"type":"string","format":"uuid"},"created":{"type":"string","format":"date-time"},
	"currency":{"type":"string","pattern":"^[A-Z]{3}$"},"status":{"type":"string","enum":["open","paid","sent","done","cancelled"]},
	"customer":{"type":"object","required":["name","email"],"additionalProperties":false,"properties":{
		"name":{"type":"string","minLength":1,"maxLength":100},"email":{"type":"string","format":"email"},
		"address":{"type":"object","additionalProperties":false,"properties":{"street":{"type":"string"},"city":{"type":"string"},
			"zip":{"type":"string","maxLength":10},"country":{"type":"string","minLength":2,"maxLength":2}}}}},
	"items":{"type":"array","minItems":1,"maxItems":2000,"items":{"type":"object","required":["sku","quantity","price"],"additionalProperties":false,"properties":{
		"sku":{"type":"string","pattern":"^[A-Z]{2}-[0-9]+$"},"quantity":{"type":"integer","minimum":1,"maximum":1000},
		"price":{"type":"number","minimum":0},"title":{"type":"string","maxLength":200},"gift":{"type":"boolean"}}}},
	"total":{"type":"number","minimum":0},"tags":{"type":"array","items":{"type":"string","maxLength":20},"uniqueItems":true}}}`

func orderOf(items int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":"8c6f1a52-6f0e-4d0e-9d7a-3b1d2c4e5f60","created":"2026-11-22T10:31:07Z","currency":"EUR","status":"open",` +
		`"customer":{"name":"Ada Lovelace","email":"ada@example.com","address":{"street":"12 St James's Square","city":"London","zip":"SW1Y 4JH","country":"GB"}},"items":[`)
	for i := range items {
		comma(&b, i)
		fmt.Fprintf(&b, `{"sku":"AB-%d","quantity":%d,"price":%d.95,"title":"A thing that one can order, number %d","gift":false}`, 1000+i, i%900+1, 10+i, i)
	}
	b.WriteString(`],"total":1234.5,"tags":["new","vip","web"]}`)
	return b.Bytes()
}

func comma(b *bytes.Buffer, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

// bodies are what is measured.
func bodies() []body {
	return []body{
		{"2 KB", order, orderOf(15), `"gift":false`, `"gift":"no"`},
		{"100 KB", order, orderOf(900), `"gift":false`, `"gift":"no"`},
		deep(60),
		wide(500),
		choices(200, 12),
		long(100),
	}
}

// deep nests objects.
func deep(levels int) body {
	schema := `{"type":"object","additionalProperties":false,"required":["v"],"properties":{"v":{"type":"integer","minimum":0},"n":{"$ref":"#/components/schemas/Body"}}}`
	text := strings.Repeat(`{"v":1,"n":`, levels-1) + `{"v":7}` + strings.Repeat("}", levels-1)
	return body{"deep", schema, []byte(text), `"v":7`, `"v":-7`}
}

// wide has many members.
func wide(n int) body {
	var s, b bytes.Buffer
	s.WriteString(`{"type":"object","additionalProperties":false,"properties":{`)
	b.WriteByte('{')
	for i := range n {
		comma(&s, i)
		comma(&b, i)
		fmt.Fprintf(&s, `"member_%d":{"type":"integer","maximum":%d}`, i, n)
		fmt.Fprintf(&b, `"member_%d":%d`, i, i)
	}
	s.WriteString("}}")
	b.WriteByte('}')
	return body{"wide", s.String(), b.Bytes(), fmt.Sprintf(":%d}", n-1), fmt.Sprintf(":%d}", n+1)}
}

// choices has elements of several kinds, told apart by one member.
func choices(n, kinds int) body {
	var s, b bytes.Buffer
	s.WriteString(`{"type":"array","items":{"oneOf":[`)
	for k := range kinds {
		comma(&s, k)
		fmt.Fprintf(&s, `{"type":"object","required":["kind","p%d"],"additionalProperties":false,"properties":{"kind":{"type":"string","enum":["k%d"]},"p%d":{"type":"integer"},"text":{"type":"string","maxLength":40}}}`, k, k, k)
	}
	s.WriteString("]}}")
	b.WriteByte('[')
	for i := range n {
		comma(&b, i)
		fmt.Fprintf(&b, `{"kind":"k%d","p%d":%d,"text":"an element of this kind"}`, i%kinds, i%kinds, i)
	}
	b.WriteByte(']')
	return body{"oneOf", s.String(), b.Bytes(), `"text":"an`, `"more":"an`}
}

// long has long texts, some of them with escapes and beyond ASCII.
func long(n int) body {
	schema := `{"type":"array","items":{"type":"object","required":["text"],"additionalProperties":false,"properties":{
		"text":{"type":"string","minLength":1,"maxLength":2000},"lang":{"type":"string","pattern":"^[a-z]{2}$"}}}}`
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range n {
		comma(&b, i)
		line := strings.Repeat("the quick brown fox jumps over it ", 30)
		if i%4 == 1 {
			line = strings.Repeat(`a line\nand \"another\" `, 40)
		}
		if i%4 == 2 {
			line = strings.Repeat("überall grüßt müßig ", 40)
		}
		fmt.Fprintf(&b, `{"text":"%s","lang":"en"}`, line)
	}
	b.WriteByte(']')
	return body{"strings", schema, b.Bytes(), `"lang":"en"`, `"lang":"EN"`}
}
