package main

import (
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/envelope"
)

// loseEnvelopes runs what seals keys, and loses those of them that are to a member.
func (w *world) loseEnvelopes(who string, do func()) {
	w.t.Helper()
	var me struct{ Member string }
	if err := json.Unmarshal([]byte(w.run(who, "identity", "show", "--json").stdout), &me); err != nil {
		w.t.Fatal(err)
	}
	id, err := hex.DecodeString(me.Member)
	if err != nil || len(id) != 32 {
		w.t.Fatalf("%q: %v", me.Member, err)
	}
	index := envelope.Recipient{Kind: envelope.ToMember, ID: id}.Index()
	dir := filepath.Join(w.path("firm"), "envelopes", hex.EncodeToString(index[:]))
	before := map[string]bool{}
	list := func(each func(string)) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".envelope") {
				each(path)
			}
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	list(func(name string) { before[name] = true })
	do()
	lost := 0
	list(func(name string) {
		if !before[name] {
			lost++
			if err := os.Remove(name); err != nil {
				w.t.Fatal(err)
			}
		}
	})
	if lost == 0 {
		w.t.Fatal("nothing was sealed to them")
	}
}

// TestPastMissing: bob shares phone and opens an epoch whose key never reaches
// alice. She is told whom to ask, and goes on past it; what bob sealed meanwhile is
// an error that says what it is, until he seals her the key.
func TestPastMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.run("alice", "field", "grant", "phone", "--to", emailOf("bob"), "--rights", "share")
	w.write("people.csv", peopleCSV(2))
	seal := func(out string) []string {
		return []string{"seal", "@people.csv", "--out", out, "--force", "--record-id", "id", "--column", "phone"}
	}
	open := func(in string) []string { return []string{"open", in, "--out", "@plain.csv", "--force"} }
	w.run("alice", seal("@before.csv")...)
	past := []string{"field", "rotate", "phone", "--past-missing"}
	w.fails(classInput, "alice", append(past, "--yes"), "this device has the key")
	w.loseEnvelopes("alice", func() { w.run("bob", "field", "rotate", "phone") })
	w.run("bob", seal("@between.csv")...)

	w.fails(classRefused, "alice", seal("@new.csv"), "the store does not hold the key that you are granted", "--past-missing")
	w.fails(classRefused, "alice", []string{"field", "rotate", "phone"}, "underseal org catch-up --for EMAIL")
	w.fails(classUsage, "alice", past, "give --yes")
	w.fails(classInput, "bob", append(past, "--yes"), "this device has the key")
	r := w.run("alice", append(past, "--yes")...)
	for _, want := range []string{
		"missing  field phone, epoch 2, opened by bob@example.com: what was sealed in it opens only for those who have its key; what was sealed before opens as it did",
		"ask first, they were sealed it: bob@example.com, who type: underseal org catch-up --for alice@example.com",
		"changed the key of field phone, past epoch 2",
	} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("%q is not in\n%s", want, r.stderr)
		}
	}
	w.run("alice", open("@before.csv")...)
	w.run("bob", open("@before.csv")...)
	w.run("alice", seal("@after.csv")...)
	w.run("bob", open("@after.csv")...)
	w.fails(classRefused, "alice", open("@between.csv"), "its key was missing to who went on past it", "hint: a colleague who has that key seals it to you")
	if r := w.run("bob", "org", "catch-up", "--for", emailOf("alice")); !strings.Contains(r.stderr, "to alice@example.com again") {
		t.Errorf("%s", r.stderr)
	}
	w.run("alice", open("@between.csv")...)

	// catch-up does the same of everything.
	w.loseEnvelopes("alice", func() { w.run("bob", "field", "rotate", "phone") })
	w.fails(classUsage, "alice", []string{"org", "catch-up", "--past-missing"}, "give --yes")
	out := w.run("alice", "org", "catch-up", "--past-missing", "--yes", "--json").stdout
	if !strings.Contains(out, `"gone_past":["field phone"]`) {
		t.Errorf("%s", out)
	}
	if r := w.run("alice", "org", "catch-up", "--past-missing"); !strings.Contains(r.stderr, "nothing waits for you") {
		t.Errorf("%s", r.stderr)
	}
	w.run("alice", seal("@after.csv")...)
	w.fails(classUsage, "alice", []string{"org", "catch-up", "--for", emailOf("bob"), "--past-missing"})
	w.fails(classInput, "alice", []string{"org", "catch-up", "--for", "nobody@example.com"}, "no such name")
}
