package main

import (
	"os"
	"strings"
	"testing"
)

// An invitation as two people at their terminals see it: the code on the
// officer's screen, the questions, nothing of who invites before the email is
// right, and the line not shown while it is pasted.
func TestTerminalInvite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.person("carol", "Carol Clerk", "carol@example.com")
	alice, carol := []string{"UNDERSEAL_HOME=" + w.path("alice")}, []string{"UNDERSEAL_HOME=" + w.path("carol")}

	s := w.sit(alice, "invite", "create", "--role", "member")
	s.expect("underseal-invite1")
	s.expect("whoever has this line can ask to be let in")
	s.expect("next: underseal invite confirm")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	line := strings.TrimSpace(w.run("alice", "invite", "show").stdout)
	if !strings.Contains(s.seen, line) {
		t.Errorf("another line than %q", s.seen)
	}

	s = w.sit(carol, "invite", "accept")
	s.expect("Paste your invitation (it is not shown), then press Enter:")
	if s.echo() {
		t.Error("the line is shown")
	}
	s.types(line + "\n")
	s.expect("store          dir:")
	s.expect("Type their email, from memory:")
	s.types("bob@example.com\n")
	s.expect("this is not the email of the officer who invites you")
	if strings.Contains(s.seen, "Alice") || strings.Contains(s.seen, "Example LLP") {
		t.Errorf("shown too early: %q", s.seen)
	}
	s.expect("Type their email, from memory:")
	s.types("alice@example.com\n")
	s.expect("officer        Alice Officer <alice@example.com>")
	s.expect("Do you want to join, by this officer's invitation? (yes or no)")
	s.types("no\n")
	s.expect("not confirmed; nothing was changed")
	if code := s.ends(); code != classRefused.code {
		t.Errorf("exit %d", code)
	}
	w.absent("carol/organization.pin", "carol/invitation.sealed")

	w.write("line", line)
	s = w.sit(carol, "invite", "accept", "--from", "@line")
	s.expect("Type their email, from memory:")
	s.types("alice@example.com\n")
	s.expect("(yes or no)")
	s.types("yes\n")
	s.expect("your safety number, which they compare with you by voice")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}

	s = w.sit(alice, "invite", "confirm")
	s.expect("email   carol@example.com")
	s.expect(strings.Fields(w.safetyNumber("carol"))[0])
	s.expect("Did they read you exactly these digits? (yes or no)")
	s.types("yes\n")
	s.expect("added Carol Clerk <carol@example.com> as member")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestTerminalInviteToFile: who has the line put into a file does not get it on the
// screen, in signs or drawn.
func TestTerminalInviteToFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	file, err := os.Create(w.path("line"))
	if err != nil {
		t.Fatal(err)
	}
	s := w.sitWith(120, file, []string{"UNDERSEAL_HOME=" + w.path("alice")}, "invite", "create", "--role", "member")
	_ = file.Close() // the command has its own
	s.expect("next: underseal invite confirm")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if strings.Contains(s.seen, "▀") || strings.Contains(s.seen, "underseal-invite1") {
		t.Errorf("shown: %q", s.seen)
	}
	if line := w.read("line"); !strings.HasPrefix(line, "underseal-invite1") || strings.Count(line, "\n") != 1 {
		t.Errorf("%q", line)
	}
}

// TestTerminalInviteCode: where the screen has room, the line is drawn too.
func TestTerminalInviteCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	for _, c := range []struct {
		columns uint16
		drawn   bool
	}{{120, true}, {40, false}} {
		s := w.sitAt(c.columns, []string{"UNDERSEAL_HOME=" + w.path("alice")}, "invite", "create", "--role", "member")
		s.expect("next: underseal invite confirm")
		if code := s.ends(); code != 0 {
			t.Errorf("exit %d", code)
		}
		if strings.Contains(s.seen, "▀") != c.drawn {
			t.Errorf("%d columns: drawn is not %v: %q", c.columns, c.drawn, s.seen)
		}
	}
}
