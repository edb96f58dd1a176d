package main

import (
	"os"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk"
)

func TestFindings(t *testing.T) {
	t.Parallel()
	var l findings
	for range 212 {
		l.add(jsonFinding{On: "contact", Record: "1", Name: "SSN", Reason: string(bulk.NotGranted)})
		l.add(jsonFinding{On: "matter", Record: "1", Name: "SSN", Reason: string(bulk.NotGranted)})
	}
	for range bulk.MaxFindings + 3 {
		l.add(jsonFinding{On: "contact", Record: "2", Name: "SSN", Reason: string(bulk.InClear)})
	}
	if len(l.notGranted) != 2 || l.notGranted[0] != (notGranted{"contact", "SSN", 212}) || l.notGranted[1].values != 212 || len(l.others) != bulk.MaxFindings || l.more != 3 {
		t.Errorf("%+v, %d, %d more", l.notGranted, len(l.others), l.more)
	}
	if of := findingsOf(jsonReport{Findings: l.others[:2], More: 7}); len(of.others) != 2 || of.more != 7 {
		t.Errorf("%+v", of)
	}
}

// Whoever verifies learns what a command can do about it, what a person has to,
// and where the values are as they were.
func TestClioUnverified(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	w.run("alice", "clio", "enable", "SSN", "--yes")
	ssns := w.values("SSN")
	const repair, person = "underseal clio enable --repair seals what is in clear", "a person has to put right what else is listed; the sealed cop"
	verify := func(want, not string) string {
		t.Helper()
		r := w.try("alice", "clio", "verify")
		if r.code != classRefused.code || !strings.Contains(r.stderr, want) || strings.Contains(r.stderr, not) {
			t.Errorf("exit %d\n%s", r.code, r.stderr)
		}
		return r.stderr
	}
	w.edit(ssns[0], "900-11-2222")
	verify(repair, person)
	w.edit(ssns[1], "us1.typed by somebody")
	if hint := verify(repair+"; "+person, "not granted"); !strings.Contains(hint, w.path("alice/"+exportsFolder)) {
		t.Error(hint)
	}
	w.run("alice", "clio", "enable", "Court", "--yes")
	w.edit(ssns[0], strings.Trim(string(ssns[0].JSON), `"`))
	verify("hint: "+person, repair)
	if err := os.RemoveAll(w.path("alice/" + exportsFolder)); err != nil {
		t.Fatal(err)
	}
	verify("hint: "+person+"y that --export named", repair)
	w.edit(ssns[1], strings.Trim(string(ssns[1].JSON), `"`))
	w.run("alice", "clio", "verify")
}

// What somebody was not granted is counted by field: there may be thousands.
func TestClioVerifyNotGranted(t *testing.T) {
	t.Parallel()
	w := clioWorldOf(t, 12, 150) // more than a report lists
	w.run("alice", w.connectArgs("--share-with", emailOf("bob"))...)
	w.run("alice", "clio", "enable", "SSN", "--yes")
	w.run("alice", "clio", "enable", "Court", "--to", emailOf("bob"), "--yes")
	w.as(clioUser("bob"), "approve")
	w.run("bob", "clio", "connect", "--port", "0")
	n := len(w.values("SSN"))
	r := w.try("bob", "clio", "verify")
	if r.code != classRefused.code || n <= bulk.MaxFindings || !strings.Contains(r.stdout, "contact SSN: "+itoa(int64(n))+" tokens of a key that is not granted to you\n") || strings.Count(r.stdout, "not granted") != 1 {
		t.Errorf("exit %d, %d values\n%s%s", r.code, n, r.stdout, r.stderr)
	}
	if !strings.Contains(r.stderr, "hint: ask somebody with the share right") || strings.Contains(r.stderr, "--repair") || strings.Contains(r.stderr, "a person has to") {
		t.Error(r.stderr)
	}
}
