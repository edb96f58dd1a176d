// Package connector is the contract between bulk work and the systems that hold
// a firm's records. A connector reads and writes the records of one outside
// system: connector/clio those of Clio, connector/tabular those of CSV and JSON
// Lines files. Records is the contract, connector/connectortest its suite.
//
// A connector knows nothing of cryptography: it finds values, hands them to
// its caller and puts what comes back in their place.
//
// Compatibility: until release 1.0.0 names may change; afterwards the package
// grows by new names and new optional interfaces only.
package connector

// Type says how the bytes of a value are to be read. Its words are those of
// the field token, so that a value goes into a token and comes back as what it
// was (spec/token.md).
type Type uint8

// The types of value.
const (
	// Text is UTF-8 text, without the quotes or escapes of the file.
	Text Type = 1
	// JSON is one JSON text (RFC 8259) without white space around it: a
	// number, boolean, object or array, or a string whose spelling has to come
	// back as it was.
	JSON Type = 2
)

// String is the word for the type.
func (t Type) String() string {
	switch t {
	case Text:
		return "text"
	case JSON:
		return "json"
	default:
		return "unknown type"
	}
}
