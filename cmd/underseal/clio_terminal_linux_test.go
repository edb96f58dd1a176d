package main

import (
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// On a terminal the question comes after what it is about, "no" changes
// nothing, and the work shows how far it is.
func TestClioOnTerminal(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := connectedWorld(t)
	before := w.dump()
	env := []string{"UNDERSEAL_HOME=" + w.path("alice")}

	s := w.sit(env, "clio", "enable", "SSN", "Court")
	s.expect("counting")
	s.expect("Clio's search does not find the values")
	s.expect("in 2 fields now? (yes or no)")
	s.types("no\n")
	s.expect("underseal: not confirmed; nothing was changed")
	if code := s.ends(); code != classRefused.code {
		t.Errorf("exit %d", code)
	}
	w.same(before, w.dump())

	s = w.sit(env, "clio", "enable", "SSN", "Court")
	s.expect("in 2 fields now? (yes or no)")
	s.types("yes\n")
	s.expect("sealing")
	s.expect("SEALED NOW")
	s.expect("next: underseal clio verify")
	if code := s.ends(); code != classDone.code {
		t.Errorf("exit %d", code)
	}

	s = w.sit(env, "clio", "disable", "SSN")
	s.expect("becomes visible to all who use the Clio account")
	s.expect("Open them now? (yes or no)")
	s.types("no\n")
	if code := s.ends(); code != classRefused.code {
		t.Errorf("exit %d", code)
	}
	for _, v := range w.values("SSN") {
		if !strings.HasPrefix(string(v.JSON), `"us1.`) {
			t.Fatalf("%s was opened without a yes", v.ID)
		}
	}
}
