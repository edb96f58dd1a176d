package main

import (
	"strings"
	"testing"

	"github.com/underseal/underseal/workspace"
)

// Where nobody shares a field, an officer gives share alone, and that is said.
func TestGrantOfAnOrphanedField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.joins("dora", "Dora Officer", "officer")
	w.run("alice", "field", "grant", "phone", "--to", emailOf("bob"), "--rights", "read")
	w.run("dora", "field", "revoke", "phone", "--from", emailOf("alice"))
	r := w.run("dora", "field", "grant", "phone", "--to", emailOf("bob"), "--rights", "share")
	if !strings.Contains(r.stderr, emailOf("bob")+" may read and share field phone") || !strings.Contains(r.stderr, "beside what they had") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	r = w.run("alice", "field", "grant", "birthday", "--to", emailOf("bob"), "--rights", "read")
	if !strings.Contains(r.stderr, " may read field birthday") || strings.Contains(r.stderr, "beside") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

// What org status says of a field that a group alone reads, and nobody shares,
// opens it again when it is typed.
func TestOrphanedFieldOfAGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.joins("dora", "Dora Officer", "officer")
	w.run("alice", "field", "new", "fax")
	w.run("alice", "group", "new", "team", "--member", emailOf("bob"))
	w.run("alice", "field", "grant", "fax", "--to-group", "team")
	w.run("dora", "member", "remove", emailOf("alice"), "--lose", "--yes")
	for _, args := range [][]string{{"group", "add", "team", emailOf("bob"), "--manages"}, {"field", "grant", "fax", "--to-group", "team", "--rights", "share"}} {
		if s := w.run("dora", "org", "status").stdout; !strings.Contains(s, "underseal "+strings.Join(args, " ")) {
			t.Fatalf("%v is not said:\n%s", args, s)
		}
		w.run("dora", args...)
		w.run("bob", "org", "catch-up")
	}
	if s := w.run("dora", "org", "status").stdout; strings.Contains(s, "field fax") || strings.Contains(s, "group team") {
		t.Error(s)
	}
	w.run("bob", "field", "rotate", "fax")
}

// Whoever waits for nothing any more is told so by status.
func TestStatusOfAnInvitationThatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.person("nora", "Nora New", emailOf("nora"))
	r := w.run("alice", "invite", "create", "--role", "member")
	w.write("line", r.stdout)
	w.run("nora", "invite", "accept", "--from", "@line", "--confirm-officer", emailOf("alice"))
	if s := w.run("nora", "status").stdout; !strings.Contains(s, pendingConfirm) {
		t.Errorf("%s", s)
	}
	_, id, _ := strings.Cut(r.stderr, "invitation ")
	w.run("alice", "invite", "withdraw", id[:shortID])
	if s := w.run("nora", "status").stdout; !strings.Contains(s, "nobody will confirm your invitation, it is withdrawn") {
		t.Errorf("%s", s)
	}
}

// A plan that would be refused says so where it is only looked at.
func TestDryRunOfWhatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.joins("dora", "Dora Officer", "officer")
	w.run("alice", "field", "new", "fax")
	if s := w.run("dora", "member", "remove", emailOf("alice"), "--dry-run").stderr; !strings.Contains(s, "it would be refused: "+workspace.ErrLoss.Error()) {
		t.Errorf("%s", s)
	}
	if s := w.run("dora", "member", "remove", emailOf("alice"), "--dry-run", "--lose").stderr; strings.Contains(s, "refused") {
		t.Errorf("%s", s)
	}
}

// Altered notes at home are told of until their copy is deleted.
func TestStatusOfAlteredNotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	home := homeDir(w.path("alice"))
	if _, err := home.Load(identityFile); err != nil {
		t.Fatal(err)
	}
	if err := home.Save("handed.cbor", []byte("altered")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s := w.run("alice", "status").stdout; !strings.Contains(s, pendingAltered) {
			t.Errorf("%s", s)
		}
	}
	w.run("alice", "field", "new", "fax")
	if err := home.Save("handed.altered", nil); err != nil {
		t.Fatal(err)
	}
	if s := w.run("alice", "status").stdout; strings.Contains(s, pendingAltered) {
		t.Errorf("%s", s)
	}
}
