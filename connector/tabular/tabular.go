// Package tabular streams a CSV or JSON Lines file through a transformation
// of chosen cells. Whatever is not replaced leaves as it came, byte for byte:
// byte order mark, line endings, quoting, white space, and the last line's
// ending or its absence.
//
// Call [Process] with the columns to replace (to seal them) or with the prefix
// that marks the cells to replace (to open them). The package knows nothing of
// cryptography: a [Transform] gets batches of cells and says what to put in
// their place. Files are parsed by encoding/csv and encoding/json; their
// offsets only locate the bytes, and a cell whose located bytes do not decode
// to what the library parsed is an error, never a guess. doc/tabular.md has
// the rules.
//
// All cores are used, order is kept, and memory does not grow with the file,
// with one exception: where record ids are asked for, a set of 16-byte hashes
// grows with the rows, about 60 bytes for each, because a repeated id is
// refused.
//
// The package compiles for js/wasm and needs only the standard library.
//
// Compatibility: until release 1.0.0 the API may change. The canonical JSON
// string ([AppendJSONString]) and the rules of quoting decide whether an opened
// file has its old bytes and never change.
package tabular

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/underseal/underseal/connector"
)

// What a row is called in the name of a record, for both formats: a file may
// be converted from one into the other and its tokens still open.
const (
	// Connector is the connector's name.
	Connector = "tabular"
	// RecordKind is the kind of record.
	RecordKind = "row"
)

// Format is a file format.
type Format uint8

// The formats.
const (
	// CSV is RFC 4180 with a header row, as encoding/csv reads it without
	// leniency: LF and CRLF may be mixed, blank lines are skipped.
	CSV Format = iota + 1
	// JSONLines is one JSON object per line; members of the object are cells.
	JSONLines
)

// String is the format's name.
func (f Format) String() string {
	switch f {
	case CSV:
		return "CSV"
	case JSONLines:
		return "JSON Lines"
	default:
		return "unknown format"
	}
}

// Detect tells the format by the file's name: .csv, .jsonl or .ndjson, in
// either case. Otherwise it returns [ErrFormat].
func Detect(name string) (Format, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return CSV, nil
	case ".jsonl", ".ndjson":
		return JSONLines, nil
	default:
		return 0, ErrFormat
	}
}

// Cell is one value on its way through a [Transform].
type Cell struct {
	// Record is the row's record id, "" where none was asked for.
	Record string
	// Column is the column's name.
	Column string
	// Type is Text, or JSON for a value of a JSON Lines file that is not a
	// string, or is a string in other than its canonical spelling.
	Type connector.Type
	// Value is the text without quotes and escapes (line breaks inside it as
	// they stand in the file), or the JSON text as it stands. It is never
	// empty, must not be changed, and is valid only during the call.
	Value []byte

	// What follows is set by the Transform. As a cell comes, Replace is false,
	// NewType is Text, New is empty and Err is nil.

	// Replace asks that New take the place of Value.
	Replace bool
	// NewType says what New is.
	NewType connector.Type
	// New is the new value. It may come with spare capacity: append to it to
	// save an allocation. It must not be changed after the call.
	New []byte
	// Err says that this cell cannot be replaced; it then stays as it was.
	// See Options.Failed. It must not contain the value.
	Err error
}

// Transform sets the new values of a batch of cells. Batches are parts of the
// file and the cells of a row stand together, in the file's order; several
// goroutines call it at the same time. An error ends the whole work; what
// concerns one cell belongs into its Err.
type Transform func(ctx context.Context, cells []Cell) error

// Change is a way in which a file will differ from what its author wrote,
// although every value is right.
type Change uint8

// The changes.
const (
	// Requoted: a CSV cell stood without quotes, and its new value cannot, so
	// it gets quotes. Sealing and opening again never needs this; it happens
	// where another program took away the quotes in between, or where the
	// Transform's tokens hold a delimiter.
	Requoted Change = iota + 1
	// Converted: a value of type JSON came into a CSV file. A JSON string is
	// written as its text, everything else as its JSON text.
	Converted
)

// String describes the change.
func (c Change) String() string {
	switch c {
	case Requoted:
		return "quotes had to be added"
	case Converted:
		return "a JSON value was written into a CSV file"
	default:
		return "unknown change"
	}
}

// Options say what Process does. Format and exactly one of Columns and Prefix
// are required.
type Options struct {
	// Format of the file.
	Format Format
	// Comma is the delimiter of a CSV file: ',' (also meant by 0), ';', '|' or
	// a tab.
	Comma byte
	// RecordID is the column that holds each row's record id. The ids must be
	// unique, UTF-8 and not empty. "" asks for no ids and checks none.
	RecordID string
	// Columns names the columns whose cells are handed to the Transform; each
	// must exist once. Empty cells (in JSON also null) stay as they are, a
	// member missing from a JSON object stays missing, and a cell that is not
	// UTF-8 is an error.
	Columns []string
	// Prefix selects every cell, in any column, whose text begins with it.
	Prefix string
	// Workers is how many goroutines parse and transform; 0 means one per
	// usable core.
	Workers int

	// The callbacks come one at a time, in the order of the file, from the
	// goroutine that called Process, and before the bytes concerned are
	// written. Each may be nil.

	// Progress tells how many bytes of the input are done.
	Progress func(bytes int64)
	// Warn tells of a cell that cannot be written as it once was. To stop
	// there, cancel the context: nothing more is written.
	Warn func(Place, Change)
	// Failed tells of a cell whose Err was set. Where it returns nil the cell
	// stays as it was and the work goes on; the error it returns ends the
	// work. Without Failed the first such cell ends the work with an *Error.
	Failed func(Place, error) error

	chunk int // bytes handed to a worker at once; tests make it tiny
}

// chunkSize is large enough that handing a chunk over costs nothing beside
// parsing it, and small enough that a dozen of them fit into a core's cache.
const chunkSize = 64 << 10

// ColumnReport counts the cells of one column.
type ColumnReport struct {
	Column   string
	Cells    int64 // handed to the Transform
	Replaced int64 // written anew
	Empty    int64 // left alone for being empty; counted for chosen Columns only
	Failed   int64 // left alone because of Cell.Err
}

// Report counts what was done.
type Report struct {
	// Rows read, without the header.
	Rows int64
	// Columns are the chosen ones, in that order; with a Prefix those in which
	// a cell had it, in the order in which they were met.
	Columns []ColumnReport
	// Requoted and Converted count the changes that Warn was told of.
	Requoted, Converted int64
}

// check refuses options that make no sense and fills in the defaults.
func (o *Options) check() error {
	bad := func(format string, a ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrOptions}, a...)...)
	}
	if o.Format != CSV && o.Format != JSONLines {
		return bad("no format")
	}
	if o.Comma == 0 {
		o.Comma = ','
	}
	// A delimiter of a token's alphabet would tear tokens apart.
	if !strings.ContainsRune(",;|\t", rune(o.Comma)) {
		return bad("the delimiter must be a comma, a semicolon, a bar or a tab")
	}
	if (len(o.Columns) == 0) == (o.Prefix == "") {
		return bad("either columns or a prefix")
	}
	if len(o.Columns) > MaxColumns {
		return bad("more than %d columns", MaxColumns)
	}
	for i, name := range o.Columns {
		switch {
		case name == o.RecordID && name != "":
			// Its plaintext is needed to check the record of every token.
			return bad("column %s holds the record ids and cannot be replaced", quote(name))
		case slices.Contains(o.Columns[:i], name):
			return bad("column %s is named twice", quote(name))
		}
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.Workers = min(o.Workers, maxWorkers)
	if o.chunk <= 0 {
		o.chunk = chunkSize
	}
	return nil
}
