package main

import (
	"errors"
	"strings"
	"testing"
)

// TestLocalFolder: which addresses of a line are opened by the line alone.
func TestLocalFolder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path          string
		unix, windows bool
	}{
		{"/srv/firm", true, false}, {`C:\firm`, false, true}, {"c:/firm", false, true}, {"firm", false, false}, {"../firm", false, false},
		{"~/firm", false, false}, {`\\host\share`, false, false}, {"//host/share", false, false}, {`/\host\share`, false, false},
		{`\/host/share`, false, false}, {`\\?\UNC\host\share`, false, false}, {`\??\UNC\host\share`, false, false}, {"C:firm", false, false}, {"", false, false},
	} {
		if unix, windows := localFolder(c.path, false), localFolder(c.path, true); unix != c.unix || windows != c.windows {
			t.Errorf("%q: %v, %v", c.path, unix, windows)
		}
	}
	for _, line := range []string{"dir:firm", "dir://host/share", `dir:\\host\share`} {
		if _, err := lineStore(line, ""); !errors.Is(err, errLineStore) || classify(err).class != classInput {
			t.Errorf("%q: %v", line, err)
		}
		if got, err := lineStore(line, "dir:/srv/firm"); err != nil || got != "dir:/srv/firm" {
			t.Errorf("%q, with --store: %q, %v", line, got, err)
		}
	}
}

// TestInvitedHint: who has accepted waits for the officer, and is not told to
// begin anew.
func TestInvitedHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.person("carol", "Carol Clerk", "carol@example.com")
	w.write("line", w.run("alice", "invite", "create", "--role", "member").stdout)
	w.run("carol", "invite", "accept", "--from", "@line", "--confirm-officer", emailOf("alice"))
	r := w.fails(classDenied, "carol", []string{"invite", "create", "--role", "member"}, "no officer has added you")
	if !strings.Contains(r.stderr, "see: underseal invite list") || strings.Contains(r.stderr, "give your card") {
		t.Errorf("%s", r.stderr)
	}
}
