package treetest

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// foreign is what belongs to the machine that somebody works at and never to
// the project. Written so that this file does not match itself.
var foreign = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`(?:^|[^\w.])(?-i:/(?:work|root|Users)/)`, // not a path of an API, /users/
	`(?:^|[^\w.])/home/[a-z]+/`,
	`[/\\]go[/\\]pkg[/\\]mod[/\\]`,
	`proxy\.golang\.[o]rg`,
	`registry\.npmjs\.[o]rg`,
	`deb\.debian\.[o]rg`,
	`\bissues? #?[0-9]+\b`,
	`\bthe [b]rief\b`,
	`\b(?:this|the) [w]orkplace\b`,
	`\b(?:sub)?agents? [s]ession\b`,
	`\bas an [A]I\b`,
}, "|"))

// words finds what is foreign to the project.
func words(f file) []string {
	if !f.text() {
		return nil
	}
	var found []string
	for i, line := range strings.Split(f.content, "\n") {
		if m := foreign.FindString(line); m != "" {
			found = append(found, fmt.Sprintf("%s:%d: %q is not of the project", f.name, i+1, m))
		}
	}
	return found
}

// invisible finds characters that make a text read otherwise than it is
// ("Trojan Source", CVE-2021-42574), and bytes that are not UTF-8.
func invisible(f file) []string {
	if !f.text() {
		return nil
	}
	var found []string
	for i, line := range strings.Split(f.content, "\n") {
		for _, r := range line {
			if r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && r != '\t' && r != '\r' {
				found = append(found, fmt.Sprintf("%s:%d: character %U", f.name, i+1, r))
			}
		}
	}
	return found
}

// The longest file: what can be read in one go.
const (
	maxLines     = 500
	maxTestLines = 700
)

// long finds files of code with too many lines.
func long(f file) []string {
	limit := maxLines
	switch path.Ext(f.name) {
	case ".go":
		if f.isTest() {
			limit = maxTestLines
		}
	case ".ts", ".js", ".mjs", ".sh":
	default:
		return nil
	}
	if n := f.lines(); n > limit {
		return []string{fmt.Sprintf("%s: %d lines, at most %d", f.name, n, limit)}
	}
	return nil
}

var (
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeBlock = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
)

// links finds links from one document of the project to a file that is not
// there.
func links(files []file) []string {
	exists := map[string]bool{}
	for _, f := range files {
		for name := f.name; name != "."; name = path.Dir(name) {
			exists[name] = true
		}
	}
	var found []string
	for _, f := range files {
		if path.Ext(f.name) != ".md" {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(codeBlock.ReplaceAllString(f.content, ""), -1) {
			to, _, _ := strings.Cut(m[1], "#")
			if to == "" || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			if !exists[path.Join(path.Dir(f.name), to)] {
				found = append(found, fmt.Sprintf("%s: link to %s, which does not exist", f.name, to))
			}
		}
	}
	return found
}

func TestText(t *testing.T) {
	t.Parallel()
	files := checkout(t)
	for _, f := range files {
		for _, check := range []func(file) []string{words, invisible, long} {
			for _, line := range check(f) {
				t.Error(line)
			}
		}
	}
	for _, line := range links(files) {
		t.Error(line)
	}
}

func TestTextChecksBite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		check   func(file) []string
		name    string
		content string
		found   int
	}{
		{words, "a.go", "// see /wo" + "rk/x\n", 1},
		{words, "a.md", "in \"/ro" + "ot/x\", as issue" + " 12 says", 1},
		{words, "a.yml", "a\nurl: https://proxy.golang" + ".org/x\n/home/al" + "ice/y", 2},
		{words, "testdata/readers/package.js", "registry.npmjs" + ".org", 1},
		{words, "testdata/readers/package-lock.json", "registry.npmjs" + ".org", 1},
		{words, "testdata/x.csv", "/wo" + "rk/", 0},
		{words, "a.go", "GET /users/who_am_i", 0},
		{words, "a.go", "/Us" + "ers/alice", 1},
		{words, "a.go", "internal/work/x ../work/ frame/root/, the issuer 2", 0},
		{invisible, "a.go", "a\u202eb", 1},
		{invisible, "a.md", "a\u200bb\x00", 2},
		{invisible, "a.md", "\xff", 1},
		{invisible, "a.md", "äöü → ‖ 日本\t\r\n", 0},
		{long, "a.go", strings.Repeat("\n", 501), 1},
		{long, "a.go", strings.Repeat("\n", 500), 0},
		{long, "a_test.go", strings.Repeat("\n", 700), 0},
		{long, "a_test.go", strings.Repeat("\n", 701), 1},
		{long, "a.mjs", strings.Repeat("\n", 501), 1},
		{long, "a.csv", strings.Repeat("\n", 9000), 0},
	} {
		if got := c.check(file{c.name, c.content}); len(got) != c.found {
			t.Errorf("%s %.40q: found %q, want %d", c.name, c.content, got, c.found)
		}
	}

	docs := []file{
		{"README.md", "[a](doc/a.md) [b](doc/b.md#x) [c](https://example.com) [d](#here) `[e](none)` [f](doc)"},
		{"doc/a.md", "[up](../README.md) [self](a.md)"},
	}
	got := links(docs)
	if len(got) != 1 || !strings.Contains(got[0], "doc/b.md") {
		t.Errorf("links: %q", got)
	}
}
