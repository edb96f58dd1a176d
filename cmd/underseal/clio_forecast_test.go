package main

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/cliosim"
)

// Clio lets no program put a field into a set: who enables one is told before
// and after, and until somebody has done it.
func TestPutIntoSets(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	const put = "put Hearing date (sealed) into the set Family law"
	plan := jsonOf[docPlan](w.world, "alice", "clio", "enable", "Hearing date", "Annual income", "--dry-run")
	if !reflect.DeepEqual([][]string{plan.Fields[0].Sets, plan.Fields[1].Sets}, [][]string{{"Family law"}, {}}) {
		t.Errorf("%+v", plan.Fields)
	}
	r := w.run("alice", "clio", "enable", "Hearing date", "Annual income", "Minor's name", "Court", "--yes")
	for _, text := range []string{
		"New fields hold the tokens of: Hearing date, Annual income, Court\n", "Required is from then on the new field instead: Court\n",
		"Hearing date: set Family law\n", "to do by hand", "  " + put + "\n",
	} {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("%q is not in\n%s", text, r.stderr)
		}
	}
	for line := range strings.Lines(r.stderr) {
		if len([]rune(line)) > 101 && !strings.Contains(line, w.dir) {
			t.Errorf("%d characters: %s", len([]rune(line)), line)
		}
	}
	s := jsonOf[docClioStatus](w.world, "alice", "clio", "status")
	if !slices.Equal(s.ByHand, []docLooseTwin{{"Hearing date (sealed)", "Family law"}}) {
		t.Errorf("%+v", s.ByHand)
	}
	if out := w.run("alice", "clio", "status").stdout; !strings.Contains(out, "by hand    "+put+"\n") {
		t.Error(out)
	}

	// The original is where it was, and what a person does is seen.
	twin := twinOf(t, w, "Hearing date")
	if err := w.sim.SetMembers(t.Context(), 600002, w.fields["Minor's name"], w.fields["Hearing date"], w.fields["Hearing time"], twin); err != nil {
		t.Fatal(err)
	}
	if s = jsonOf[docClioStatus](w.world, "alice", "clio", "status"); len(s.ByHand) != 0 || len(s.News) != 0 {
		t.Errorf("%+v", s)
	}
}

// twinOf is the id of the field that holds the tokens of another.
func twinOf(t *testing.T, w *clioWorld, field string) int64 {
	t.Helper()
	f := jsonOf[docClioFields](w.world, "alice", "clio", "fields", "--no-counts")
	twin := f.field(t, field).Twin
	for id := int64(500000); id < 500100; id++ {
		if itoa(id) == twin {
			return id
		}
	}
	t.Fatalf("%s has no twin", field)
	return 0
}

// What is in a protected field and is no token of it is shown, and so is what
// cannot be sealed before anybody is asked.
func TestNeitherClearNorSealed(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	ssns := w.values("SSN")
	w.edit(ssns[0], "us1.typed by somebody")
	r := w.run("alice", "clio", "enable", "SSN", "--dry-run")
	line := "contact " + itoa(ssns[0].Record) + ", SSN: text that begins like a token and is none\n"
	if !strings.Contains(r.stderr, "These cannot be sealed and would be left as they are:\n  "+line) {
		t.Error(r.stderr)
	}
	if r = w.try("alice", "clio", "enable", "SSN", "--yes"); r.code != classLeft.code || !strings.Contains(r.stdout, line) {
		t.Errorf("exit %d\n%s", r.code, r.stdout)
	}
	s := jsonOf[docClioStatus](w.world, "alice", "clio", "status")
	if !slices.Equal(s.Other, []docClear{{"SSN", 1}}) || len(s.Clear) != 0 {
		t.Errorf("%+v", s)
	}
	if f := jsonOf[docClioFields](w.world, "alice", "clio", "fields"); f.field(t, "SSN").State != "partly" {
		t.Errorf("%+v", f.field(t, "SSN"))
	}
}

// Whoever wants the sealed copy in a place that cannot be had is told before
// anything is changed.
func TestExportNowhere(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	w.write("there.jsonl", "")
	before := w.dump()
	for _, c := range []struct{ name, text string }{
		{"-", "--export names a file"},
		{"@there.jsonl", "choose another --export"},
		{"@nowhere/copy.jsonl", "in a folder that is there"},
		{"@there.jsonl/copy.jsonl", "in a folder that is there"},
	} {
		w.fails(classStorage, "alice", []string{"clio", "enable", "SSN", "--yes", "--export", c.name}, c.text)
	}
	if s := jsonOf[docClioStatus](w.world, "alice", "clio", "status"); s.Protected != 0 || w.dump() != before {
		t.Errorf("something was changed: %+v", s)
	}
}

// A field whose opening came to no end, on a device that has forgotten the job,
// is opened by whoever types the same again.
func TestDisableWhatIsHalfOpen(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	before := w.dump()
	w.run("alice", "clio", "enable", "SSN", "Court", "--yes")
	if err := w.sim.SetFaults([]cliosim.Fault{{Method: "PATCH", Route: "/api/v4/contacts/*", From: 1, To: -1, Do: cliosim.DoStatus, Status: 403}}); err != nil {
		t.Fatal(err)
	}
	if r := w.try("alice", "clio", "disable", "SSN", "Court", "--yes"); r.code != classConnection.code {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	if err := w.sim.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(w.path("alice/jobs")); err != nil {
		t.Fatal(err)
	}
	f := w.run("alice", "clio", "fields")
	if !strings.Contains(f.stderr, "next: underseal clio disable SSN\n") {
		t.Error(f.stderr)
	}
	w.run("alice", "clio", "disable", "SSN", "Court", "--yes")
	w.same(before, w.dump())
}

// What an interrupted disable left is said, and sealed again with the rest.
func TestEnableWhatIsHalfOpen(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	w.run("alice", "clio", "enable", "SSN", "--yes")
	if err := w.sim.SetFaults([]cliosim.Fault{{Method: "PATCH", Route: "/api/v4/contacts/*", From: 2, To: -1, Do: cliosim.DoStatus, Status: 403}}); err != nil {
		t.Fatal(err)
	}
	if r := w.try("alice", "clio", "disable", "SSN", "--yes"); r.code != classConnection.code {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	if err := w.sim.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	plan := jsonOf[docPlan](w.world, "alice", "clio", "enable", "SSN", "--dry-run").Fields[0]
	if plan.Again == 0 || plan.Again != plan.Sealed || plan.Clear == 0 {
		t.Fatalf("%+v", plan)
	}
	r := w.run("alice", "clio", "enable", "SSN", "--yes")
	if want := "SSN: " + count(int64(plan.Again), "value", "values") + " left of an ended field, sealed again"; !strings.Contains(r.stdout, want) ||
		!strings.Contains(r.stderr, " left of an ended field to seal again") {
		t.Errorf("%s\n%s", r.stdout, r.stderr)
	}
	if f := jsonOf[docPlan](w.world, "alice", "clio", "enable", "SSN", "--dry-run").Fields[0]; f.Again != 0 || f.Sealed != plan.Sealed+plan.Clear {
		t.Errorf("%+v", f)
	}
}
