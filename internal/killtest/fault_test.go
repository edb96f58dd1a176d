package killtest

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/testenv"
)

// The exit codes of doc/cli.md.
const (
	exitInput      = 6
	exitStorage    = 8
	exitBusy       = 9
	exitConnection = 11
	exitLeft       = 13
	exitSetup      = 3

	enabling        = "SSN"
	enablingTwinned = "Annual income"

	// midway is a number of writes after which some values are sealed: a few
	// find out what a field keeps.
	midway = 14
)

var enable = []string{"clio", "enable", enabling, enablingTwinned, "--yes"}

// office is a connected firm of contacts, whose writes take their time.
func office(t *testing.T, contacts int) (*world, snapshot) {
	t.Helper()
	testenv.NotShort(t)
	w := newWorld(t, size{seed: 1, contacts: contacts})
	w.found()
	w.faults(slow())
	return w, w.look()
}

// during starts a command, does a deed once n more records were written, and
// returns how the command ended.
func (w *world) during(n int, c *exec.Cmd, deed func()) result {
	w.t.Helper()
	from := w.written()
	var r result
	ended, end := make(chan struct{}), w.start(c)
	go func() {
		defer close(ended)
		r = end()
	}()
	// Nothing tells of another process's writes but looking.
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for w.written() < from+n {
		select {
		case <-ended:
			w.t.Fatalf("it ended before %d writes: %+v", n, r)
		case <-look.C:
		}
	}
	deed()
	<-ended
	return r
}

// sound fails if anything is lost or doubled, and returns what is so.
func (w *world) sound(before snapshot) judgement {
	w.t.Helper()
	j := w.judge(before, enabling, enablingTwinned)
	if j.lost+j.doubled+j.other != 0 {
		w.t.Errorf("%v", j)
	}
	return j
}

// partly: some values are sealed, some are not, none is neither.
func (w *world) partly(before snapshot) {
	w.t.Helper()
	if j := w.sound(before); j.sealed == 0 || j.clear == 0 {
		w.t.Errorf("not in the middle: %v", j)
	}
}

// complete: every value is sealed and verified.
func (w *world) complete(before snapshot) {
	w.t.Helper()
	if j := w.sound(before); j.sealed == 0 || j.clear != 0 {
		w.t.Errorf("%v", j)
	}
	w.run("alice", "clio", "verify")
}

// untouched: Clio has exactly what it had.
func (w *world) untouched(before snapshot) {
	w.t.Helper()
	now := w.look()
	if !maps.Equal(now.elements, before.elements) || !maps.Equal(now.fields, before.fields) {
		w.t.Error("something changed")
	}
}

// The oracle tells when something is lost, doubled, left or changed.
func TestOracle(t *testing.T) {
	t.Parallel()
	w, before := office(t, 20)
	w.run("alice", enable...)
	w.complete(before)
	ssn := before.field(t, enabling).ID
	var holding []place
	for at := range before.values {
		if at.field == ssn {
			holding = append(holding, at)
		}
	}
	w.edit(holding[0].record, ssn, nil)
	w.edit(holding[1].record, ssn, json.RawMessage(before.values[holding[1]]))
	w.edit(holding[2].record, before.field(t, "Private email").ID, "changed@mail.example")
	was := before.values[holding[3]]
	before.values[holding[3]] = `"something else"`
	j := w.judge(before, enabling, enablingTwinned)
	before.values[holding[3]] = was
	if j.lost != 2 || j.clear != 1 || j.other != 1 {
		t.Errorf("%v", j)
	}
	income := before.field(t, enablingTwinned).ID
	for at := range before.values {
		if at.field == income {
			w.edit(at.record, income, json.RawMessage(before.values[at]))
			break
		}
	}
	if j := w.judge(before, enabling, enablingTwinned); j.doubled != 1 {
		t.Errorf("%v", j)
	}
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	w := newWorld(t, size{seed: 1, contacts: 5})
	w.home("alice", alice)
	w.run("alice", "org", "new", "Harbor & Partners", "--store", "dir:"+w.path("firm"))
	w.write("wrong-secret", "not-it\n")
	for name, flags := range map[string][]string{
		"secret": {"--client-secret-file", w.path("wrong-secret")},
		"id":     {"--client-id", "nobody's", "--wait", "1s"},
	} {
		out, err := w.signIn("alice", alice, flags...)
		if err == nil || !strings.Contains(err.Error(), "exit status "+strconv.Itoa(exitConnection)) || !strings.Contains(out, "hint: ") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		w.fails(exitSetup, "alice", []string{"clio", "status"}, "clio connect")
	}
	w.connect("alice", alice)
	w.run("alice", "clio", "status")
}

func TestTokenRevoked(t *testing.T) {
	t.Parallel()
	w, before := office(t, 60)
	w.faults(map[string]any{"do": "revoke", "from": 12, "method": "PATCH", "route": "/api/v4/contacts/*"}, slow())
	w.fails(exitConnection, "alice", enable, "clio connect", "job resume")
	w.partly(before)
	w.fails(exitConnection, "alice", []string{"job", "resume"}, "clio connect")
	w.connect("alice", alice)
	w.run("alice", "job", "resume")
	w.complete(before)
}

// The same place answers as another region, which knows neither application
// nor tokens.
func TestWrongRegion(t *testing.T) {
	t.Parallel()
	w, before := office(t, 60)
	c := w.command("alice", enable...)
	w.during(midway, c, func() { _ = c.Process.Kill() })
	w.again("--region", "eu")
	w.fails(exitConnection, "alice", []string{"job", "resume"}, "clio connect")
	if out, err := w.signIn("alice", alice, "--wait", "1s"); err == nil || !strings.Contains(out, "--region") {
		t.Errorf("%v\n%s", err, out)
	}
	w.again("--region", "us")
	w.partly(before)
	w.run("alice", "job", "resume")
	w.complete(before)
}

// What an account may not see is never taken for nothing, and what it may not
// do stops the job.
func TestPermissionMissing(t *testing.T) {
	t.Parallel()
	w, before := office(t, 60)
	permit := func(what string) {
		w.admin(http.MethodPost, "permit", map[string]any{"email": alice, "permissions": map[string]bool{what: what != ""}}, nil)
	}
	for _, what := range []string{"no_definitions", "strip_values", "no_field_admin", "read_only"} {
		permit(what)
		w.fails(exitConnection, "alice", enable)
		w.untouched(before)
	}
	permit("")
	for _, what := range []string{"strip_values", "read_only"} {
		if r := w.during(midway, w.command("alice", enable...), func() { permit(what) }); r.code != exitConnection {
			t.Errorf("%s: %+v", what, r)
		}
		permit("")
		w.partly(before)
	}
	w.run("alice", "job", "resume")
	w.complete(before)
}

func TestFieldRenamedWhileRunning(t *testing.T) {
	t.Parallel()
	w, before := office(t, 60)
	ssn := strconv.FormatInt(before.field(t, enabling).ID, 10)
	r := w.during(midway, w.command("alice", enable...), func() {
		w.person(http.MethodPatch, "/custom_fields/"+ssn, map[string]any{"name": "Social security number"})
	})
	if r.code != 0 {
		t.Errorf("%+v", r)
	}
	w.complete(before)
}

// A field that somebody deletes stops, and the other is sealed to its end.
func TestFieldDeletedWhileRunning(t *testing.T) {
	t.Parallel()
	w, before := office(t, 60)
	ssn := before.field(t, enabling).ID
	r := w.during(midway, w.command("alice", enable...), func() {
		w.person(http.MethodDelete, "/custom_fields/"+strconv.FormatInt(ssn, 10), nil)
	})
	if r.code != exitInput || !strings.Contains(r.stderr, "SSN") {
		t.Errorf("%+v", r)
	}
	maps.DeleteFunc(before.elements, func(at place, _ string) bool { return at.field == ssn })
	maps.DeleteFunc(before.values, func(at place, _ string) bool { return at.field == ssn })
	delete(before.fields, ssn)
	if j := w.judge(before, enablingTwinned); j.lost+j.doubled+j.other+j.clear != 0 || j.sealed == 0 {
		t.Errorf("%v", j)
	}
}

// What a person writes while the job runs wins: it is sealed when the job
// comes to it, or found in clear and sealed by the repair.
func TestPersonEditsWhileRunning(t *testing.T) {
	t.Parallel()
	w, before := office(t, 60)
	ssn := before.field(t, enabling).ID
	var records []int64
	for at := range before.elements {
		if at.kind == "contact" && at.field == ssn {
			records = append(records, at.record)
		}
	}
	slices.Sort(records)
	slices.Reverse(records)
	r := w.during(midway, w.command("alice", enable...), func() {
		for _, id := range records {
			value := "edited " + strconv.FormatInt(id, 10)
			w.edit(id, ssn, value)
			before.values[place{"contact", id, ssn}] = strconv.Quote(value)
		}
	})
	if r.code != 0 {
		t.Errorf("%+v", r)
	}
	w.partly(before)
	w.run("alice", "clio", "enable", "--repair", "--yes")
	w.complete(before)
}

// A value that looks like a token and is none is left and listed.
func TestPersonWritesWhatLooksLikeAToken(t *testing.T) {
	t.Parallel()
	w, before := office(t, 60)
	ssn := before.field(t, enabling).ID
	var last int64
	for at := range before.values {
		if at.field == ssn {
			last = max(last, at.record)
		}
	}
	at := place{"contact", last, ssn}
	r := w.during(midway, w.command("alice", enable...), func() { w.edit(last, ssn, "us1.not-a-token") })
	if r.code != exitLeft || !strings.Contains(r.stdout+r.stderr, strconv.FormatInt(last, 10)) {
		t.Errorf("%+v", r)
	}
	if got := w.look().values[at]; got != `"us1.not-a-token"` {
		t.Errorf("it was changed to %s", got)
	}
	w.edit(last, ssn, nil)
	delete(before.values, at)
	w.complete(before)
}

// Two officers start the same job at the same time, from homes and with Clio
// tokens of their own, after a third was killed in the middle of a page. Long
// tests wait until her lease is over; otherwise she comes back.
func TestTwoOfficersAndADeadOne(t *testing.T) {
	t.Parallel()
	w, before := office(t, 250)
	w.officer("bob", bob)
	w.officer("carol", carol)
	start := func(who string) *exec.Cmd {
		return w.command(who, append(slices.Clone(enable), "--to", alice, "--to", bob, "--to", carol)...)
	}
	dead := start("carol")
	w.during(midway, dead, func() { _ = dead.Process.Kill() })
	w.partly(before)
	workers := []*exec.Cmd{start("alice"), start("bob")}
	if os.Getenv("UNDERSEAL_LONG") == "" {
		workers = append(workers, w.command("carol", "job", "resume"))
	}
	results := make([]result, len(workers))
	var wg sync.WaitGroup
	for i, c := range workers {
		end := w.start(c)
		wg.Go(func() { results[i] = end() })
	}
	wg.Wait()
	for _, r := range results {
		if r.code != 0 {
			t.Errorf("%+v", r)
		}
	}
	w.complete(before)
}

// Two officers type the same at the same instant, about fields that nobody has
// protected yet. One may be told that the other is at work, and types it again.
func TestTwoOfficersAtOnce(t *testing.T) {
	t.Parallel()
	w, before := office(t, 60)
	w.officer("bob", bob)
	var wg sync.WaitGroup
	for _, who := range []string{"alice", "bob"} {
		wg.Go(func() {
			args := append(slices.Clone(enable), "--to", alice, "--to", bob)
			r := w.try(who, args...)
			if r.code == exitBusy {
				r = w.try(who, args...)
			}
			if r.code != 0 {
				t.Errorf("%s: %+v", who, r)
			}
		})
	}
	wg.Wait()
	w.complete(before)
	w.run("bob", "clio", "verify")
}

func TestJournalDeleted(t *testing.T) {
	t.Parallel()
	w, before := office(t, 60)
	c := w.command("alice", enable...)
	w.during(midway, c, func() { _ = c.Process.Kill() })
	must(t, os.Remove(w.path("home-alice/jobs/journal.sqlite")))
	w.partly(before)
	w.fails(exitInput, "alice", []string{"job", "resume"}, "job list")
	w.run("alice", enable...)
	w.complete(before)
	must(t, os.RemoveAll(w.path("home-alice/jobs")))
	w.run("alice", "clio", "disable", enabling, enablingTwinned, "--yes")
	w.untouched(before)
}
