// Package schema checks messages against a contract. It compiles the schemas
// of an operation into programs that the gateway runs once a direction, over
// the bytes of the message, and that fill a risk.Reading: violations (pointer,
// keyword and place in the document, never a value) and marks (spans that are
// undeclared, readOnly, writeOnly or sensitive).
//
// The keywords are those of JSON Schema 2020-12 as contract.Schema holds them.
// Formats are asserted. A member is undeclared when no schema that accepts the
// message evaluates it by name, as unevaluatedProperties would see it.
//
// Limits:
//   - Patterns are translated from ECMA-262 to RE2; those with lookaround or
//     backreferences are reported once (schema/pattern) and not checked.
//   - contentEncoding and contentMediaType are notes, not rules.
//   - XML is checked to be well-formed and harmless, but not against a schema.
//   - A comma in a list is taken for a separator, though it was sent encoded,
//     where the list has no other.
package schema
