package bulk

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
)

// The errors of jobs, wrapped with detail, never with a value. Those of the
// connector, of the workspace and of the journal come through.
var (
	// ErrTarget: the field cannot be worked on.
	ErrTarget = errors.New("cannot be worked on")
	// ErrBusy: another job is at work on this account.
	ErrBusy = errors.New("another job is at work on this account")
	// ErrLease: a lease was lost while working.
	ErrLease = errors.New("somebody else has taken over")
	// ErrKeyChanged: a field was ended or taken away from the caller meanwhile.
	ErrKeyChanged = errors.New("the field can no longer be written")
	// ErrLength: nobody knows whether the outside system keeps the tokens.
	ErrLength = errors.New("it is not known whether tokens of this length are kept")
	// ErrAltered: the outside system altered what was written. The field was
	// stopped and its value put back.
	ErrAltered = errors.New("the outside system altered what was written")
	// ErrNotPutBack: and what stood there could not be put back. The journal
	// has the token that opens to it.
	ErrNotPutBack = errors.New("what stood there could not be put back; the journal holds it as a token")
	// ErrExport: the export does not hold what it should.
	ErrExport = errors.New("the export is not complete")
	// ErrLeft: something was left that the report lists.
	ErrLeft = errors.New("some values were left as they are")
	// ErrNotVerified: verify found what should not be.
	ErrNotVerified = errors.New("not everything is as it should be")
)

// ClosedError says that nobody may write under the present epoch of a field, and
// that the caller is not one of those who may open the next. It is
// officer.ErrClosed.
type ClosedError struct {
	Field officer.ResourceID
	Err   error // says which, in words
}

func (e *ClosedError) Error() string { return e.Err.Error() }

// Unwrap makes errors.Is(err, officer.ErrClosed) hold.
func (e *ClosedError) Unwrap() error { return e.Err }

// Workspace is what bulk work needs of an open organization.
// *workspace.Workspace is one. It is called by one goroutine at a time.
type Workspace interface {
	Organization() officer.OrganizationID
	Sync(ctx context.Context) error
	Freshness() workspace.Freshness
	Store() store.Store
	Ring(ctx context.Context) (*fieldcrypt.Ring, *workspace.KeyOwners, error)
	FieldsAt(ctx context.Context, connector, account string) []workspace.FieldInfo
	NewFieldAt(ctx context.Context, label string, at officer.Binding, to []string) (workspace.FieldInfo, error)
	WriteKeyOf(ctx context.Context, field officer.ResourceID) (*fieldcrypt.Key, error)
	EndField(ctx context.Context, field officer.ResourceID) error
}

// Config is what a job is made of.
type Config struct {
	Workspace Workspace
	Records   connector.Records
	Journal   Journal
	// Clock waits and dates; nil is the machine's.
	Clock connector.Clock
	// Targets are the fields to work on; none means all that are protected at
	// the place. Apply then repairs: it seals what is found in clear.
	Targets []Target
	// Export is called by Apply before the first change. It makes a file that
	// nobody sees, calls write with it, and gives it its name when write has
	// returned nil and the file is synced. nil exports nothing.
	Export func(write func(io.Writer) error) error
	// Keeps are the characters that fields of a type keep, where the caller
	// knows it and the outside system may not be asked.
	Keeps map[connector.FieldType]int
	// Unticked says what counts where a checkbox says false beside a token of
	// another value: people untick it, and forms say so of themselves. Verify
	// lists such values whatever it is.
	Unticked Counting
	// Process names this process in leases, "" for a name of its own. Whoever
	// knows that an earlier process has ended takes its name, and with it what
	// it held, instead of waiting until that expires.
	Process string
	// Events, where set, is told what happens, by one goroutine at a time.
	Events func(Event)
}

// Counting says which of two values counts.
type Counting string

// What can count. The zero value leaves both and lists them.
const (
	CountsEntered Counting = "entered" // the one in clear; the journal keeps the token
	CountsSealed  Counting = "sealed"  // the token's
)

// Target is a field to work on.
type Target struct {
	Field string // definition id
	// Label is the name that the field has for members, "" to take the
	// definition's. It matters only where the field is not protected yet.
	Label string
	// To are the emails of members who may read and write the field from the
	// beginning, besides the caller.
	To []string
	// Twin asks for a twin although the field holds text, because tokens are
	// too long for it.
	Twin bool
}

// Job is work on some fields of one account. It is for one goroutine.
type Job struct {
	c       Config
	clock   connector.Clock
	caps    connector.Capabilities
	place   connector.Place
	process string                 // names this process in leases and passes
	defs    []connector.Definition // as they were read last
	fields  []*field
	keys    keys
	head    officer.Head // that keys are of
	taken   officer.Head // that the keys to write with are of

	run *run // of the present call
}

// field is one target with all that is known of it.
type field struct {
	target  Target
	def     connector.Definition
	gone    bool // the outside system does not show the definition any more
	twin    *connector.Definition
	twinned bool // its tokens rest in a twin, which may not exist yet
	// resource is zero until the field is signed.
	resource officer.ResourceID
	label    string // in the log, "" while there is none
	ended    bool
	closed   bool             // nobody may write under the present epoch
	epoch    uint64           // the present one
	keyID    fieldcrypt.KeyID // its key's
	// ever are all fields of the log that this definition ever had.
	ever map[officer.ResourceID]bool
	// past are those that have ended.
	past  map[officer.ResourceID]bool
	key   *fieldcrypt.Key // present key, where the caller may write
	stop  error           // why it is worked on no further
	keeps int             // characters that the holder keeps, 0 unbounded
}

// holder is the definition in which tokens rest.
func (f *field) holder() connector.Definition {
	if f.twin != nil {
		return *f.twin
	}
	return f.def
}

// ids are the definitions to read.
func (f *field) ids() []string {
	if f.twin != nil {
		return []string{f.def.ID, f.twin.ID}
	}
	return []string{f.def.ID}
}

func (f *field) String() string { return fmt.Sprintf("field %.80q", f.def.Name) }

// NewJob reads the log and the definitions and finds the fields. It changes
// nothing.
func NewJob(ctx context.Context, c Config) (*Job, error) {
	j := &Job{c: c, clock: c.Clock, caps: c.Records.Capabilities()}
	if j.clock == nil {
		j.clock = connector.SystemClock{}
	}
	if j.process = c.Process; j.process == "" {
		var id [8]byte
		_, _ = rand.Read(id[:]) // never fails
		j.process = hex.EncodeToString(id[:])
	}
	var err error
	if j.place, err = c.Records.Place(ctx); err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	if err := j.reread(ctx); err != nil {
		return nil, err
	}
	return j, nil
}

// Place is the account that the job works on.
func (j *Job) Place() connector.Place { return j.place }

// Names are the names that the fields have for members. What the outside system
// calls them, it may change at any time; it counts where the log has no name.
func (j *Job) Names() []string {
	list := make([]string, 0, len(j.fields))
	for _, f := range j.fields {
		if f.label != "" {
			list = append(list, f.label)
		} else {
			list = append(list, f.def.Name)
		}
	}
	return list
}

// ID is the job's id for a direction, "" while a field is not signed yet.
func (j *Job) ID(d Direction) string {
	ids := make([][]byte, 0, len(j.fields))
	for _, f := range j.fields {
		if f.resource == (officer.ResourceID{}) {
			return ""
		}
		ids = append(ids, f.resource[:])
	}
	slices.SortFunc(ids, slices.Compare)
	org := j.c.Workspace.Organization()
	name, err := wire.Marshal([]any{org[:], j.place.Connector, j.place.Account, string(d), ids})
	if err != nil {
		return ""
	}
	sum := wire.Sum(wire.LabelBulkJob, name)
	return hex.EncodeToString(sum[:8])
}

// reread reads the log, and finds what belongs to the fields anew.
func (j *Job) reread(ctx context.Context) error {
	if err := j.sync(ctx); err != nil {
		return err
	}
	return j.resolve(ctx)
}

// sync reads the log and, where it has grown, takes the keys anew.
func (j *Job) sync(ctx context.Context) error {
	if err := j.c.Workspace.Sync(ctx); err != nil {
		return err
	}
	head := j.c.Workspace.Freshness().Head
	if head == j.head && j.keys.ring != nil {
		return nil
	}
	ring, owners, err := j.c.Workspace.Ring(ctx)
	if err != nil {
		return err
	}
	j.keys, j.head = keys{ring, owners}, head
	for _, s := range j.c.Workspace.FieldsAt(ctx, j.place.Connector, j.place.Account) {
		for _, f := range j.fields {
			if f.resource == s.ID {
				f.epoch, f.ended, f.closed = s.Epoch().Number, s.Ended, s.Epoch().Closed
			}
		}
	}
	return nil
}

// separator stands between the original and the twin in a binding's id.
const separator = ">"

// define reads the definitions.
func (j *Job) define(ctx context.Context) (err error) {
	if j.defs, err = j.c.Records.Definitions(ctx); err != nil {
		return fmt.Errorf("definitions: %w", err)
	}
	return nil
}

// resolve finds definitions and the fields of the log that belong to them.
func (j *Job) resolve(ctx context.Context) error {
	if err := j.define(ctx); err != nil {
		return err
	}
	byID := make(map[string]connector.Definition, len(j.defs))
	for _, d := range j.defs {
		byID[d.ID] = d
	}
	signed := j.c.Workspace.FieldsAt(ctx, j.place.Connector, j.place.Account)
	targets := j.c.Targets
	if len(targets) == 0 {
		targets = protectedTargets(signed)
	}
	j.fields = nil
	seen := map[string]bool{}
	for _, t := range targets {
		if seen[t.Field] {
			return fmt.Errorf("field %.80q is named twice: %w", t.Field, ErrTarget)
		}
		seen[t.Field] = true
		f, err := j.find(t, byID, signed)
		if err != nil {
			return err
		}
		j.fields = append(j.fields, f)
	}
	return nil
}

// protectedTargets are the originals of all fields that have not ended.
func protectedTargets(signed []workspace.FieldInfo) []Target {
	var list []Target
	for _, s := range signed {
		original, _, _ := strings.Cut(s.Binding.ID, separator)
		if !s.Ended && !slices.ContainsFunc(list, func(t Target) bool { return t.Field == original }) {
			list = append(list, Target{Field: original, Label: s.LabelText})
		}
	}
	return list
}

func (j *Job) find(t Target, byID map[string]connector.Definition, signed []workspace.FieldInfo) (*field, error) {
	f := &field{target: t, ever: map[officer.ResourceID]bool{}, past: map[officer.ResourceID]bool{}}
	var bound *workspace.FieldInfo
	for _, s := range signed {
		original, _, _ := strings.Cut(s.Binding.ID, separator)
		if original != t.Field {
			continue
		}
		f.ever[s.ID] = true
		if s.Ended {
			f.past[s.ID] = true
		}
		// The first that has not ended counts; where all have, the last.
		if bound == nil || bound.Ended {
			bound = &s
		}
	}
	def, ok := byID[t.Field]
	switch {
	case (!ok || def.Deleted) && bound == nil:
		return nil, fmt.Errorf("field %.80q: %w", t.Field, connector.ErrNotFound)
	case !ok || def.Deleted:
		f.gone = true
		f.stop = connector.ErrNotFound
		if !ok {
			def = connector.Definition{ID: t.Field, Name: t.Field, Kind: bound.Binding.Kind, Deleted: true}
		}
	case strings.Contains(def.ID, separator) || def.ID == "":
		return nil, fmt.Errorf("field %.80q: its id %.80q: %w", def.Name, def.ID, ErrTarget)
	case !slices.Contains(j.caps.Kinds, def.Kind):
		return nil, fmt.Errorf("field %.80q of a %.40q: %w", def.Name, def.Kind, ErrTarget)
	}
	f.def = def
	f.twinned = !def.Type.HoldsToken() || t.Twin
	if bound == nil {
		return f, nil
	}
	if bound.Binding.Kind != def.Kind {
		return nil, fmt.Errorf("%s is of another kind of record than the log says: %w", f, ErrTarget)
	}
	f.resource, f.label, f.ended, f.epoch = bound.ID, bound.LabelText, bound.Ended, bound.Epoch().Number
	f.closed = bound.Epoch().Closed
	commitment := bound.Epoch().Commitment
	f.keyID = fieldcrypt.KeyID(commitment[:fieldcrypt.KeyIDSize])
	_, twin, twinned := strings.Cut(bound.Binding.ID, separator)
	d, there := byID[twin]
	there = there && !d.Deleted && d.Kind == def.Kind
	switch {
	case twinned && there:
		f.twinned, f.twin = true, &d
	case f.ended:
		// It begins anew, in whatever way it needs now.
	case twinned:
		f.twinned, f.gone = true, true
		f.stop = fmt.Errorf("the field that holds its tokens: %w", connector.ErrNotFound)
	default:
		f.twinned = false
	}
	return f, nil
}

// kinds are the kinds of record that the fields are of, in working order.
func (j *Job) kinds() []string {
	var list []string
	for _, k := range j.caps.Kinds {
		if slices.ContainsFunc(j.fields, func(f *field) bool { return f.def.Kind == k }) {
			list = append(list, k)
		}
	}
	return list
}

// of are the fields of a kind that are worked on, and the definitions to read.
func (j *Job) of(kind string) (fields []*field, ids []string) {
	for _, f := range j.fields {
		if f.def.Kind == kind && f.stop == nil {
			fields = append(fields, f)
			ids = append(ids, f.ids()...)
		}
	}
	return fields, ids
}

func (j *Job) now() time.Time { return j.clock.Now() }
