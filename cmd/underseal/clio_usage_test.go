package main

import (
	"net/http"
	"strings"
	"testing"
)

// What is wrong with a command line is said in the program's own words.
func TestClioUsage(t *testing.T) {
	t.Parallel()
	w := newClioWorld(t)
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"clio", "connect", "--region", "mars"}, "underseal: unknown region mars: it is us, ca, eu or au\nhint: see: underseal clio connect --help\n"},
		{[]string{"clio", "connect", "--client-id", "a"}, "underseal: --client-id and --client-secret-file are given together\n"},
		{[]string{"clio", "connect", "--client-secret-file", "a"}, "underseal: --client-id and --client-secret-file are given together\n"},
		{[]string{"clio", "enable", "SSN", "--export", "a", "--no-export"}, "underseal: give either --export or --no-export\n"},
		{[]string{"clio", "enable", "--repair", "--unticked", "both"}, "underseal: --unticked is entered or sealed\n"},
		{[]string{"setup", "--firm", "a", "--fingerprint", "b"}, "underseal: give either --firm, to found one, or --fingerprint, to join one\n"},
		{[]string{"job", "resume", "--export", "a", "--no-export"}, "underseal: give either --export or --no-export\n"},
	} {
		w.fails(classUsage, "alice", c.args, c.text)
	}
	w.fails(classInput, "alice", w.connectArgs("--share-with", "who@x.y"), "underseal: member \"who@x.y\": no such name in the directory\n")
}

// A name with what is not seen is refused before anything is read or settled:
// the label that members read would be another than Clio's.
func TestClioFieldNameNotSeen(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	w.run("alice", "clio", "fields", "--no-counts")
	for name, shown := range map[string]string{"Case\u202eNSS": `Case\u{202E}NSS`, "Case\u200b": `Case\u{200B}`} {
		made := w.person(http.MethodPost, "/custom_fields?fields=id", map[string]any{
			"name": name, "parent_type": "Contact", "field_type": "text_line", "display_order": 20,
		})
		var field struct{ ID int64 }
		w.decode(string(made), &field)
		for _, args := range [][]string{
			{"clio", "enable", "SSN", itoa(field.ID), "--yes"}, {"clio", "enable", itoa(field.ID), "--dry-run"}, {"clio", "accept", name, "--enable", "--yes"},
		} {
			r := w.fails(classInput, "alice", args, shown+": its name in Clio", "rename it in Clio; nothing was changed")
			if strings.ContainsAny(r.stderr, "\u202e\u200b") {
				t.Errorf("%q", r.stderr)
			}
		}
		f := jsonOf[docClioFields](w.world, "alice", "clio", "fields", "--no-counts")
		if one := f.field(t, name); one.News != "new" || one.State != "plain" || f.field(t, "SSN").State != "plain" {
			t.Errorf("%+v", one)
		}
		w.person(http.MethodPatch, "/custom_fields/"+itoa(field.ID), map[string]any{"name": "Case " + itoa(field.ID)})
		w.run("alice", "clio", "enable", itoa(field.ID), "--yes", "--no-export")
	}
}
