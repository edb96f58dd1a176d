package main

import (
	"strings"
	"testing"
)

// What an officer decides is decided at a terminal after everything that counts
// was shown, and a no leaves it all as it was: a colleague's recovery, the policy,
// a removal.
func TestTerminalOfficer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.recoverable()
	w.person("fresh", "Bob Member", emailOf("bob"))
	start := jsonOf[docRecoveryStart](w, "fresh", "recovery", "start", "--out", "@bob.request", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
	w.run("alice", "recovery", "request", "@bob.request", "--for", emailOf("bob"), "--reason", "laptop stolen")
	alice := []string{"UNDERSEAL_HOME=" + w.path("alice")}
	head := func() int { return jsonOf[docVerified](w, "alice", "log", "verify").Head.Entries }
	before := head()
	for _, c := range []struct {
		args     []string
		shown    []string // in this order, before the question
		question string
		done     string
	}{
		{
			[]string{"recovery", "approve"},
			append([]string{"Bob Member <bob@example.com>", "laptop stolen"}, strings.Fields(start.SafetyNumber)[:6]...),
			"Did they read you exactly these digits, and do they want to be recovered? (yes or no)", "approved; 1 of 2 officers have",
		},
		{
			[]string{"policy", "set", "--fields", "members"},
			[]string{"fields", "members instead of officers"}, "Set it? (yes or no)", "set the policy",
		},
		{
			[]string{"member", "remove", emailOf("olga")},
			[]string{"Olga Officer", "ends", "get a new key", "holds a share", "sealed again"}, "and change these keys? (yes or no)", "removed " + emailOf("olga"),
		},
	} {
		s := w.sit(alice, c.args...)
		for _, text := range append(c.shown, c.question) {
			s.expect(text)
		}
		s.types("no\n")
		s.expect("not confirmed; nothing was changed")
		if code := s.ends(); code != classRefused.code {
			t.Errorf("%v: no: exit %d", c.args, code)
		}
		if after := head(); after != before {
			t.Errorf("%v: no, and %d entries instead of %d", c.args, after, before)
		}
		s = w.sit(alice, c.args...)
		s.expect(c.question)
		s.types("yes\n")
		s.expect(c.done)
		if code := s.ends(); code != 0 {
			t.Errorf("%v: yes: exit %d", c.args, code)
		}
		before = head()
	}
}
