package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What `go test -json` says of a package with one test of each kind.
const goReport = `{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestGood"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood","Elapsed":0}
{"Action":"output","Package":"m/a","Test":"TestSkip","Output":"    a_test.go:9: needs age: install the Debian package age\n"}
{"Action":"output","Package":"m/a","Test":"TestSkip","Output":"--- SKIP: TestSkip (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestSkip","Elapsed":0}
{"Action":"output","Package":"m/a","Output":"ok  \tm/a\t0.1s\n"}
{"Action":"pass","Package":"m/a","Elapsed":0.1}
`

const goFailure = `{"Action":"output","Package":"m/b","Test":"TestBad","Output":"    b_test.go:3: two is not three\n"}
{"Action":"fail","Package":"m/b","Test":"TestBad","Elapsed":0}
{"Action":"output","Package":"m/b","Output":"FAIL\tm/b\t0.1s\n"}
{"Action":"fail","Package":"m/b","Elapsed":0.1}
`

const goBroken = `{"ImportPath":"m/c","Action":"build-output","Output":"c.go:1: syntax error\n"}
{"ImportPath":"m/c","Action":"build-fail"}
{"Action":"output","Package":"m/c","Output":"FAIL\tm/c [build failed]\n"}
{"Action":"fail","Package":"m/c","Elapsed":0,"FailedBuild":"m/c"}
`

func TestReport(t *testing.T) {
	t.Parallel()
	const counted = "1 passed, 0 failed, 1 skipped"
	for _, c := range []struct {
		name  string
		files map[string]string
		ci    bool
		want  []string // lines; the last one is the last of the output
		fails bool
	}{
		{name: "good", files: map[string]string{"go-test.json": goReport, "test.parts": "vet\t3\tok\n"},
			want: []string{"ok  \tm/a\t0.1s", "      1  needs age: install the Debian package age", "           m/a TestSkip", counted}},
		{name: "missing in CI", ci: true, files: map[string]string{"go-test.json": goReport}, fails: true,
			want: []string{"failed: m/a TestSkip (skipped: needs age: install the Debian package age)", "1 passed, 1 failed, 1 skipped"}},
		{name: "a failing test", files: map[string]string{"go-test.json": goReport + goFailure}, fails: true,
			want: []string{"failed: m/b TestBad", "FAIL\tm/b\t0.1s", "1 passed, 1 failed, 1 skipped"}},
		{name: "a package that does not compile", files: map[string]string{"go-test.json": goReport + goBroken}, fails: true,
			want: []string{"failed: m/c", "1 passed, 1 failed, 1 skipped"}},
		{name: "a failed part", files: map[string]string{"go-test.json": goReport, "lint.parts": "vet\t3\tok\ngofmt\t0\tFAIL\n"}, fails: true,
			want: []string{"failed part: gofmt", "1 passed, 1 failed, 1 skipped"}},
		{name: "a failed part of tests", files: map[string]string{"go-test.json": goReport + goFailure, "x.parts": "tests: go\t3\tFAIL\nvet\t0\tFAIL\n"}, fails: true,
			want: []string{"failed part: tests: go", "1 passed, 2 failed, 1 skipped"}},
		{name: "tests that did not start", files: map[string]string{"go-test.json": goReport, "x.parts": "tests: go\t3\tFAIL\n"}, fails: true,
			want: []string{"1 passed, 1 failed, 1 skipped"}},
		{name: "a skipped part", files: map[string]string{"go-test.json": goReport, "skipped.tsv": "node\tinstall it\n"},
			want: []string{"      1  needs node: install it", "1 passed, 0 failed, 2 skipped"}},
		{name: "node", files: map[string]string{"go-test.json": goReport, "node-x.txt": "ℹ tests 4\nℹ pass 3\nℹ fail 0\nℹ skipped 1\n"},
			want: []string{"node: ℹ pass 3", "4 passed, 0 failed, 2 skipped"}},
		{name: "node, older form", files: map[string]string{"go-test.json": goReport, "node-x.txt": "# tests 4\n# pass 3\n# fail 1\n"}, fails: true,
			want: []string{"failed: node: see its output", "4 passed, 1 failed, 1 skipped"}},
		{name: "node without counts", files: map[string]string{"go-test.json": goReport, "node-x.txt": "npm error\n"}, fails: true,
			want: []string{"failed: node: no test was counted", "1 passed, 1 failed, 1 skipped"}},
		{name: "nothing", files: nil, fails: true,
			want: []string{"failed: no test was run", "0 passed, 1 failed, 0 skipped"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, content := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var out strings.Builder
			err := run([]string{"closing", dir}, nil, &out, c.ci)
			if errors.Is(err, errFailed) != c.fails || err != nil && !c.fails {
				t.Errorf("error %v, want failure: %v", err, c.fails)
			}
			for _, line := range c.want {
				if !strings.Contains("\n"+out.String(), "\n"+line+"\n") {
					t.Errorf("no line %q in\n%s", line, out.String())
				}
			}
			if last := c.want[len(c.want)-1] + "\n"; !strings.HasSuffix(out.String(), last) {
				t.Errorf("the output does not end with %q:\n%s", last, out.String())
			}
		})
	}
}

// Live shows packages and what failed, and not what passed.
func TestLive(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run([]string{"live"}, strings.NewReader(goReport+goFailure+goBroken), &out, false); err != nil {
		t.Fatal(err)
	}
	want := "ok  \tm/a\t0.1s\n    b_test.go:3: two is not three\nFAIL\tm/b\t0.1s\nc.go:1: syntax error\nFAIL\tm/c [build failed]\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNotAReport(t *testing.T) {
	t.Parallel()
	if err := run([]string{"live"}, strings.NewReader("panic: no\n"), io.Discard, false); err == nil {
		t.Error("text that is not JSON was read")
	}
	if _, err := readParts(strings.NewReader("vet\n")); err == nil {
		t.Error("a part without a result was read")
	}
	for _, args := range [][]string{nil, {"live", "x"}, {"summary"}, {"other", "x"}} {
		if err := run(args, nil, io.Discard, false); err == nil || errors.Is(err, errFailed) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
