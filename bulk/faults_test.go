package bulk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/journaltest"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/store/storetest"
)

// faults is what fails in one run.
type faults struct {
	connector []connectortest.Fault
	journal   []journaltest.Fault
	store     []storetest.Fault
}

// drill is a system with a text field and a required number, before and after
// something was done to it.
type drill struct {
	*site
	fields []string
	before []string
}

func newDrill(t testing.TB) *drill {
	t.Helper()
	d := &drill{site: newSite(t, 5)}
	fee := d.system.AddField(connector.Definition{Name: "Settlement", Kind: "matter", Type: connector.Currency, Required: true, Sets: []connector.Set{{ID: "s"}}})
	for _, i := range []int{1, 3, 4} {
		d.system.Put("matter", d.matters[i], fee.ID, fmt.Sprintf("%d000.50", i))
	}
	d.fields = []string{d.ssn.ID, fee.ID}
	d.before = d.system.Dump()
	return d
}

// client is one process, which fails by plan.
type client struct {
	bulk.Config
	connector *connectortest.Faulty
	journal   *journaltest.Faulty
	store     *storetest.Faulty
}

func (d *drill) client(f faults) (*client, error) {
	c := &client{
		connector: connectortest.NewFaulty(d.system, f.connector...),
		journal:   journaltest.NewFaulty(d.journal, f.journal...),
		store:     storetest.NewFaulty(d.Store, f.store...),
	}
	w, err := d.TryOpen("alice", c.store)
	if err != nil {
		return c, err
	}
	c.Config = d.config(w, d.fields...)
	c.Records, c.Journal = c.connector, c.journal
	return c, nil
}

// call is what a drill exercises.
type call struct {
	name string
	// ready brings a fresh system to where do starts; done is whether the
	// system is as it should be after do has succeeded.
	ready func(t *testing.T, d *drill)
	do    func(ctx context.Context, c bulk.Config) error
	done  func(t *testing.T, d *drill)
}

func enable(ctx context.Context, c bulk.Config) error {
	c.Export = func(write func(io.Writer) error) error { return write(&bytes.Buffer{}) }
	_, err := apply(ctx, c)
	return err
}

// errorOf is a call of which the error alone is looked at.
func errorOf(call func(context.Context, bulk.Config) (bulk.Report, error)) func(context.Context, bulk.Config) error {
	return func(ctx context.Context, c bulk.Config) error {
		_, err := call(ctx, c)
		return err
	}
}

func enabled(t *testing.T, d *drill) {
	c, err := d.client(faults{})
	must(t, err)
	must(t, enable(t.Context(), c.Config))
}

// sealedOnce: every value is sealed, once, and opens to what it was.
func sealedOnce(t *testing.T, d *drill) {
	c, err := d.client(faults{})
	must(t, err)
	r, err := verify(t.Context(), c.Config)
	if err != nil || len(r.Findings) != 0 || r.Sum(func(f bulk.FieldCounts) int64 { return f.Of(bulk.Sealed) }) != 5 {
		t.Errorf("verify: %v %+v", err, r)
	}
	if n := len(d.system.Fields()); n != 4 {
		t.Errorf("%d fields: a twin too many or too few", n)
	}
	if d.system.Holds("078-05") || d.system.Holds("000.50") {
		t.Error("a value is left in clear")
	}
	must(t, errorOf(disable)(t.Context(), c.Config))
	asBefore(t, d)
}

func asBefore(t *testing.T, d *drill) {
	if after := d.system.Dump(); !slices.Equal(after, d.before) {
		t.Errorf("not what it was:\n%s\n\n%s", strings.Join(d.before, "\n"), strings.Join(after, "\n"))
	}
}

var calls = []call{
	{"enable", func(*testing.T, *drill) {}, enable, sealedOnce},
	{"disable", enabled, errorOf(disable), asBefore},
	{"undo", enabled, errorOf(undo), asBefore},
	{"rekey", rotated, func(ctx context.Context, c bulk.Config) error {
		c.Export = func(write func(io.Writer) error) error { return write(&bytes.Buffer{}) }
		_, err := rekey(ctx, c)
		return err
	}, rekeyed},
	{"undo-rekey", func(t *testing.T, d *drill) {
		rotated(t, d)
		c, err := d.client(faults{})
		must(t, err)
		_, err = rekey(t.Context(), c.Config)
		must(t, err)
	}, func(ctx context.Context, c bulk.Config) error {
		_, err := undoRekey(ctx, c)
		return err
	}, func(t *testing.T, d *drill) { sealedUnder(t, d, "1:2", "1:3") }},
}

func rotated(t *testing.T, d *drill) {
	enabled(t, d)
	rotate(t, d.Open("alice"))
}

func rekeyed(t *testing.T, d *drill) { sealedUnder(t, d, "2:2", "2:3") }

// sealedUnder: every value is sealed, once, under these epochs.
func sealedUnder(t *testing.T, d *drill, want ...string) {
	c, err := d.client(faults{})
	must(t, err)
	r, err := verify(t.Context(), c.Config)
	if err != nil || len(r.Findings) != 0 {
		t.Errorf("verify: %v %+v", err, r)
	}
	for i, f := range r.Fields {
		if got := epochs(f); got != want[i] {
			t.Errorf("%s: %s, want %s", f.Name, got, want[i])
		}
	}
	// A person's edit, later, is not taken for a lost write.
	at := d.matters[3]
	d.system.Put("matter", at, d.ssn.ID, `"edited later"`)
	must(t, enable(t.Context(), c.Config))
	if r, err := verify(t.Context(), c.Config); err != nil || len(r.Findings) != 0 {
		t.Errorf("verify: %v %+v", err, r)
	}
	must(t, errorOf(disable)(t.Context(), c.Config))
	d.system.Put("matter", at, d.ssn.ID, secret(3))
	asBefore(t, d)
}

// TestAttack51EveryFault fails every numbered call of the connector, of the
// journal and of the store, in every way, alone and with everything after it,
// as when the program is killed. Whatever happened, the same call without
// faults brings it to the end, nothing lost and nothing doubled.
func TestAttack51EveryFault(t *testing.T) {
	t.Parallel()
	for _, x := range calls {
		d := newDrill(t)
		x.ready(t, d)
		c, err := d.client(faults{})
		must(t, err)
		must(t, x.do(t.Context(), c.Config))
		x.done(t, d)
		var table []faults
		for _, f := range connectortest.Faults(c.connector.Calls()) {
			table = append(table, faults{connector: []connectortest.Fault{f}})
		}
		for _, f := range journaltest.Faults(c.journal.Calls()) {
			table = append(table, faults{journal: []journaltest.Fault{f}})
		}
		for _, f := range storetest.Faults(c.store.Calls()) {
			table = append(table, faults{store: []storetest.Fault{f}})
		}
		t.Logf("%s: %d faults", x.name, len(table))
		for _, f := range table {
			t.Run(x.name+"/"+f.String(), func(t *testing.T) {
				t.Parallel()
				x.fail(t, f)
			})
		}
	}
}

func (f faults) String() string {
	return strings.Trim(fmt.Sprint(f.connector, f.journal, f.store), "[] ")
}

func (x call) fail(t *testing.T, f faults) {
	d := newDrill(t)
	x.ready(t, d)
	c, err := d.client(f)
	if err == nil {
		err = x.do(t.Context(), c.Config)
	}
	if !c.connector.Fired() || !c.journal.Fired() || !c.store.Fired() {
		t.Fatalf("%s never happened", f)
	}
	dead := len(f.connector) > 0 && f.connector[0].Dead || len(f.journal) > 0 && f.journal[0].Dead || len(f.store) > 0 && f.store[0].Dead
	if err != nil && errors.Is(err, bulk.ErrNotPutBack) && !dead {
		t.Errorf("%v", err)
	}
	for range 2 { // the second call finds nothing to do
		c, err := d.client(faults{})
		must(t, err)
		if err := x.do(t.Context(), c.Config); err != nil && (x.name != "disable" && x.name != "undo" || !errors.Is(err, bulk.ErrTarget)) {
			t.Fatalf("again: %v", err)
		}
	}
	x.done(t, d)
}
