package main

import (
	"strings"
	"testing"
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
