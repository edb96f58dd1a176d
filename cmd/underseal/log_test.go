package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// with runs f in the workspace of somebody.
func (w *world) with(who string, f func(*workspace.Workspace) error) {
	w.t.Helper()
	env := map[string]string{"UNDERSEAL_HOME": w.path(who), "XDG_RUNTIME_DIR": os.Getenv("XDG_RUNTIME_DIR")}
	a := &app{stdout: io.Discard, stderr: io.Discard, getenv: func(k string) string { return env[k] }, now: w.now}
	if err := a.with(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

// sequences are those of the entries that log show shows with these flags.
func sequences(w *world, who string, flags ...string) string {
	w.t.Helper()
	log := jsonOf[docLog](w, who, append([]string{"log", "show"}, flags...)...)
	list := []string{}
	for _, e := range log.Entries {
		list = append(list, strconv.Itoa(e.Sequence))
	}
	return strings.Join(list, " ")
}

func TestLogFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	w.now = func() time.Time { return day }
	w.found() // 0 genesis, 1 directory, 2 bob, 3-5 fields, 6-7 grants
	day = day.AddDate(0, 0, 2)
	w.run("alice", "field", "revoke", "phone", "--from", emailOf("bob")) // 8
	for _, c := range []struct{ flags, want string }{
		{"", "0 1 2 3 4 5 6 7 8"},
		{"--from 2 --to 3", "2 3"},
		{"--from 7", "7 8"},
		{"--to 100", "0 1 2 3 4 5 6 7 8"},
		{"--from 100", ""},
		{"--last 2", "7 8"},
		{"--last 2 --to 5", "4 5"},
		{"--since 2026-03-02", "8"},
		{"--until 2026-03-01", "0 1 2 3 4 5 6 7"},
		{"--since 2026-03-01 --until 2026-03-03", "0 1 2 3 4 5 6 7 8"},
		{"--since 2026-03-04", ""},
		{"--by alice@example.com", "0 1 2 3 4 5 6 7 8"},
		{"--by bob@example.com", ""},
		{"--about BOB@example.com", "2 6 7 8"},
		{"--about phone", "3 6 8"},
		{"--about phone --kind grant", "6"},
		{"--kind grant,revoke", "2 6 7 8"},
		{"--kind grant --last 1", "7"},
	} {
		if got := sequences(w, "alice", strings.Fields(c.flags)...); got != c.want {
			t.Errorf("%s: %q, want %q", c.flags, got, c.want)
		}
	}
	if got := sequences(w, "alice", "--kind", "member added"); got != "2" {
		t.Errorf("member added: %q", got)
	}
	log := jsonOf[docLog](w, "alice", "log", "show", "--about", emailOf("bob"), "--kind", "grant", "--last", "1")
	id := jsonOf[docIdentityTop](w, "bob", "identity", "show")
	e := log.Entries[0]
	if op := e.Operations[0]; len(e.Operations) != 1 || op.Member != id.Member || len(op.Resource) != 32 || len(op.Rights) != 2 || len(e.Hash) != 64 {
		t.Errorf("%+v", e)
	}
	if got := sequences(w, "alice", "--about", id.Device[:8]); got != "2" {
		t.Errorf("about a device: %q", got)
	}
	for what, flags := range map[string][]string{
		"a kind":  {"--kind", "murder"},
		"a date":  {"--since", "yesterday"},
		"dates":   {"--since", "2026-03-02", "--until", "2026-03-01"},
		"numbers": {"--from", "3", "--to", "2"},
		"last":    {"--last", "-1"},
		"last ":   {"--last", "10001"},
	} {
		if r := w.try("alice", append([]string{"log", "show"}, flags...)...); r.code != classUsage.code || r.stdout != "" {
			t.Errorf("%s: exit %d, %q", what, r.code, r.stderr)
		}
	}
	for _, flag := range []string{"--by", "--about"} {
		w.fails(classInput, "alice", []string{"log", "show", flag, "nobody@example.com"}, "nobody and nothing of that name")
	}
	if r := w.run("alice", "log", "show", "--since", "2030-01-01"); r.stdout != "" || !strings.Contains(r.stderr, "nothing in the log is so") {
		t.Errorf("%+v", r)
	}
	// An outsider sees the same feed, with ids.
	if r := w.run("eve", "log", "show", "--about", id.Member[:8]); !strings.Contains(r.stdout, "added member "+id.Member[:8]+" as member") {
		t.Errorf("eve: %q", r.stdout)
	}
}

// Attack 35: names cannot break out of their lines, whoever writes them into the
// log with a program of their own.
func TestAttack35NamesInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	evil := "x\n9  2026-01-01 00:00  alice@example.com\n     removed the firm\x1b[2J\u202e"
	x := &auditor{words: &words{
		members: map[officer.MemberID]string{{}: shown(evil)},
		fields:  map[officer.ResourceID]string{},
	}}
	for _, op := range allOperations() {
		if text := x.describe(op).Text; strings.ContainsAny(text, "\n\x1b\u202e") {
			t.Errorf("%T: %q", op, text)
		}
	}
	// What a name cannot hold, the name of a secret can: nobody seals it.
	value := secret.New([]byte("1"))
	defer value.Destroy()
	w.with("alice", func(ws *workspace.Workspace) error { return ws.PutSecret(t.Context(), evil, value, nil) })
	r := w.run("alice", "log", "show")
	if strings.Contains(r.stdout, "\n9  2026-01-01 00:00  alice") || strings.ContainsAny(r.stdout, "\x1b\u202e") || !strings.Contains(r.stdout, `x\u{000A}9  2026`) {
		t.Errorf("%q", r.stdout)
	}
	if r := w.run("alice", "log", "show", "--json"); strings.Count(r.stdout, "\n") != 1 || strings.ContainsAny(r.stdout, "\x1b\u202e") {
		t.Errorf("%q", r.stdout)
	}
}

// An error in the middle leaves one object with what was verified before, and
// the error in it.
func TestLogStreamsAnError(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	a := &app{jsonTo: &out, json: true}
	failed := fmt.Errorf("read log: %w", workspace.ErrFork)
	err := a.showLog(func(yield func(jsonEntry, error) bool) {
		_ = yield(jsonEntry{Sequence: 1, Operations: []jsonOperation{}}, nil) && yield(jsonEntry{}, failed)
	})
	if !errors.Is(err, workspace.ErrFork) || !a.failure {
		t.Errorf("%v, %v", err, a.failure)
	}
	got := strictly[struct {
		docLog
		Error docError `json:"error"`
	}](t, out.String())
	if len(got.Entries) != 1 || got.Error.Exit != classRefused.code {
		t.Errorf("%s", out.String())
	}
}
