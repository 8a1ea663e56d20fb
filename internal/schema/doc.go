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
//   - XML is held to the schema by the OpenAPI xml object, where that wants an
//     object or a list; a schema of a text takes the document as it is. The
//     name of the root element is checked where the xml object gives one.
//     An element with text and attributes is no string.
//   - A comma in a list is taken for a separator, though it was sent encoded,
//     where the list has no other.
package schema
