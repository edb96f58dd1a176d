package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// Two devices before one person, who mistypes the code, compares the words and
// is offered a backup.
func TestTerminalPair(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	old := w.sit([]string{"UNDERSEAL_HOME=" + w.path("bob")}, "device", "pair")
	old.expect("waiting for it")
	code := regexp.MustCompile(`([A-Z0-9]{4} ){7}[A-Z0-9]{4}`).FindString(old.seen)
	if code == "" || !strings.Contains(old.seen, "█") && !strings.Contains(old.seen, "▀") {
		t.Fatalf("no code to type, or none to scan:\n%s", old.seen)
	}
	fresh := w.sit([]string{"UNDERSEAL_HOME=" + w.path("phone")}, "setup", "--device", "phone")
	fresh.expect("How do you begin? (1 to 5)")
	fresh.types("3\n")
	fresh.expect("The code that it shows:")
	fresh.types(code[:len(code)-1] + "B\n")
	fresh.expect("not a pairing code")
	fresh.expect("The code that it shows:")
	fresh.types(strings.ToLower(code) + "\n")
	fresh.expect("The folder where your organization rests")
	fresh.types(w.path("firm") + "\n")
	fresh.restsInFile()
	words := regexp.MustCompile(`(?m)^ {4}([a-z]+ [a-z]+ [a-z]+ [a-z]+ [a-z]+ [a-z]+)\s*$`)
	var shown []string
	for _, s := range []*screen{old, fresh} {
		s.expect("shows six words.")
		s.expect("Are they the same on both, each of them?")
		shown = append(shown, words.FindString(s.seen))
	}
	if strings.TrimSpace(shown[0]) != strings.TrimSpace(shown[1]) || shown[0] == "" {
		t.Errorf("%q on one, %q on the other", shown[0], shown[1])
	}
	old.types("yes\n")
	fresh.types("yes\n")
	old.expect("added phone")
	if code := old.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	fresh.expect("bob@example.com")
	fresh.expect("Step 3 of 3: a backup.")
	fresh.expect("Which one? (1 to 3)")
	fresh.types("3\n")
	fresh.expect("next: underseal backup create")
	if code := fresh.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
