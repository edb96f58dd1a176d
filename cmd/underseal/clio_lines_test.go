package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/underseal/underseal/bulk"
)

// Names are in lines that a terminal holds, and all of them where somebody
// agrees to them.
func TestFoldNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.StringMatching(`[A-Za-z\x{e9}\x{200b} ']{1,150}`), 1, 60).Draw(t, "names")
		text := foldNames("opened again:", names, "  ")
		for line := range strings.SplitSeq(text, "\n") {
			if utf8.RuneCountInString(line) > lineWidth {
				t.Fatalf("%d characters: %s", utf8.RuneCountInString(line), line)
			}
		}
		if strings.Count(text, ",") != len(names)-1 || strings.Contains(text, "\u200b") {
			t.Fatalf("%d names: %s", len(names), text)
		}
		if short := someNames(names); utf8.RuneCountInString(short) > maxNames {
			t.Fatalf("%d characters: %s", utf8.RuneCountInString(short), short)
		}
	})
	if got := foldNames("opened again:", []string{"SSN", "Court"}, "  "); got != "opened again: SSN, Court" {
		t.Error(got)
	}
}

func TestSomeNames(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 12 {
		many = append(many, fmt.Sprintf("Field %d", i))
	}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"SSN"}, "SSN"},
		{[]string{"SSN", "Court"}, "SSN, Court"},
		{many, "Field 0, Field 1, Field 2, Field 3 and 8 more"},
		{[]string{strings.Repeat("a", 60)}, strings.Repeat("a", 44) + "…"},
		{[]string{strings.Repeat("a", 60), "SSN"}, strings.Repeat("a", 33) + "…, SSN"},
		{[]string{"SSN", strings.Repeat("a", 60)}, "SSN and 1 more"},
		{[]string{"a\x1b"}, `a\u{001B}`},
	} {
		if got := someNames(c.names); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestFoldText(t *testing.T) {
	t.Parallel()
	short := "18 records are read and 3 written: at least 5 requests, about a second at today's 50 a minute"
	if got := foldText(short); got != short {
		t.Error(got)
	}
	long := "1234567 records are read and 1234567 written: at least 1234567 requests, about 412 h 5 min at today's 50 a minute"
	if got := foldText(long); len(strings.Split(got, "\n")) != 2 || strings.Join(strings.Fields(got), " ") != long || strings.Index(got, "\n") > lineWidth {
		t.Error(got)
	}
}

// While records are only counted, how fast that goes says nothing of the work.
func TestBarText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call, want string
	}{{"plan", "counting"}, {"enable", "sealing, 1200 a minute, 2 min left"}} {
		if got := barText(bulk.Event{Call: c.call, Rate: 1200, Left: 120e9}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// Work on many fields says all of them where somebody agrees, and no line is
// longer than a terminal.
func TestClioLines(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	var names []string
	for _, f := range jsonOf[docClioFields](w.world, "alice", "clio", "fields", "--no-counts").Fields {
		names = append(names, f.Name)
	}
	args := func(verb string, more ...string) []string {
		return append(append([]string{"clio", verb, "--yes"}, more...), names...)
	}
	for _, command := range [][]string{args("enable", "--no-export"), {"job", "list"}, {"clio", "fields"}, {"job", "undo", "--yes"}, args("disable")} {
		r := w.try("alice", command...)
		if r.code != 0 && r.code != classInput.code { // nothing is left to disable
			t.Errorf("%v: exit %d\n%s", command, r.code, r.stderr)
		}
		for line := range strings.Lines(r.stdout + r.stderr) {
			if utf8.RuneCountInString(line) > lineWidth+1 && !strings.Contains(line, w.dir) {
				t.Errorf("%v: %d characters: %s", command[:2], utf8.RuneCountInString(line), line)
			}
		}
		if command[1] == "undo" {
			said := strings.Join(strings.Fields(r.stderr), " ")
			for _, name := range names {
				if !strings.Contains(said, name) {
					t.Errorf("%s is not in\n%s", name, r.stderr)
				}
			}
		}
		if command[1] == "list" && !strings.Contains(r.stdout, " more\n") {
			t.Error(r.stdout)
		}
	}
}
