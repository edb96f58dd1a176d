package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// result is what one or several reports say.
type result struct {
	passed, failed int
	skipped        []skip
	nodeSkipped    int      // Node's runner gives no reasons
	failures       []string // what failed, by name
	failedParts    []string
	closing        []string // the runners' own closing lines
}

type skip struct{ test, reason string }

func (r *result) add(o result) {
	r.passed += o.passed
	r.failed += o.failed
	r.skipped = append(r.skipped, o.skipped...)
	r.nodeSkipped += o.nodeSkipped
	r.failures = append(r.failures, o.failures...)
	r.failedParts = append(r.failedParts, o.failedParts...)
	r.closing = append(r.closing, o.closing...)
}

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

var (
	// The lines of a package rather than of a test that are worth showing.
	packageLine = regexp.MustCompile(`^(ok|FAIL|\?)\s`)
	// The head that the testing package puts before a message.
	position = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)
	nodeLine = regexp.MustCompile(`^\s*[#ℹ] (tests|pass|fail|cancelled|skipped|todo) (\d+)\s*$`)
)

// readGo reads a stream of `go test -json` and writes to live what somebody
// who waits wants to see: a line for each package, and the whole output of
// what failed.
func readGo(in io.Reader, live io.Writer) (result, error) {
	var res result
	output := map[string][]string{} // of each running test or package
	failedTests := map[string]bool{}
	say := func(s string) error {
		_, err := io.WriteString(live, s)
		return err
	}
	for dec := json.NewDecoder(in); ; {
		var e event
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return res, nil
		}
		if err != nil {
			return res, fmt.Errorf("not the output of go test -json: %w", err)
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			if e.Test == "" && packageLine.MatchString(e.Output) {
				res.closing = append(res.closing, strings.TrimRight(e.Output, "\n"))
				err = say(e.Output)
				break
			}
			output[key] = append(output[key], e.Output)
		case "build-output":
			err = say(e.Output)
		case "pass":
			if e.Test != "" {
				res.passed++
			}
			delete(output, key)
		case "skip":
			if e.Test != "" {
				res.skipped = append(res.skipped, skip{key, reason(output[key])})
			}
			delete(output, key)
		case "fail":
			// A package fails with its tests; it counts on its own only if
			// no test of it did: it did not compile, or it crashed.
			if e.Test != "" || !failedTests[e.Package] {
				res.failed++
				res.failures = append(res.failures, strings.TrimSpace(key))
				err = say(strings.Join(output[key], ""))
			}
			failedTests[e.Package] = true
			delete(output, key)
		}
		if err != nil {
			return res, err
		}
	}
}

// reason is the message of a skipped test, without its position.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		if at := position.FindString(line); at != "" {
			return strings.TrimSpace(line[len(at):])
		}
	}
	return "no reason given"
}

// readNode reads the counts at the end of the output of Node's test runner.
// Output without counts is one failure: the runner did not get that far.
func readNode(in io.Reader) (result, error) {
	var res result
	counts := map[string]int{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := nodeLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[2])
		if err != nil {
			return res, err
		}
		counts[m[1]] += n
		res.closing = append(res.closing, "node: "+strings.TrimSpace(lines.Text()))
	}
	if err := lines.Err(); err != nil {
		return res, err
	}
	res.passed = counts["pass"]
	res.failed = counts["fail"] + counts["cancelled"]
	res.nodeSkipped = counts["skipped"] + counts["todo"]
	if counts["tests"] == 0 {
		res.failed++
		res.failures = append(res.failures, "node: no test was counted")
	} else if res.failed > 0 {
		res.failures = append(res.failures, "node: see its output")
	}
	return res, nil
}

// readParts reads the parts of scripts/parts.sh: name, seconds, result.
func readParts(in io.Reader) (result, error) {
	var res result
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) != 3 {
			return res, fmt.Errorf("not a part: %q", lines.Text())
		}
		if cells[2] != "ok" {
			res.failedParts = append(res.failedParts, cells[0])
		}
	}
	return res, lines.Err()
}

// readSkipped reads the parts that lacked something: what, and how to get it.
func readSkipped(in io.Reader) (result, error) {
	var res result
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		what, how, _ := strings.Cut(lines.Text(), "\t")
		res.skipped = append(res.skipped, skip{"part of make test", "needs " + what + ": " + how})
	}
	return res, lines.Err()
}

// print writes the table of skipped tests and the counts, which are its last
// line. Where ci is set a test that lacked something is a failure: there,
// nothing may be missing.
func (r *result) print(out io.Writer, ci bool) error {
	var b strings.Builder
	byReason := map[string][]string{}
	for _, s := range r.skipped {
		byReason[s.reason] = append(byReason[s.reason], s.test)
		if ci && strings.HasPrefix(s.reason, "needs ") {
			r.failures = append(r.failures, s.test+" (skipped: "+s.reason+")")
		}
	}
	if len(byReason) > 0 {
		fmt.Fprintf(&b, "%7s  %s\n", "skipped", "because")
	}
	for _, why := range slices.Sorted(maps.Keys(byReason)) {
		fmt.Fprintf(&b, "%7d  %s\n", len(byReason[why]), why)
		for _, test := range byReason[why] {
			fmt.Fprintf(&b, "%7s    %s\n", "", test)
		}
	}
	for _, f := range r.failures {
		fmt.Fprintf(&b, "failed: %s\n", f)
	}
	for _, p := range r.failedParts {
		fmt.Fprintf(&b, "failed part: %s\n", p)
	}
	failed := max(r.failed, len(r.failures)) // failures also has what CI may not skip
	for _, p := range r.failedParts {
		// The failures of a part that counts its tests are counted.
		if !strings.HasPrefix(p, "tests: ") || failed == 0 {
			failed++
		}
	}
	if r.passed == 0 {
		fmt.Fprintln(&b, "failed: no test was run")
		failed++
	}
	fmt.Fprintf(&b, "%d passed, %d failed, %d skipped\n", r.passed, failed, len(r.skipped)+r.nodeSkipped)
	if _, err := io.WriteString(out, b.String()); err != nil {
		return err
	}
	if failed > 0 {
		return errFailed
	}
	return nil
}
