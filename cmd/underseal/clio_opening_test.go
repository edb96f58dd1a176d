package main

import (
	"strings"
	"testing"
)

// What an undo left is opened, not sealed again together with what it opened.
func TestUndoLeftSome(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	_, job := streamed[docReport](t, w.run("alice", "clio", "enable", "SSN", "--yes", "--json").stdout)
	ssns := w.values("SSN")
	if len(ssns) < 2 {
		t.Fatal("too few")
	}
	w.edit(ssns[0], "900-11-2222")
	w.run("alice", "clio", "enable", "SSN", "Court", "--yes") // another job has that value
	if r := w.try("alice", "job", "undo", job.Job, "--yes"); r.code != classLeft.code {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	for _, c := range []struct{ command, want string }{
		{"fields", "next: underseal clio disable SSN\n"},
		{"status", "next: underseal clio fields\n"},
		{"verify", "hint: underseal clio fields says what to do about what is in clear"},
	} {
		if r := w.try("alice", "clio", c.command); !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr, "next: underseal clio enable") || strings.Contains(r.stderr, "--repair seals") {
			t.Errorf("%s: exit %d\n%s", c.command, r.code, r.stderr)
		}
	}
	// What was not opened on purpose comes first, by its name.
	w.run("alice", "clio", "enable", "Minor's name", "--yes")
	w.edit(w.values("Minor's name")[0], "Max")
	if r := w.run("alice", "clio", "fields"); !strings.Contains(r.stderr, "next: underseal clio enable 'Minor'\\''s name' --repair\n") {
		t.Error(r.stderr)
	}
	w.run("alice", "clio", "disable", "SSN", "Minor's name", "--yes")
	for _, v := range w.values("SSN") {
		if strings.Contains(string(v.JSON), "us1.") {
			t.Errorf("left: %s", v.JSON)
		}
	}
	// Sealed again, and in clear by somebody's hand: that is to be repaired.
	w.run("alice", "clio", "enable", "SSN", "--yes")
	w.edit(ssns[0], "900-11-3333")
	if r := w.run("alice", "clio", "fields"); !strings.Contains(r.stderr, "next: underseal clio enable SSN --repair\n") {
		t.Error(r.stderr)
	}
	if r := w.run("alice", "clio", "status"); !strings.Contains(r.stderr, "next: underseal clio enable --repair\n") {
		t.Error(r.stderr)
	}
}
