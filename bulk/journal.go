package bulk

import (
	"context"
	"errors"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/officer"
)

// ErrNoJob: the journal knows no job of that id.
var ErrNoJob = errors.New("no such job")

// Journal is what a client remembers of its jobs: ids, progress and tokens,
// never a plaintext. It can be deleted at any time and no value is lost: work
// goes on by what is found. It is safe for use by several goroutines, and by
// several processes where it rests in a file.
//
// What a method wrote is there after a crash once it has returned nil; after an
// error it may be there or not. bulk/journaltest is one suite for every
// implementation.
type Journal interface {
	Jobs
	Entries
	Sightings
}

// Jobs keeps what is known of each job.
type Jobs interface {
	// PutJob writes what is known of a job in place of what was.
	PutJob(ctx context.Context, j JobInfo) error
	// Job returns a job, or ErrNoJob.
	Job(ctx context.Context, id string) (JobInfo, error)
	// Jobs lists all jobs, those that started last first.
	Jobs(ctx context.Context) ([]JobInfo, error)
}

// Entries keeps what happened to each value. Entries with the same job, kind,
// record, field, token and replaced token are one.
type Entries interface {
	// Intend notes, all or none, what is about to be written, as Intended. What
	// was Done or Skipped before is Intended again.
	Intend(ctx context.Context, job string, entries []Entry) error
	// Settle notes, all or none, what became of values, adding entries that
	// were never intended. Where one is Done, what was Skipped of the same
	// value is forgotten.
	Settle(ctx context.Context, job string, entries []Entry) error
	// Lookup returns the entries of some records of a kind, at most MaxLookup,
	// in the order in which they were first noted.
	Lookup(ctx context.Context, job, kind string, records []string) ([]Entry, error)
	// Skipped returns up to limit entries that are Skipped after the first
	// skip ones, in the order in which they were first noted.
	Skipped(ctx context.Context, job string, skip, limit int) ([]Entry, error)
	// Tally counts the entries of a job.
	Tally(ctx context.Context, job string) (Tally, error)
}

// MaxLookup bounds the records of one Lookup or See: more than the page of any
// system, and what a statement of SQLite takes.
const MaxLookup = 1000

// Sightings tells which records a pass has met (attack 25). A pass has a name
// that is used once.
type Sightings interface {
	// See notes that a pass met records of a kind, at most MaxLookup, and
	// returns those that it had met before, or that are repeated in records.
	See(ctx context.Context, pass, kind string, records []string) (again []string, err error)
	// Unseen returns up to limit records of which the job has entries that are
	// Done and which the pass has not met, in ascending order by kind and id,
	// without what this order has up to after.
	Unseen(ctx context.Context, pass, job string, after RecordID, limit int) ([]RecordID, error)
	// EndPass forgets a pass.
	EndPass(ctx context.Context, pass string) error
}

// RecordID names a record in its place.
type RecordID struct{ Kind, ID string }

// Entry is what a journal holds of one value.
type Entry struct {
	Kind   string
	Record string
	Field  string // definition id of the original
	// Token is what is, or was to be, written; "" where a value goes back.
	Token string
	// Replaced is the token that it takes the place of, "" if there was none.
	Replaced string
	State    EntryState
	Reason   Reason // why it was skipped
}

// EntryState says how far a value has come. Its numbers rest in journals.
type EntryState uint8

// The states of an entry.
const (
	Intended EntryState = 1
	Done     EntryState = 2
	Skipped  EntryState = 3
)

// Tally counts a job's entries by state.
type Tally struct{ Intended, Done, Skipped int64 }

// Direction is what a job does. Its text rests in journals and leases.
type Direction string

// The directions.
const (
	Enable  Direction = "enable"
	Disable Direction = "disable"
	Undo    Direction = "undo"
	Rekey   Direction = "rekey"
	// UndoRekey puts back the tokens that Rekey replaced.
	UndoRekey Direction = "undo-rekey"
)

// Opens tells whether a job of this direction brings values back in clear.
func (d Direction) Opens() bool { return d == Disable || d == Undo }

// writesTokens tells whether a job of this direction writes tokens, so that
// what its journal knows has to be there.
func (d Direction) writesTokens() bool { return d == Enable || d == Rekey || d == UndoRekey }

// JobState is how far a job has come.
type JobState string

// The states of a job.
const (
	Running  JobState = "running" // or ended without a word: it can be resumed
	Stopped  JobState = "stopped" // by an error or a person: it can be resumed
	Finished JobState = "finished"
)

// JobInfo is what a journal knows of a job.
type JobInfo struct {
	ID           string
	Organization officer.OrganizationID
	Place        connector.Place
	Direction    Direction
	Fields       []JobField
	State        JobState
	Exported     bool // the export was complete
	Started      time.Time
	Updated      time.Time
	Counts       Counts // of the last run
}

// JobField is a field of a job.
type JobField struct {
	Resource officer.ResourceID
	Field    string // definition id of the original
	Twin     string // definition id, or ""
	Name     string // the definition's, as it was when the job started
}

// Targets are the fields of the job, for a Config that goes on with it.
func (j JobInfo) Targets() []Target {
	list := make([]Target, 0, len(j.Fields))
	for _, f := range j.Fields {
		list = append(list, Target{Field: f.Field, Label: f.Name})
	}
	return list
}
