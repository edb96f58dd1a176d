package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// yearFirm is a world with a whole firm in it, and what a person with pen and paper
// would say of who can open what: an oracle that knows nothing of keys.
type yearFirm struct {
	*world
	start    time.Time
	people   []string                        // homes, in the order in which they came
	gone     map[string]bool                 // homes of who was removed, or lost
	who      map[string]string               // whose home, where it is not a first one
	groups   map[string]map[string]bool      // group: people
	grants   map[string]map[string]bool      // field: people and "group " names
	closed   map[string]bool                 // fields that wait for a sharer
	late     map[string]int                  // field and home: from which value on its key has not reached them yet
	sealed   []sealedValue                   // everything that was ever sealed
	fields   []string                        // in the order in which they were made
	sessions map[string]*workspace.Workspace // by home, unlocked and open
	kept     map[string]*fieldcrypt.Ring     // by home: the keys that a removed one had
	had      map[string][]sealedValue        // by home: what a removed one could open, as it was then
	until    map[string]int                  // by home: how many values were sealed by then
	rows     int
	checks   int
	turn     int    // whose turn it is to open the file
	paper    string // what a kit's code says
}

// sealedValue is one token and what is known of it.
type sealedValue struct {
	field, row, token, value string
	record                   fieldcrypt.Name
}

func newFirm(t *testing.T) *yearFirm {
	t.Helper()
	f := &yearFirm{
		world: newWorld(t), start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC),
		gone: map[string]bool{}, who: map[string]string{}, groups: map[string]map[string]bool{},
		grants: map[string]map[string]bool{}, closed: map[string]bool{}, late: map[string]int{},
		sessions: map[string]*workspace.Workspace{}, kept: map[string]*fieldcrypt.Ring{}, had: map[string][]sealedValue{}, until: map[string]int{},
	}
	f.at(1, 5)
	f.write("passphrase", passphrase+"\n") // of homes whose secret rests in a file
	return f
}

// at sets the clock of the whole firm to a day of its year.
func (f *yearFirm) at(month time.Month, day int) {
	now := time.Date(2026, month, day, 9, 0, 0, 0, time.UTC)
	f.now = func() time.Time { return now }
}

// hire makes a home for somebody, who is not let in by that.
func (f *yearFirm) hire(who string) string {
	f.t.Helper()
	if who != "alice" { // who is in every world
		f.person(who, strings.ToUpper(who[:1])+who[1:]+" Example", emailOf(who))
	}
	return who
}

func (f *yearFirm) app(home string) *app {
	env := map[string]string{"UNDERSEAL_HOME": f.path(home), "XDG_RUNTIME_DIR": os.Getenv("XDG_RUNTIME_DIR")}
	return &app{stdin: os.Stdin, stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, getenv: func(k string) string { return env[k] }, now: f.now}
}

// session is a home's organization, opened once and kept open all year.
func (f *yearFirm) session(home string) *workspace.Workspace {
	f.t.Helper()
	if w := f.sessions[home]; w != nil {
		return w
	}
	w, done, err := f.app(home).open(f.ctx)
	if err != nil {
		f.t.Fatalf("%s: %v", home, err)
	}
	f.t.Cleanup(done)
	f.sessions[home] = w
	return w
}

// reads tells who the oracle says may open a field.
func (f *yearFirm) reads(home, field string) bool {
	if f.gone[home] {
		return false
	}
	person := home
	if p, ok := f.who[home]; ok {
		person = p
	}
	if f.grants[field][person] {
		return true
	}
	for name, members := range f.groups {
		if members[person] && f.grants[field]["group "+name] {
			return true
		}
	}
	return false
}

// opens tells whether the oracle says that somebody opens a value.
func (f *yearFirm) opens(home string, n int) bool {
	from, late := f.late[f.sealed[n].field+home]
	return f.reads(home, f.sealed[n].field) && (!late || n < from)
}

// seal seals one more value of every field, by the first of those who may
// write it; a closed field refuses everybody.
func (f *yearFirm) seal() {
	f.t.Helper()
	f.rows++
	row := fmt.Sprint("r", f.rows)
	record, err := fieldcrypt.Record{Connector: tabular.Connector, Kind: tabular.RecordKind, ID: row}.Name()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, field := range f.fields {
		// Alice shares every field: a closed one she would open again.
		writer := slices.IndexFunc(f.people, func(home string) bool {
			return f.reads(home, field) && (!f.closed[field] || home != "alice")
		})
		if writer < 0 {
			f.t.Fatalf("nobody writes %s", field)
		}
		w := f.session(f.people[writer])
		if err := w.Sync(f.ctx); err != nil {
			f.t.Fatal(err)
		}
		info, err := w.Field(f.ctx, field)
		if err != nil || info.Epoch().Closed != f.closed[field] {
			f.t.Errorf("%s: closed: %v, %v", field, info.Epoch().Closed, err)
		}
		key, err := w.WriteKey(f.ctx, field)
		if f.closed[field] {
			if !errors.Is(err, officer.ErrClosed) && !errors.Is(err, workspace.ErrNotGranted) {
				f.t.Errorf("%s is closed, and writing says: %v", field, err)
			}
			continue
		}
		if err != nil {
			f.t.Fatalf("%s: %v", field, err)
		}
		v := sealedValue{field: field, row: row, value: fmt.Sprintf("%s of %s", field, row), record: record}
		if v.token, err = key.Seal(record, fieldcrypt.TextValue(v.value)); err != nil {
			f.t.Fatal(err)
		}
		f.sealed = append(f.sealed, v)
	}
}

// leave notes that a home is used no more, and keeps the keys that it had, as
// a thief or an ex-member would.
func (f *yearFirm) leave(home string) {
	f.t.Helper()
	ring, _, err := f.session(home).Ring(f.ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	for n, v := range f.sealed {
		if f.opens(home, n) {
			f.had[home] = append(f.had[home], v)
		}
	}
	if len(f.had[home]) == 0 {
		f.t.Errorf("%s leaves, and never opened anything", home)
	}
	f.kept[home], f.until[home] = ring, len(f.sealed)
	f.gone[home] = true
}

// check seals, and then holds what everybody can open against the oracle.
func (f *yearFirm) check(step string) {
	f.t.Helper()
	f.seal()
	opened, refused := 0, 0
	for _, home := range f.people {
		w := f.session(home)
		if err := w.Sync(f.ctx); err != nil {
			f.t.Fatalf("%s: %s: %v", step, home, err)
		}
		var ring *fieldcrypt.Ring
		var err error
		if f.gone[home] {
			if _, _, err = w.Ring(f.ctx); !errors.Is(err, workspace.ErrRemoved) {
				f.t.Errorf("%s: %s is gone, and gets keys: %v", step, home, err)
			}
			ring = f.kept[home]
			for _, v := range f.had[home] { // what it had, nobody takes from it
				if got, _, err := ring.Open(v.token, v.record); err != nil || string(got.Data) != v.value {
					f.t.Errorf("%s: %s is gone, and a value of %s that it had does not open: %v", step, home, v.field, err)
				}
			}
		} else if ring, _, err = w.Ring(f.ctx); err != nil {
			f.t.Fatalf("%s: %s: %v", step, home, err)
		}
		for n, v := range f.sealed {
			got, _, err := ring.Open(v.token, v.record)
			may := f.opens(home, n)
			if f.gone[home] { // nothing that was sealed, or sealed again, after it
				later := n >= f.until[home] || !slices.ContainsFunc(f.had[home], func(had sealedValue) bool { return had.token == v.token })
				if later && err == nil {
					f.t.Errorf("%s: %s is gone, and opens a value of %s that was sealed later", step, home, v.field)
				}
				continue
			}
			switch {
			case may && err != nil:
				f.t.Errorf("%s: %s may read %s, and value %d does not open: %v", step, home, v.field, n, err)
			case !may && err == nil:
				f.t.Errorf("%s: %s may not read %s, and opens value %d", step, home, v.field, n)
			case may && string(got.Data) != v.value:
				f.t.Errorf("%s: %s reads value %d wrongly", step, home, n)
			case may:
				opened++
			default:
				refused++
			}
		}
	}
	if opened == 0 || f.t.Failed() {
		f.t.Fatalf("%s: %d values opened", step, opened)
	}
	f.checks += opened + refused
	f.sheets(step)
	f.t.Logf("%s  %-66s %6d open, %6d stay sealed", f.now().Format("2 Jan"), step, opened, refused)
}

// as are commands of a person, one a line; the words are separated by spaces,
// and "_" stands for a space in a word.
func (f *yearFirm) as(who string, lines ...string) (last result) {
	f.t.Helper()
	for _, line := range lines {
		args := strings.Fields(line)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		last = f.run(who, args...)
	}
	return last
}

// grant notes what a field's grants are from now on.
func (f *yearFirm) grant(field string, to ...string) {
	if f.grants[field] == nil {
		f.grants[field] = map[string]bool{}
		f.fields = append(f.fields, field)
	}
	for _, p := range to {
		f.grants[field][p] = true
	}
}

// close notes fields that wait for somebody who shares them.
func (f *yearFirm) close(fields ...string) {
	for _, field := range fields {
		f.closed[field] = true
	}
}

// opened notes that no field waits any more.
func (f *yearFirm) opened() {
	clear(f.closed)
	clear(f.late)
}

// waits notes that a group's key is closed: what its members alone are granted
// by it reaches them later.
func (f *yearFirm) waits(field, group string) {
	members := f.groups[group]
	f.groups[group] = nil
	for home := range members {
		if !f.reads(home, field) {
			f.late[field+home] = len(f.sealed)
		}
	}
	f.groups[group] = members
}

// rekeyed takes the tokens of a file for those that were sealed: what somebody
// who writes a field has sealed again of what they read.
func (f *yearFirm) rekeyed(name string) (changed int) {
	f.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(f.read(name))).ReadAll()
	if err != nil {
		f.t.Fatal(err)
	}
	tokens := map[string]string{}
	for _, row := range rows[1:] {
		for n, field := range rows[0] {
			tokens[row[0]+field] = row[n]
		}
	}
	for n, v := range f.sealed {
		token := tokens[v.row+v.field]
		if token != v.token {
			changed++
		}
		f.sealed[n].token = token
	}
	return changed
}

// fired notes that somebody is in no group any more and has no grants.
func (f *yearFirm) fired(who string) {
	for _, members := range f.groups {
		delete(members, who)
	}
	for _, to := range f.grants {
		delete(to, who)
	}
}

// arrives notes a further home of somebody.
func (f *yearFirm) arrives(home, who string) {
	f.t.Helper()
	f.who[home] = who
	f.people = append(f.people, home)
}

// device is the id of a home's device.
func (f *yearFirm) device(home string) string {
	f.t.Helper()
	var o struct{ Device string }
	f.decode(f.run(home, "identity", "show", "--json").stdout, &o)
	return o.Device[:shortID]
}

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// sheets has two people, others at each step, open a file of everything that
// was ever sealed with the command that people use.
func (f *yearFirm) sheets(step string) {
	f.t.Helper()
	sheet := func(cell func(int) string) string {
		cells := map[string]string{}
		for n, v := range f.sealed {
			cells[v.row+v.field] = cell(n)
		}
		var b strings.Builder
		b.WriteString("id," + strings.Join(f.fields, ",") + "\n")
		for row := 1; row <= f.rows; row++ {
			fmt.Fprintf(&b, "r%d", row)
			for _, field := range f.fields {
				b.WriteString("," + cells[fmt.Sprint("r", row)+field])
			}
			b.WriteString("\n")
		}
		return b.String()
	}
	f.write("year.csv", sheet(func(n int) string { return f.sealed[n].token }))
	for range 2 {
		f.turn = (f.turn + 7) % len(f.people)
		for f.gone[f.people[f.turn]] {
			f.turn = (f.turn + 1) % len(f.people)
		}
		home := f.people[f.turn]
		f.run(home, "open", "@year.csv", "--out", "@open.csv", "--record-id", "id", "--force")
		want := sheet(func(n int) string {
			if f.opens(home, n) {
				return f.sealed[n].value
			}
			return f.sealed[n].token
		})
		if f.read("open.csv") != want {
			f.t.Fatalf("%s: what %s opens of the file is not as it should be", step, home)
		}
	}
}

// requestNumber is the safety number of the one device that asks for recovery.
func (f *yearFirm) requestNumber() string {
	f.t.Helper()
	var o struct {
		Requests []struct {
			Number string `json:"safety_number"`
		}
	}
	f.decode(f.run("alice", "recovery", "list", "--json").stdout, &o)
	if len(o.Requests) != 1 {
		f.t.Fatalf("%d requests", len(o.Requests))
	}
	return o.Requests[0].Number
}
