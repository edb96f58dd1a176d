package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Records is what bulk work needs of an outside system: its definitions apart
// from its values, values by opaque ids, and conditional writes.
// connector/connectortest is one suite for every implementation. What else a
// system can do is an optional interface of its own (Definer, Prober, Flusher).
type Records interface {
	Reader
	Writer
	// Capabilities says what this system can do. It asks nobody.
	Capabilities() Capabilities
}

// Reader reads definitions and values.
type Reader interface {
	// Place says which system and account this is: what goes into the names of
	// records and into the signed list of protected fields.
	Place(ctx context.Context) (Place, error)
	// Definitions lists the fields that records can have, also those that
	// were deleted, as far as the system still shows them.
	Definitions(ctx context.Context) ([]Definition, error)
	// List returns a page of the records of one kind with their values of
	// some fields (definition ids), in an order in which a record that is there
	// throughout is met exactly once, whatever else is written meanwhile. An
	// empty cursor starts; an empty Page.Next ends.
	List(ctx context.Context, kind string, fields []string, cursor string) (Page, error)
	// Get reads one record as List would.
	Get(ctx context.Context, kind, id string, fields []string) (Record, error)
}

// Writer writes values.
type Writer interface {
	// Write applies all changes to a record, or none, if it still has the
	// version that r names; otherwise ErrConflict. It returns the record as the
	// system answers it afterwards, with the values of the fields that were
	// changed: the caller compares, for a system may alter what it stores. An
	// answer that was lost is ErrUncertain: the caller reads again. A field or
	// record that is no longer there is ErrNotFound.
	Write(ctx context.Context, r Record, changes []Change) (Record, error)
}

// Definer changes definitions, where a system lets programs do so.
type Definer interface {
	// CreateField makes a field as described, ID and Version apart, and puts it
	// into its Sets where the system lets programs do so: what it returns says
	// which sets the field is in.
	CreateField(ctx context.Context, d Definition) (Definition, error)
	// UpdateField changes Name and Required of the field with d's ID, if it
	// still has d's Version.
	UpdateField(ctx context.Context, d Definition) (Definition, error)
	// DeleteField removes a field and every value that it has, if it still has
	// d's Version: soon or not at all, for the caller has made sure that no
	// value is lost with it.
	DeleteField(ctx context.Context, d Definition) error
}

// Prober finds out by trying, on a field of its own that it removes again, that
// values of a length come back unchanged.
type Prober interface {
	// Probe returns nil if a field of this type on records of this kind keeps
	// text of n characters, and ErrTooLong if it does not.
	Probe(ctx context.Context, kind string, t FieldType, n int) error
}

// Flusher is a connector whose writes rest together: what was written is there
// for others once Flush has returned.
type Flusher interface {
	Flush(ctx context.Context) error
}

// Recent tells what was changed lately, where a system dates its records: a
// short look at what happened during a long one.
type Recent interface {
	// Changed is List for the records alone that were changed or made at since
	// or later, by the system's own time as Page.At gives it. The zero time
	// asks for all. A record that is changed between two pages may be missed.
	Changed(ctx context.Context, kind string, fields []string, since time.Time, cursor string) (Page, error)
}

// Capabilities are what a system can do.
type Capabilities struct {
	// Conditional: Write refuses a record that was changed meanwhile. Without
	// it a person's edit between reading and writing is lost, so the caller
	// warns.
	Conditional bool
	// Partial: Write leaves fields alone that are not in its changes.
	Partial bool
	// Kinds are the kinds of record, in the order in which work goes on.
	Kinds []string
	// PageSize is the most records of a page.
	PageSize int
	// Parallel is how many calls are of use at once, at least 1.
	Parallel int
}

// Budget is what a system allows a program to ask of it.
type Budget struct {
	Requests int // in each Window; 0: unlimited
	Window   time.Duration
}

// Budgeter tells the present budget, known once a first answer has come.
type Budgeter interface {
	Budget() Budget
}

// Usage is what a connector has asked of its system so far.
type Usage struct {
	Requests int64 // sent, repeated ones included
	Waits    int64 // times that it waited for the system's sake
	Waited   time.Duration
}

// Meter tells the usage. It is safe to ask at any time.
type Meter interface {
	Usage() Usage
}

// Place is a system and an account in it, such as "clio" and "us:1234".
type Place struct {
	Connector string
	Account   string
	Name      string // for people: the firm's name there; never trusted
}

// FieldType is what a field holds, in the words of the outside system.
type FieldType string

// The types of field.
const (
	TextLine FieldType = "text_line" // one line
	TextArea FieldType = "text_area" // many lines
	Numeric  FieldType = "numeric"
	Date     FieldType = "date"
	Time     FieldType = "time"
	Currency FieldType = "currency"
	Checkbox FieldType = "checkbox"
	Picklist FieldType = "picklist"
	Email    FieldType = "email"
	URL      FieldType = "url"
	Contact  FieldType = "contact" // another record
	Matter   FieldType = "matter"  // another record
)

// HoldsToken tells whether a field of this type can hold any text, and so a
// token. The values of others go to a twin field.
func (t FieldType) HoldsToken() bool { return t == TextLine || t == TextArea }

// Set is a group of fields that a system shows together, or on some records
// only.
type Set struct {
	ID   string // opaque
	Name string // for people
}

// Definition describes a field.
type Definition struct {
	ID       string // opaque, without ">"
	Name     string
	Kind     string // of the records that have it
	Type     FieldType
	Required bool
	Deleted  bool
	Version  string // opaque; changes when the definition does
	Sets     []Set  // that it is in
	// MaxLength is the most characters of a value as far as is known, 0 if
	// there is no bound.
	MaxLength int
}

// Record is one record with its values of the fields that were asked for.
type Record struct {
	Kind    string
	ID      string
	Version string // opaque; changes when the record does
	Values  []Value
}

// Value is what a record holds in one field. Systems know three kinds of
// nothing, and bulk work touches none of them: no Value in the record, a Value
// without ID, and a Value with ID and without Data.
type Value struct {
	Field string // definition id
	ID    string // opaque, not the definition's
	// Data is the value as a JSON text, nil where there is none. It is the
	// system's own spelling and comes back to it unchanged.
	Data json.RawMessage
}

// Empty tells whether the field holds nothing.
func (v Value) Empty() bool { return len(v.Data) == 0 }

// Value returns the record's value in a field; false if it has no element.
func (r Record) Value(field string) (Value, bool) {
	for _, v := range r.Values {
		if v.Field == field {
			return v, true
		}
	}
	return Value{}, false
}

// Change sets one field of a record.
type Change struct {
	Field string
	// ID is the element's own id as it was read, "" to make one.
	ID string
	// Data is the new value as a JSON text; nil empties the field and keeps
	// its element.
	Data json.RawMessage
	// Remove takes the element away altogether.
	Remove bool
}

// Page is a part of a list.
type Page struct {
	Records []Record
	Next    string // cursor of the next page, "" after the last
	Total   int    // records of the kind, -1 where the system does not say
	// At is when the system answered, by its own time; zero where it does not
	// say.
	At time.Time
}

// The errors of every implementation, wrapped with detail, never with a value.
var (
	// ErrConflict: the record or definition was changed since it was read.
	ErrConflict = errors.New("it was changed by somebody else meanwhile")
	// ErrNotFound: there is no such record or field any more.
	ErrNotFound = errors.New("it is no longer there")
	// ErrForbidden: this account may not do this there.
	ErrForbidden = errors.New("this account is not allowed to do that")
	// ErrWithheld: the system answered without the values. It is never taken
	// for "empty".
	ErrWithheld = errors.New("the answer came without its values")
	// ErrUnauthorized: the connection was revoked or has expired.
	ErrUnauthorized = errors.New("the connection is no longer accepted")
	// ErrUncertain: the answer was lost; it may have been written.
	ErrUncertain = errors.New("the answer was lost")
	// ErrUnavailable: the system did not answer, however often it was asked.
	ErrUnavailable = errors.New("no answer")
	// ErrRefused: the system refuses this value or change.
	ErrRefused = errors.New("refused")
	// ErrTooLong: the system does not keep a value of this length.
	ErrTooLong = errors.New("longer than the field keeps")
	// ErrMalformed: the answer is not what the system's own description says.
	ErrMalformed = errors.New("an answer that cannot be understood")
)

// RecordError names the record that an error is about.
type RecordError struct {
	Kind, ID string
	Err      error
}

// Error gives the record before the error.
func (e *RecordError) Error() string { return fmt.Sprintf("%s %s: %v", e.Kind, e.ID, e.Err) }

// Unwrap gives the error without the record.
func (e *RecordError) Unwrap() error { return e.Err }

// Clock is time for connectors and bulk work, which wait a lot: tests turn it.
type Clock interface {
	Now() time.Time
	// Sleep waits, or returns the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}

// SystemClock is the machine's clock.
type SystemClock struct{}

var _ Clock = SystemClock{}

// Now is time.Now.
func (SystemClock) Now() time.Time { return time.Now() }

// Sleep waits for d.
func (SystemClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
