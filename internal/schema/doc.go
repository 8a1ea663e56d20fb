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
// One machine reads and checks JSON in the same pass, whole (Request.Body,
// Reply.Body) or in pieces (Filter), with a stack of its own. Open objects and
// arrays are frames; the schemas that apply to one are acts, which run side by
// side. An act is certain, or hangs on an alternative: then what it finds waits
// in lists until the value ends, and is told, joined or dropped. Alternatives of
// another type are left out, and those that a member with constant values or a
// discriminator tells apart start when that member comes. The work for a byte
// is bounded by the schema, the memory by the depth and by the longest token of
// which the text matters. No keyword takes a slower way: dynamic references are
// resolved when programs are compiled. Values of a text
// that is all there meet a sieve first, which knows in one go that they keep
// everything, whatever the number of alternatives; the machine reads what fails
// or has to be marked.
//
// Limits:
//   - Patterns are translated from ECMA-262 to RE2; those with lookaround or
//     backreferences are reported by the front end and not checked.
//   - Where a text comes in pieces, equality of objects and arrays (const, enum)
//     and of elements (uniqueItems) is that of their digests, of 128 bits under
//     secret seeds: among a million values the chance that any two are taken for
//     one is below 2^-88. Where the text is whole it is compared.
//   - When a value matches none of several alternatives, those that a constant
//     rules out are not told of.
//   - A Filter gives up where more than 256 KiB hang on what comes later. Forms,
//     parts and XML have none; Reply.Held lists what can only be read whole.
//   - A stream that is read whole has at most 100,000 values; one that is read
//     in pieces has no such bound.
//   - contentEncoding and contentMediaType are notes, not rules.
//   - XML is held to the schema by the OpenAPI xml object, where that wants an
//     object or a list; a schema of a text takes the document as it is. The
//     name of the root element is checked where the xml object gives one.
//     An element with text and attributes is no string.
//   - A comma in a list is taken for a separator, though it was sent encoded,
//     where the list has no other.
package schema
