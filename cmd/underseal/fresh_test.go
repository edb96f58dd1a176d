package main

import (
	"strings"
	"testing"
)

// Attack 11: a copy of the store whose log ends earlier. Whoever has not seen the
// rest is told by every command that somebody has.
func TestAttack11StoreWithoutTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.run("bob", "field", "list")
	if r := w.run("bob", "org", "show"); !strings.Contains(r.stdout, "no colleague's device says that it has seen more") {
		t.Errorf("%+v", r)
	}
	w.copyTree("firm", "old")
	w.run("alice", "field", "revoke", "phone", "--from", emailOf("bob"))
	w.copyTree("firm/mailboxes", "old/mailboxes")
	w.run("bob", "org", "join", "--store", "dir:"+w.path("old"), "--fingerprint", w.known)
	const want = "alice@example.com (device "
	s := jsonOf[docStatus](w, "bob", "status")
	if !strings.Contains(strings.Join(s.Pending, "\n"), "has seen 9 entries") {
		t.Errorf("%+v", s.Pending)
	}
	if r := w.run("bob", "org", "show"); !strings.Contains(r.stdout, "fresh         no: "+want) {
		t.Errorf("%+v", r)
	}
	if r := w.run("bob", "org", "head"); !strings.Contains(r.stderr, "warning: "+want) {
		t.Errorf("%+v", r)
	}
	w.run("bob", "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
	if r := w.run("bob", "org", "show"); strings.Contains(r.stdout, "no: ") || strings.Contains(r.stderr, want) {
		t.Errorf("%+v", r)
	}
}
