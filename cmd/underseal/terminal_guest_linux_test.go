package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/mail/mailtest"
)

// TestAttack7GuestQuestion: somebody whom a member invites is told, before they
// are asked, that they become a guest and nothing else, and types the email of that
// person. Nothing of who invites is shown before, and none of their texts stands
// in a question (attack 5).
func TestAttack7GuestQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.run("alice", "policy", "set", "--guests", "members", "--yes")
	w.person("carol", "Carol Counsel", "carol@example.com")
	carol := []string{"UNDERSEAL_HOME=" + w.path("carol")}
	w.write("line", w.run("bob", "invite", "create", "--role", "guest", "--in-person").stdout)

	s := w.sit(carol, "invite", "accept", "--from", "@line")
	s.expect("Who invites you is no officer of it: you would be a guest there, and nothing else.")
	s.expect("Who invites you as a guest? Type their email, from memory:")
	if strings.Contains(s.seen, "security officer? Type") {
		t.Errorf("the question about an officer: %q", s.seen)
	}
	s.types(emailOf("alice") + "\n")
	s.expect("this is not the email of the person who invites you")
	if strings.Contains(s.seen, "Bob") || strings.Contains(s.seen, "Example LLP") {
		t.Errorf("shown too early: %q", s.seen)
	}
	s.expect("Type their email, from memory:")
	s.types(emailOf("bob") + "\n")
	s.expect("member         Bob Member <bob@example.com>")
	s.expect("you would be   guest")
	s.expect("Do you want to join as a guest, by this person's invitation? (yes or no)")
	s.types("yes\n")
	s.expect("accepted; nothing opens until who invited you has confirmed")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	w.run("bob", "invite", "confirm")
}

// TestMemberMails: the mail of a member asks for no officer's email, and does not
// have the one that is asked for.
func TestMemberMails(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	w := newWorld(t)
	w.found()
	w.run("alice", "policy", "set", "--guests", "members", "--yes")
	w.run("bob", "invite", "create", "--role", "guest", "--deliver", "mail", "--to", "carol@example.com",
		"--smtp-host", "127.0.0.1", "--smtp-port", strconv.Itoa(sink.Port), "--smtp-from", emailOf("bob"))
	mails := sink.Mails(t)
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	text := plainText(t, mails[0].Content)
	for _, has := range []string{"as a guest", "\n1. Install Underseal.", `choose "I have an invitation"`, "\nunderseal-invite1", "email of the person who invites you: type it from\nmemory"} {
		if !strings.Contains(text, has) {
			t.Errorf("%q is not in\n%s", has, text)
		}
	}
	for _, not := range []string{"your firm", "security officer", emailOf("bob"), "http"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is in\n%s", not, text)
		}
	}
}
