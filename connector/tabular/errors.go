package tabular

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The errors, for errors.Is. Those about the file's content come inside an
// [*Error], which has the place. None contains a value.
var (
	// ErrFormat: the file's name does not tell its format.
	ErrFormat = errors.New("the name does not end in .csv, .jsonl or .ndjson")
	// ErrOptions: the Options contradict each other.
	ErrOptions = errors.New("unusable options")

	// ErrEmpty: a CSV file without a header.
	ErrEmpty = errors.New("the file is empty: it has no header")
	// ErrEncoding: the file begins like UTF-16 or UTF-32.
	ErrEncoding = errors.New("the file is UTF-16 or UTF-32; it must be UTF-8")
	// ErrLineEnding: the header holds a carriage return, the mark of a file
	// whose lines end in CR alone and would be taken for one long header.
	ErrLineEnding = errors.New("lines must end in LF or CRLF, and the header holds another CR")
	// ErrUnknownColumn: no column has the name; the text lists those that are.
	ErrUnknownColumn = errors.New("unknown column")
	// ErrDuplicateColumn: the header has the name twice, or a JSON object has
	// two members of one name.
	ErrDuplicateColumn = errors.New("the column occurs twice")
	// ErrRecordID: a record id is missing, empty, too long, not UTF-8 or, in
	// JSON, neither a string nor a number.
	ErrRecordID = errors.New("unusable record id")
	// ErrDuplicateRecord: an earlier row has the same record id.
	ErrDuplicateRecord = errors.New("the record id occurs a second time")
	// ErrNotUTF8: a cell to be replaced, or any byte of a JSON line, is not
	// UTF-8, or a JSON string has half a surrogate pair.
	ErrNotUTF8 = errors.New("not UTF-8")
	// ErrCellCount: a row has more or fewer cells than the header.
	ErrCellCount = errors.New("wrong number of cells")
	// ErrBareQuote: a quote inside a cell that does not begin with one.
	ErrBareQuote = errors.New("a quote in a cell that is not quoted")
	// ErrQuote: text between a closing quote and the next delimiter.
	ErrQuote = errors.New("text after the closing quote of a cell")
	// ErrUnclosedQuote: the file ends inside a quoted cell.
	ErrUnclosedQuote = errors.New("the file ends inside a quoted cell")
	// ErrJSON: a line is not valid JSON or has more than one value.
	ErrJSON = errors.New("not one valid JSON value")
	// ErrNotObject: a line is JSON, but not an object.
	ErrNotObject = errors.New("not a JSON object")
	// ErrTooLarge: a bound of limits.go is exceeded.
	ErrTooLarge = errors.New("larger than allowed")
	// ErrNewValue: what the Transform returned cannot stand in the file.
	ErrNewValue = errors.New("the new value cannot be written")
	// ErrLocate: the bytes of a cell do not decode to what the library parsed.
	// A fault of this package; nothing is written from there on.
	ErrLocate = errors.New("internal: the cell was not found where it was parsed")
)

// Place says where in the file something is. Fields that are not known or do
// not apply are zero.
type Place struct {
	// Row counts records from 1; a header does not count.
	Row int64
	// Line is the physical line, from 1, in which the cell or, for errors of
	// form, the fault or the row begins.
	Line int64
	// Byte is the place in that line, from 1, of an error of form: the quote,
	// or in JSON the end of the last part that could be read.
	Byte int64
	// Record is the row's record id.
	Record string
	// Column is the column's name.
	Column string
}

// String is the place in words, with names quoted and shortened.
func (p Place) String() string {
	var parts []string
	if p.Row > 0 {
		parts = append(parts, "row "+strconv.FormatInt(p.Row, 10))
	}
	if p.Line > 0 {
		parts = append(parts, "line "+strconv.FormatInt(p.Line, 10))
	}
	if p.Byte > 0 {
		parts = append(parts, "byte "+strconv.FormatInt(p.Byte, 10))
	}
	if p.Record != "" {
		parts = append(parts, "record "+quote(p.Record))
	}
	if p.Column != "" {
		parts = append(parts, "column "+quote(p.Column))
	}
	return strings.Join(parts, ", ")
}

// Error is an error at a place in the file.
type Error struct {
	Place
	Err error
}

func (e *Error) Error() string {
	if at := e.Place.String(); at != "" {
		return at + ": " + e.Err.Error()
	}
	return e.Err.Error()
}

// Unwrap gives the error without its place.
func (e *Error) Unwrap() error { return e.Err }

func tooLarge(what string, limit int) error {
	return fmt.Errorf("%w: %s of more than %d", ErrTooLarge, what, limit)
}

// quote makes a name from a file fit for a terminal.
func quote(name string) string {
	if len(name) > maxShown {
		return strconv.Quote(name[:maxShown]) + "…"
	}
	return strconv.Quote(name)
}

func unknownColumn(name string, exist []string) *Error {
	shown := make([]string, 0, min(len(exist), maxNames))
	for _, n := range exist[:min(len(exist), maxNames)] {
		shown = append(shown, quote(n))
	}
	list := strings.Join(shown, ", ")
	if more := len(exist) - len(shown); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return &Error{Place{Column: name}, fmt.Errorf("%w; the file has %s", ErrUnknownColumn, list)}
}
