package bulk

import (
	"time"

	"github.com/underseal/underseal/connector"
)

// EventKind says what happened. Its text goes into JSON streams.
type EventKind string

// The kinds of event.
const (
	EventStarted  EventKind = "started"
	EventPage     EventKind = "page"    // a unit is done
	EventWaiting  EventKind = "waiting" // for somebody else, until Until
	EventWarning  EventKind = "warning" // Warning says what
	EventFinding  EventKind = "finding" // Finding says what
	EventFinished EventKind = "finished"
)

// Event is one thing that happened in a call of a Job.
type Event struct {
	Kind EventKind
	Time time.Time
	Call string // "plan", "export", "enable", "disable", "undo", "verify"
	Job  string // "" while there is no id

	Records int64 // met so far
	Total   int64 // to be met, -1 if nobody knows
	Changed int64 // values written so far
	Skipped int64
	// Rate is records a minute in this call, 0 if it is too early to tell;
	// Left is the time to go at that rate.
	Rate float64
	Left time.Duration

	Until   time.Time
	Warning string
	Finding Finding
}

// Finding is one value that was left alone, or a record that is not as it
// should be.
type Finding struct {
	Kind   string // of the record
	Record string
	Field  string // definition id, "" where it is about the record
	Name   string // the field's
	State  State
	Reason Reason
}

// MaxFindings is how many findings a Report holds; events tell all.
const MaxFindings = 100

// Report is what a call did.
type Report struct {
	Call     string
	Job      string
	Place    connector.Place
	Started  time.Time
	Ended    time.Time
	Exported int64 // values in the export
	Total    int64 // records by the outside system's own count, -1 unknown
	Counts
	Findings []Finding
	More     int64 // findings beyond those
	Tally    Tally // of the journal, after the call
	// Usage is what the call asked of the outside system, as its connector
	// counts it; without connector.Meter only Requests, one for each call.
	Usage connector.Usage
}
