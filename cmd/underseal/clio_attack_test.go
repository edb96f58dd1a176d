package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/sqlitejournal"
	"github.com/underseal/underseal/internal/cliosim"
)

// Whoever can write into the home folder, and has none of its keys, rewrites the
// journal: a job that sealed is said to be one that opens, and is to be gone on
// with. Nobody asked for that, so that somebody is asked.
func TestForgedJob(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	_, sealed := streamed[docReport](t, w.run("alice", "clio", "enable", "SSN", "--yes", "--json").stdout)
	_, other := streamed[docReport](t, w.run("alice", "clio", "enable", "Court", "--yes", "--json").stdout)
	before := w.dump()
	rewrite := func(id string, change func(info *bulk.JobInfo)) {
		t.Helper()
		j, err := sqlitejournal.Open(t.Context(), w.path("alice/"+jobsFolder+"/"+journalFile))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = j.Close() }()
		info, err := j.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		change(&info)
		if err := j.PutJob(t.Context(), info); err != nil {
			t.Fatal(err)
		}
	}
	forge := func(info *bulk.JobInfo) { info.Direction, info.State = bulk.Disable, bulk.Stopped }

	// Without the attack there is something to go on with.
	rewrite(sealed.Job, func(info *bulk.JobInfo) { info.State = bulk.Stopped })
	w.run("alice", "job", "resume")

	rewrite(sealed.Job, forge)
	w.fails(classUsage, "alice", []string{"job", "resume"}, "no terminal to ask on")
	w.fails(classRefused, "alice", []string{"job", "resume", "--yes"}, "the journal says something else of it than its id")

	// What it says of names and states goes to a terminal.
	rewrite(sealed.Job, func(info *bulk.JobInfo) {
		info.Fields[0].Name, info.State = "SSN\x1b[2J", "stopped\x1b[2J"
	})
	if out := w.run("alice", "job", "list").stdout; strings.Contains(out, "\x1b") {
		t.Errorf("it speaks to the terminal: %q", out)
	}

	rewrite(sealed.Job, func(info *bulk.JobInfo) { info.State = bulk.Finished })
	w.write("alice/"+reportFile(other.Job), `{"job":"`+other.Job+`","findings":[{"on":"\\u001b[2J","record":"\\u001b[2J","reason":"\\u001b[2J"}]}`)
	if out := w.run("alice", "clio", "report").stdout; strings.Contains(out, "\x1b") || !strings.Contains(out, "[2J") {
		t.Errorf("it speaks to the terminal: %q", out)
	}

	// A job that is said to have sealed other fields than it did.
	rewrite(sealed.Job, func(info *bulk.JobInfo) { info.Direction, info.State = bulk.Enable, bulk.Finished })
	var courts []bulk.JobField
	rewrite(other.Job, func(info *bulk.JobInfo) { courts = info.Fields })
	rewrite(sealed.Job, func(info *bulk.JobInfo) { info.Fields = courts })
	w.fails(classRefused, "alice", []string{"job", "undo", sealed.Job, "--yes"}, "the journal says something else of it than its id")
	w.same(before, w.dump())
}

// Whoever can rename fields in Clio calls a protected field as another is
// called, and waits until somebody opens that one.
func TestAttack23RenamedField(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	w.run("alice", "clio", "enable", "SSN", "Minor's name", "--yes")
	ssns := w.values("SSN")
	rename := func(field, to string) {
		w.person(http.MethodPatch, "/custom_fields/"+itoa(w.fields[field])+"?fields=id", map[string]any{"name": to})
	}
	rename("SSN", "Minor's name")
	rename("Minor's name", "Fee note")
	w.fails(classRefused, "alice", []string{"clio", "disable", "Fee note", "--yes"}, "it was protected as Minor's name", "underseal clio disable 'Minor'\\''s name'")
	w.run("alice", "clio", "disable", "Minor's name", "--yes")
	if is := w.values("SSN"); !slices.EqualFunc(is, ssns, func(a, b cliosim.Value) bool { return string(a.JSON) == string(b.JSON) }) {
		t.Error("the field of that name was opened, and it was another")
	}
	w.fails(classRefused, "alice", []string{"clio", "disable", "minor's name", "--yes"}, "it was protected as SSN")
	w.run("alice", "clio", "disable", "SSN", "--yes")
}
