package policy

import "github.com/sallyport/sallyport/source"

// Codes of the diagnostics about the policy.
const (
	CodeUnreadable       source.Code = "policy/unreadable"        // the file cannot be read
	CodeTooLarge         source.Code = "policy/too-large"         // the file is over MaxText
	CodeEncoding         source.Code = "policy/encoding"          // not UTF-8, or a character that YAML has no use for
	CodeSyntax           source.Code = "policy/syntax"            // not YAML
	CodeDocuments        source.Code = "policy/documents"         // more than one YAML document
	CodeTooDeep          source.Code = "policy/too-deep"          // nested deeper than MaxDepth
	CodeAlias            source.Code = "policy/alias"             // an anchor or alias
	CodeTag              source.Code = "policy/tag"               // an explicit tag
	CodeMergeKey         source.Code = "policy/merge-key"         // <<
	CodeKeyType          source.Code = "policy/key-type"          // a key that is not text
	CodeDuplicateKey     source.Code = "policy/duplicate-key"     // the same key twice
	CodeNumber           source.Code = "policy/number"            // a number that is not decimal
	CodeUnknownKey       source.Code = "policy/unknown-key"       // a key that nothing reads
	CodeNotYet           source.Code = "policy/not-yet"           // a part of the design that this version does not have
	CodeWrongLevel       source.Code = "policy/wrong-level"       // a setting where it has no meaning
	CodeMissingKey       source.Code = "policy/missing-key"       // a key that must be there
	CodeWrongType        source.Code = "policy/wrong-type"        // a list where text is wanted, and the like
	CodeBadValue         source.Code = "policy/bad-value"         // text of a form that is not taken
	CodeUnit             source.Code = "policy/unit"              // a duration or size without its unit
	CodeOutOfRange       source.Code = "policy/out-of-range"      // outside the limits
	CodeVersion          source.Code = "policy/version"           // a version of the language that is not known
	CodeConflict         source.Code = "policy/conflict"          // two settings that exclude each other
	CodeFloor            source.Code = "policy/floor"             // a mode for a risk that is always enforced
	CodeBecause          source.Code = "policy/because"           // a risk is off without a reason
	CodeUnknownRisk      source.Code = "policy/unknown-risk"      // no such risk
	CodeUnknownOperation source.Code = "policy/unknown-operation" // the contract has no such operation
	CodeSameOperation    source.Code = "policy/same-operation"    // two selectors for one operation
	CodeUnknownVariable  source.Code = "policy/unknown-variable"  // a SALLYPORT_* variable that nothing reads
	CodeObserveOpen      source.Code = "policy/observe-open"      // observe without an end
)
