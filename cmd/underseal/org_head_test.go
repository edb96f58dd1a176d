package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// twoHistories is a firm with Dora as a second officer, whose store was copied;
// Alice and Dora then each did something, Alice in "firm" and Dora in "other".
func twoHistories(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	w.now = func() time.Time { return day }
	w.person("dora", "Dora Officer", emailOf("dora"))
	w.found()
	w.run("dora", "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
	w.run("dora", "identity", "card", "--out", "@dora.card")
	w.run("alice", "member", "add", "@dora.card", "--role", "officer", "--safety-number", w.safetyNumber("dora"))
	w.run("dora", "field", "list")
	w.copyTree("firm", "other")
	w.run("dora", "org", "join", "--store", "dir:"+w.path("other"), "--fingerprint", w.known)
	w.run("alice", "field", "new", "here")
	w.run("dora", "field", "new", "there")
	w.run("dora", "field", "new", "there too")
	return w
}

// Attack 12: two colleagues were shown two histories. They find out by voice, by
// a pasted line, by meeting in one store; and a third person, who has nothing,
// by the two files.
func TestAttack12TwoColleagues(t *testing.T) {
	t.Parallel()
	w := twoHistories(t)
	alice, bob := jsonOf[docOrgHead](w, "alice", "org", "head"), jsonOf[docOrgHead](w, "bob", "org", "head")
	spoken := func(h docOrgHead) string { return fmt.Sprint(h.Entries, " ", h.Number) }

	// Without the attack.
	for _, c := range []struct{ who, head, verdict string }{
		{"bob", alice.Head, "same"}, {"bob", spoken(alice), "same"}, {"alice", strings.ToUpper(bob.Head), "same"},
	} {
		if v := jsonOf[docOrgHead](w, c.who, "org", "head", "--check", c.head); v.Verdict != c.verdict || v.Theirs != alice.Entries {
			t.Errorf("%+v: %+v", c, v)
		}
	}
	w.write("head.txt", "Dear Bob, mine is\n"+alice.Head+"\nYours, Alice\n")
	w.run("alice", "field", "new", "later")
	if v := jsonOf[docOrgHead](w, "alice", "org", "head", "--compare", "@head.txt"); v.Verdict != "older" {
		t.Errorf("%+v", v)
	}
	newer := jsonOf[docOrgHead](w, "alice", "org", "head")
	for _, r := range []result{
		w.run("bob", "org", "head", "--check", newer.Head),
		w.tryWith("bob", strings.NewReader(spoken(newer)), "org", "head", "--compare", "-"),
	} {
		if !strings.Contains(r.stdout, "the same history: both have seen") {
			t.Errorf("%+v", r)
		}
	}
	if r := w.run("bob", "org", "head"); !strings.Contains(r.stdout, newer.Number) || !strings.Contains(r.stdout, newer.Head) {
		t.Errorf("%+v", r)
	}

	// Dora has seen something else, of the same length and shorter.
	dora := jsonOf[docOrgHead](w, "dora", "org", "head")
	for _, head := range []string{dora.Head, spoken(dora)} {
		w.fails(classRefused, "alice", []string{"org", "head", "--check", head}, "another history")
		r := w.try("alice", "org", "head", "--json", "--check", head)
		if v := strictly[docOrgHead](t, r.stdout); r.code != classRefused.code || v.Verdict != "fork" || v.Error == nil {
			t.Errorf("%+v", r)
		}
	}
	if v := jsonOf[docOrgHead](w, "dora", "org", "head", "--check", aliceAhead(w)); v.Verdict != "newer" {
		t.Errorf("%+v", v)
	}

	// Dora comes to the store of the others: refused, and what shows it is kept.
	args := []string{"org", "join", "--store", "dir:" + w.path("firm"), "--fingerprint", w.known}
	w.fails(classRefused, "dora", args, "another history", "is kept in")
	if r := w.try("dora", "org", "head"); r.code != 0 { // her own place still serves her
		t.Errorf("%+v", r)
	}
	w.run("dora", "org", "evidence", "--out", "@met.evidence")
	w.fails(classStorage, "dora", []string{"org", "evidence", "--out", "@met.evidence"}, "exists")
	w.run("dora", "org", "evidence", "--now", "--out", "@dora.evidence")
	w.run("alice", "org", "evidence", "--now", "--out", "@alice.evidence")
	w.fails(classInput, "alice", []string{"org", "evidence", "--out", "@no.evidence"}, "keeps no evidence")

	// Eve has no home that counts, and no store.
	w.remove("firm")
	w.remove("other")
	w.remove("eve")
	check := func(files ...string) docEvidenceCheck {
		t.Helper()
		return jsonOf[docEvidenceCheck](w, "eve", append([]string{"org", "evidence", "check"}, files...)...)
	}
	if v := check("@alice.evidence", "@dora.evidence"); v.Verdict != "fork" || !v.Proof || len(v.Authors) != 2 || v.Fingerprint != w.known || v.Shared != alice.Entries-1 {
		t.Errorf("%+v", v)
	}
	if v := check("@met.evidence"); v.Verdict != "statement" || v.Proof {
		t.Errorf("%+v", v)
	}
	if v := check("@alice.evidence"); v.Verdict != "none" || v.Proof {
		t.Errorf("%+v", v)
	}
	if v := check("@alice.evidence", "@met.evidence"); v.Verdict != "statement" || v.Proof {
		t.Errorf("%+v", v)
	}
	if r := w.run("eve", "org", "evidence", "check", "@alice.evidence", "@dora.evidence"); !strings.Contains(r.stdout, "TWO HISTORIES") {
		t.Errorf("%+v", r)
	}
	w.flip("dora.evidence", -3)
	w.fails(classRefused, "eve", []string{"org", "evidence", "check", "@dora.evidence"}, "not evidence that verifies")
	if info, err := os.Stat(w.path("alice.evidence")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// aliceAhead makes Alice go on, and is the head that she has then.
func aliceAhead(w *world) string {
	for _, f := range []string{"a", "b", "c"} {
		w.run("alice", "field", "new", f)
	}
	return jsonOf[docOrgHead](w, "alice", "org", "head").Head
}

func TestHeadRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	own := jsonOf[docOrgHead](w, "alice", "org", "head")
	other := newWorld(t)
	other.found()
	foreign := jsonOf[docOrgHead](other, "alice", "org", "head")
	w.write("long", strings.Repeat("x ", 4096))
	w.write("empty", "")
	for _, c := range []struct {
		name string
		args []string
		c    class
		text string
	}{
		{"a word", []string{"--check", "hello"}, classInput, "not a head"},
		{"no digits", []string{"--check", "9 hello"}, classInput, "60 digits"},
		{"a digit less", []string{"--check", fmt.Sprint(own.Entries, " ", own.Number[1:])}, classInput, "60 digits"},
		{"no count", []string{"--check", own.Number[:11]}, classInput, "60 digits"},
		{"no entries", []string{"--check", "0 " + own.Number}, classInput, "count of entries"},
		{"a slip", []string{"--check", own.Head[:20] + "x" + own.Head[21:]}, classInput, "not a head"},
		{"another organization's", []string{"--check", foreign.Head}, classRefused, "another organization"},
		{"another number", []string{"--check", fmt.Sprint(own.Entries, " ", foreign.Number)}, classRefused, "another history"},
		{"no file", []string{"--compare", "@none"}, classInput, ""},
		{"a long file", []string{"--compare", "@long"}, classInput, ""},
		{"an empty file", []string{"--compare", "@empty"}, classInput, "not a head"},
	} {
		if own.Head[20] == 'x' && c.name == "a slip" {
			c.args[1] = own.Head[:20] + "q" + own.Head[21:]
		}
		w.fails(c.c, "alice", append([]string{"org", "head"}, c.args...), c.text)
		if t.Failed() {
			t.Fatalf("in case %q", c.name)
		}
	}
	if r := w.try("alice", "org", "head", "--check", own.Head, "--compare", "-"); r.code != classUsage.code {
		t.Errorf("%+v", r)
	}
	if r := w.try("alice", "org", "evidence", "--now", "--out", "-"); r.code != classUsage.code {
		t.Errorf("%+v", r)
	}
	if r := w.try("alice", "org", "evidence", "check"); r.code != classUsage.code {
		t.Errorf("%+v", r)
	}
	w.fails(classInput, "alice", []string{"org", "evidence", "check", "@none"}, "no such file")

	// A store that was set back: what this device has seen is printed all the
	// same, with the refusal.
	w.copyTree("firm", "before")
	w.run("alice", "field", "new", "later")
	seen := jsonOf[docOrgHead](w, "alice", "org", "head")
	w.remove("firm")
	w.copyTree("before", "firm")
	if r := w.try("alice", "org", "head"); r.code != classRefused.code || !strings.Contains(r.stdout, seen.Number) || !strings.Contains(r.stderr, "older log") {
		t.Errorf("%+v", r)
	}
}
