package source

// Kind is the JSON type of a Value.
type Kind uint8

// The kinds. The zero value is Absent, so that a missing member reads as such.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String is the JSON word for k.
func (k Kind) String() string {
	switch k {
	case Absent:
		return "nothing"
	case Null:
		return "null"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case Object:
		return "object"
	}
	return "nothing"
}

// A Value is a piece of a YAML or JSON document that knows where it stands:
// an extension, an enum member, an example, a part of the policy. It is
// immutable once built.
type Value struct {
	At      Span
	Kind    Kind
	Text    string   // of a String; the literal of a Number; "true" or "false" of a Bool
	Items   []Value  // of an Array
	Members []Member // of an Object, in the order of the text, names unique
}

// A Member is one name and value of an Object.
type Member struct {
	Name   string
	NameAt Span
	Value  Value
}

// Get returns the member called name, or the zero Value, whose Kind is Absent.
func (v Value) Get(name string) Value {
	for i := range v.Members {
		if v.Members[i].Name == name {
			return v.Members[i].Value
		}
	}
	return Value{}
}

// Str is the text of a String and "" of anything else.
func (v Value) Str() string {
	if v.Kind == String {
		return v.Text
	}
	return ""
}

// True tells whether v is the boolean true.
func (v Value) True() bool { return v.Kind == Bool && v.Text == "true" }
