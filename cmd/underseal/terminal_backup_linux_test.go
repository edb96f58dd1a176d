package main

import (
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// The words are typed from the page, unseen, one of them misspelled: it is named
// by its place, with what it may have been. An empty device shows the
// fingerprint that is about to be pinned.
func TestTerminalWords(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.run("bob", "backup", "create", "--out", "@kit.pdf")
	page := w.tool("pdftotext", "poppler-utils", "-layout", "@kit.pdf", "-")
	_, rows, _ := strings.Cut(page, "says the same")
	_, rows, _ = strings.Cut(rows, "\n")
	rows, _, _ = strings.Cut(rows, "To get everything back")
	words := strings.Join(strings.Fields(rows), " ")

	s := w.sit([]string{"UNDERSEAL_HOME=" + w.path("bob")}, "backup", "check")
	s.expect("the 24 words, in one line, or the text of the code (not shown):")
	if s.echo() {
		t.Error("the words are shown")
	}
	// The seventh word, with a letter too many.
	at := strings.Index(words, " 7 ") + 3
	s.types(words[:at] + "zz" + words[at:] + "\n")
	s.expect("word 7")
	s.expect("once more:")
	s.types(words + "\n")
	s.expect("opens your keys: it counts")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if strings.Contains(s.seen, words) {
		t.Error("the words were shown")
	}

	env := []string{"UNDERSEAL_HOME=" + w.path("empty")}
	s = w.sit(env, "backup", "restore", "--device", "desk")
	s.expect("The folder where your organization rests")
	s.types(w.path("firm") + "\n")
	s.expect("the 24 words")
	s.types(words + "\n")
	s.expect("The store says that it is of the organization")
	s.expect(w.known)
	s.types("no\n")
	s.expect("not confirmed; nothing was changed")
	if code := s.ends(); code != classRefused.code {
		t.Errorf("exit %d", code)
	}
	w.absent("empty")

	s = w.sit(env, "backup", "restore", "--device", "desk", "--store", "dir:"+w.path("firm"))
	s.expect("the 24 words")
	s.types(words + "\n")
	s.expect("letter by letter?")
	s.types("yes\n")
	s.expect("the backup is of Bob Member")
	s.restsInFile()
	s.expect("this device is desk; its secret is in a file under your passphrase")
	s.expect("next: underseal device list")
	if code := s.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
