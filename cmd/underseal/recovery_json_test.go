package main

import (
	"strings"
	"testing"
)

// What doc/cli.md promises of recovery.
type (
	docHolder struct {
		Share  int    `json:"share"`
		Email  string `json:"email"`
		Member string `json:"member"`
		Counts bool   `json:"counts"`
	}
	docRecovery struct {
		Email     string      `json:"email"`
		Member    string      `json:"member"`
		Number    int         `json:"number"`
		Threshold int         `json:"threshold"`
		Left      int         `json:"left"`
		Enrolled  string      `json:"enrolled"`
		Holders   []docHolder `json:"holders"`
	}
	docRecoveryTop struct {
		Schema int `json:"schema_version"`
		docRecovery
	}
	docRecoveryRequest struct {
		Request      string      `json:"request"`
		For          string      `json:"for"`
		Member       string      `json:"member"`
		Reason       string      `json:"reason"`
		Label        string      `json:"label"`
		By           string      `json:"by"`
		Time         string      `json:"time"`
		SafetyNumber string      `json:"safety_number"`
		Threshold    int         `json:"threshold"`
		Approved     []docHolder `json:"approved"`
		Mine         bool        `json:"mine"`
		Ended        bool        `json:"ended"`
	}
	docRecoveryRequestTop struct {
		Schema int `json:"schema_version"`
		docRecoveryRequest
	}
	docRecoveries struct {
		Schema     int                  `json:"schema_version"`
		Recoveries []docRecovery        `json:"recoveries"`
		Requests   []docRecoveryRequest `json:"requests"`
	}
	docRecoveryStart struct {
		Schema       int    `json:"schema_version"`
		Device       string `json:"device"`
		SafetyNumber string `json:"safety_number"`
		Out          string `json:"out"`
	}
	docRecovered struct {
		Schema   int      `json:"schema_version"`
		Member   string   `json:"member"`
		Name     string   `json:"name"`
		Email    string   `json:"email"`
		Device   string   `json:"device"`
		Removed  []string `json:"removed"`
		Wrong    []int    `json:"wrong_shares"`
		Enrolled bool     `json:"enrolled"`
	}
	docRecoveryEnded struct {
		Schema int  `json:"schema_version"`
		Ended  bool `json:"ended"`
	}
)

var recoveryDocs = []any{docRecoveryTop{}, docRecoveryRequestTop{}, docRecoveries{}, docRecoveryStart{}, docRecovered{}, docRecoveryEnded{}}

// recoverable adds Olga and Eve to the officers of w.found, and enrols Bob.
func (w *world) recoverable() {
	w.t.Helper()
	w.found()
	w.person("olga", "Olga Officer", emailOf("olga"))
	w.run("olga", "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
	for _, who := range []string{"eve", "olga"} {
		w.run(who, "identity", "card", "--out", "@"+who+".card")
		w.run("alice", "member", "add", "@"+who+".card", "--role", "officer", "--safety-number", w.safetyNumber(who))
	}
	w.run("alice", "policy", "set", "--officers", "2", "--recovery", "2", "--yes")
	w.run("bob", "recovery", "enroll")
}

func TestRecoveryJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.recoverable()
	w.person("fresh", "Bob Member", emailOf("bob"))

	if r := jsonOf[docRecoveryTop](w, "bob", "recovery", "enroll", "--threshold", "3"); r.Number != 2 || r.Threshold != 3 || r.Left != 3 || len(r.Holders) != 3 || !r.Holders[2].Counts {
		t.Errorf("%+v", r)
	}
	if r := jsonOf[docRecoveryTop](w, "bob", "recovery", "enroll", "--officer", emailOf("olga"), "--officer", emailOf("alice")); r.Number != 3 || r.Threshold != 2 || len(r.Holders) != 2 || r.Holders[0].Email != emailOf("alice") {
		t.Errorf("%+v", r)
	}
	start := jsonOf[docRecoveryStart](w, "fresh", "recovery", "start", "--out", "@bob.request", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
	if len(strings.Fields(start.SafetyNumber)) != 12 || start.Out != w.path("bob.request") {
		t.Errorf("%+v", start)
	}
	asked := jsonOf[docRecoveryRequestTop](w, "eve", "recovery", "request", "@bob.request", "--for", emailOf("bob"), "--reason", "theft")
	if asked.Request != start.Device || asked.SafetyNumber != start.SafetyNumber || asked.Reason != "theft" || asked.Mine || asked.By != emailOf("eve") || asked.For != emailOf("bob") || asked.Label == "" {
		t.Errorf("%+v", asked)
	}
	if got := jsonOf[docRecoveryRequestTop](w, "olga", "recovery", "approve", "--safety-number", start.SafetyNumber); len(got.Approved) != 1 || got.Approved[0].Email != emailOf("olga") || got.Mine {
		t.Errorf("%+v", got)
	}
	list := jsonOf[docRecoveries](w, "alice", "recovery", "list")
	if len(list.Recoveries) != 1 || len(list.Requests) != 1 || !list.Requests[0].Mine || list.Recoveries[0].Email != emailOf("bob") {
		t.Errorf("%+v", list)
	}
	jsonOf[docRecoveryRequestTop](w, "alice", "recovery", "approve", start.Device[:10], "--safety-number", start.SafetyNumber)
	done := jsonOf[docRecovered](w, "fresh", "recovery", "finish")
	if done.Email != emailOf("bob") || done.Name != "Bob Member" || done.Device != start.Device || len(done.Removed) != 1 || !done.Enrolled || len(done.Wrong) != 0 {
		t.Errorf("%+v", done)
	}
	if again := jsonOf[docRecovered](w, "fresh", "recovery", "finish"); again.Member != done.Member {
		t.Errorf("%+v", again)
	}
	if list := jsonOf[docRecoveries](w, "fresh", "recovery", "list", "--all"); len(list.Requests) != 1 || !list.Requests[0].Ended || list.Requests[0].Reason != "theft" {
		t.Errorf("%+v", list)
	}
	if e := jsonOf[docRecoveryEnded](w, "fresh", "recovery", "end", "--yes"); !e.Ended {
		t.Errorf("%+v", e)
	}
	if list := jsonOf[docRecoveries](w, "fresh", "recovery", "list"); len(list.Recoveries) != 0 || list.Requests == nil {
		t.Errorf("%+v", list)
	}
}

// TestRecoveryInput: what cannot be used is named, with its exit code and what
// to do, and nothing changes.
func TestRecoveryInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.recoverable()
	w.person("fresh", "Bob Member", emailOf("bob"))
	w.run("fresh", "recovery", "start", "--out", "@bob.request", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
	text := w.read("bob.request")
	middle := len(text) / 2
	swapped := "A"
	if text[middle] == 'A' {
		swapped = "B"
	}
	w.write("altered.request", text[:middle]+swapped+text[middle+1:])
	w.write("short.request", text[:middle])
	w.write("twice.request", text+text)
	w.write("huge.request", strings.Repeat("x", 1<<20))
	store := contents(t, w.path("firm"))
	request := func(file string) []string {
		return []string{"recovery", "request", file, "--for", emailOf("bob"), "--reason", "theft"}
	}
	for _, c := range []struct {
		class class
		who   string
		args  []string
		text  string
	}{
		{classInput, "alice", request("@altered.request"), "not a valid request for recovery"},
		{classInput, "alice", request("@short.request"), "not a valid request for recovery"},
		{classInput, "alice", request("@twice.request"), "not a valid request for recovery"},
		{classInput, "alice", request("@huge.request"), "larger"},
		{classInput, "alice", request("@no.request"), "no.request"},
		{classDenied, "bob", request("@bob.request"), "may not do this"},
		{classUsage, "alice", []string{"recovery", "request", "@bob.request", "--reason", "x"}, "for"},
		{classInput, "alice", []string{"recovery", "request", "@bob.request", "--for", emailOf("bob"), "--reason", "a\x07b"}, "reason"},
		{classDenied, "alice", []string{"recovery", "request", "@bob.request", "--for", emailOf("alice"), "--reason", "x"}, "themself"},
		{classInput, "alice", []string{"recovery", "approve"}, "no request waits for you"},
		{classInput, "alice", []string{"recovery", "approve", "12"}, "no request waits for you"},
		{classUsage, "alice", []string{"recovery", "approve", "12", "13"}, "one REQUEST at most"},
		{classInput, "bob", []string{"recovery", "enroll", "--threshold", "9"}, "9 of 3 officers"},
		{classUsage, "bob", []string{"recovery", "enroll", "--threshold", "-1"}, "number of officers"},
		{classUsage, "bob", []string{"recovery", "enroll", "--threshold", "two"}, "threshold"},
		{classInput, "bob", []string{"recovery", "enroll", "--officer", "nobody@example.com"}, "no such name"},
		{classUsage, "bob", []string{"recovery", "end"}, "no terminal"},
		{classSetup, "bob", []string{"recovery", "finish"}, "belongs to a member already"},
		{classInput, "fresh", []string{"recovery", "finish"}, "no officer has put the request"},
		{classSetup, "bob", []string{"recovery", "start", "--out", "@x.request"}, "belongs to a member already"},
		{classStorage, "fresh", []string{"recovery", "start", "--out", "@bob.request"}, "exists"},
		{classUsage, "fresh", []string{"recovery", "start"}, "out"},
	} {
		w.fails(c.class, c.who, c.args, c.text)
	}
	for name, content := range contents(t, w.path("firm")) {
		if store[name] != content && !strings.Contains(name, "mail") { // statements of what was seen
			t.Errorf("%s was changed", name)
		}
	}
	w.absent("x.request")
}
