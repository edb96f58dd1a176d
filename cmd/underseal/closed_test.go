package main

import (
	"strings"
	"testing"
)

// An officer takes a field that she does not hold from somebody: it is closed.
// Whoever may only write is told; whoever may share it opens it again, by
// name or by sealing.
func TestClosedField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.person("dora", "Dora Officer", emailOf("dora"))
	for _, p := range []struct{ who, role string }{{"dora", "officer"}, {"eve", "member"}} {
		if p.who == "dora" {
			w.run("dora", "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
		}
		w.run(p.who, "identity", "card", "--out", "@"+p.who+".card")
		w.run("alice", "member", "add", "@"+p.who+".card", "--role", p.role, "--safety-number", w.safetyNumber(p.who))
	}
	w.write("people.csv", peopleCSV(2))
	seal := []string{"seal", "@people.csv", "--out", "@sealed.csv", "--force", "--record-id", "id", "--column", "phone"}
	for _, again := range [][]string{{"field", "rotate", "phone"}, seal} {
		w.run("alice", "field", "grant", "phone", "--to", emailOf("eve"))
		w.run("bob", seal...)
		r := w.run("dora", "field", "revoke", "phone", "--from", emailOf("eve"))
		if want := "took field phone from eve@example.com; you do not hold it, so it is closed until somebody with the share right types: underseal field rotate phone"; !strings.Contains(r.stderr, want) {
			t.Errorf("%q", r.stderr)
		}
		if list := w.run("dora", "field", "list").stdout; !strings.Contains(list, "(closed)  nothing") {
			t.Errorf("%s", list)
		}
		w.fails(classDenied, "bob", seal, `underseal: field "phone": closed: nobody may write`, "hint: whoever has the share right opens it again: underseal field rotate")
		w.fails(classDenied, "dora", []string{"field", "rotate", "phone"})
		w.run("bob", "open", "@sealed.csv", "--out", "@plain.csv", "--force")
		if status := w.run("alice", "status").stdout; !strings.Contains(status, "pending       "+pendingClosed) {
			t.Errorf("%s", status)
		}
		if status := w.run("bob", "status").stdout; strings.Contains(status, pendingClosed) {
			t.Errorf("%s", status)
		}
		w.run("alice", again...)
		if status := w.run("alice", "status").stdout; strings.Contains(status, pendingClosed) {
			t.Errorf("%s", status)
		}
		w.run("bob", seal...)
		if r := w.run("eve", "open", "@sealed.csv", "--out", "@eve.csv", "--force"); !strings.Contains(r.stderr, "left 2 tokens of field phone, which is not granted to you") {
			t.Errorf("%s", r.stderr)
		}
	}
	log := w.run("alice", "log", "show").stdout
	for _, want := range []string{"closed field phone after epoch 1", "changed the key of field phone, epoch 2", "added dora@example.com as officer"} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in\n%s", want, log)
		}
	}
	w.fails(classInput, "alice", []string{"field", "rotate", "nothing"}, `field "nothing": no such name`)
}
