package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// What doc/cli.md promises of org status and org rekey.
type (
	docEpoch struct {
		Resource string `json:"resource"`
		Ended    bool   `json:"ended"`
		Epoch    int    `json:"epoch"`
		Values   int    `json:"values"`
	}
	docFieldEpochs struct {
		Name    string     `json:"name"`
		ID      string     `json:"id"`
		Epoch   int        `json:"epoch"`
		Closed  bool       `json:"closed"`
		Read    string     `json:"read,omitempty"`
		Values  []docEpoch `json:"values"`
		Earlier int        `json:"values_under_earlier_keys"`
	}
	docClosed struct {
		Kind     string   `json:"kind"`
		Name     string   `json:"name"`
		Epoch    int      `json:"epoch"`
		WaitsFor []string `json:"waits_for"`
		Orphaned bool     `json:"orphaned"`
		Readers  []string `json:"readers"`
		Sharers  []struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"sharers"`
		Mine bool `json:"yours_to_open"`
	}
	docMissed struct {
		Kind     string   `json:"kind"`
		Name     string   `json:"name"`
		Epoch    int      `json:"epoch"`
		Who      []string `json:"who"`
		WaitsFor []string `json:"waits_for"`
		Mine     bool     `json:"yours_to_seal"`
	}
	docExpired struct {
		Email   string `json:"email"`
		Expired string `json:"expired"`
	}
	docOrgStatus struct {
		Schema  int              `json:"schema_version"`
		Account string           `json:"account,omitempty"`
		Fields  []docFieldEpochs `json:"fields"`
		Earlier int              `json:"values_under_earlier_keys"`
		Closed  []docClosed      `json:"closed"`
		Missed  []docMissed      `json:"missed"`
		Guests  []docExpired     `json:"expired_guests"`
		Demoted []string         `json:"demoted"`
	}
	docRekeyField struct {
		Name   string     `json:"name"`
		ID     string     `json:"id"`
		Values int        `json:"values"`
		Sealed int        `json:"sealed"`
		Epochs []docEpoch `json:"epochs"`
	}
	docRekeyPlan struct {
		Schema   int             `json:"schema_version"`
		Event    string          `json:"event"`
		Account  string          `json:"account"`
		Records  int             `json:"records"`
		Values   int             `json:"values"`
		Writes   int             `json:"records_to_write"`
		Requests int             `json:"requests"`
		PerMin   float64         `json:"requests_per_minute"`
		Seconds  int             `json:"seconds"`
		Export   string          `json:"export,omitempty"`
		Fields   []docRekeyField `json:"fields"`
		Findings []docFinding    `json:"findings"`
		More     int             `json:"more_findings"`
	}
	docRekeyedColumn struct {
		Column string `json:"column"`
		Field  string `json:"field"`
		Sealed int    `json:"sealed_again"`
		Kept   int    `json:"kept"`
		Left   int    `json:"left"`
		Reason string `json:"reason,omitempty"`
		Epochs []struct {
			Epoch  int `json:"epoch"`
			Values int `json:"values"`
		} `json:"epochs"`
	}
	docCellFailure struct {
		File   string `json:"file"`
		Row    int    `json:"row"`
		Line   int    `json:"line"`
		Record string `json:"record,omitempty"`
		Column string `json:"column"`
		Reason string `json:"reason"`
	}
	docRekeyed struct {
		Schema   int                `json:"schema_version"`
		Rows     int                `json:"rows"`
		Sealed   int                `json:"sealed_again"`
		Kept     int                `json:"kept"`
		Left     int                `json:"left"`
		Failed   int                `json:"failed"`
		Requoted int                `json:"requoted"`
		Columns  []docRekeyedColumn `json:"columns"`
		Failures []docCellFailure   `json:"failures"`
		Out      string             `json:"out"`
		Done     bool               `json:"done"`
		Error    *docError          `json:"error,omitempty"`
	}
)

// rekeyDocs are all of them, for TestContractHasMembers.
var rekeyDocs = []any{docOrgStatus{}, docRekeyPlan{}, docRekeyed{}}

// stored are the values of a field as Clio keeps them.
func (w *clioWorld) stored(field string) (list []string) {
	for _, v := range w.values(field) {
		list = append(list, string(v.JSON))
	}
	return list
}

// joins lets somebody in.
func (w *world) joins(who, name, role string) {
	w.t.Helper()
	w.person(who, name, emailOf(who))
	w.run(who, "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", w.known)
	w.run(who, "identity", "card", "--out", "@"+who+".card")
	w.run("alice", "member", "add", "@"+who+".card", "--role", role, "--safety-number", w.safetyNumber(who))
}

// The whole way: somebody is taken out, status says what is left, rekey does it,
// and undo puts it back.
func TestOrgRekey(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	w.run("alice", "clio", "enable", "SSN", "Court", "--to", emailOf("bob"), "--yes")
	ssn, court := len(w.values("SSN")), 12
	s := jsonOf[docOrgStatus](w.world, "alice", "org", "status")
	if len(s.Fields) != 2 || s.Earlier != 0 || s.Fields[1].Name != "SSN" || s.Fields[1].Epoch != 1 || len(s.Fields[1].Values) != 1 || s.Fields[1].Values[0].Values != ssn || s.Fields[1].Read == "" {
		t.Errorf("%+v", s)
	}
	// A plan of a removal says what will be left, and so does that of a device.
	if r := jsonOf[docMemberRemoval](w.world, "alice", "member", "remove", emailOf("bob"), "--dry-run"); r.Left != ssn+court || r.Uncounted != 2 {
		t.Errorf("%d values left, %d fields not counted", r.Left, r.Uncounted)
	}
	plan := w.run("alice", "member", "remove", emailOf("bob"), "--dry-run").stderr
	for _, line := range []string{fmt.Sprintf("  values left       %d under the keys of today, as Clio was read ", ssn+court), "  not counted       the values of 2 fields: "} {
		if !strings.Contains(plan, line) {
			t.Errorf("%q is not in\n%s", line, plan)
		}
	}
	before := w.stored("SSN")
	w.run("alice", "field", "revoke", "SSN", "--from", emailOf("bob"))
	if s = jsonOf[docOrgStatus](w.world, "alice", "org", "status"); s.Earlier != ssn || s.Fields[1].Earlier != ssn || s.Fields[0].Earlier != 0 || s.Fields[1].Epoch != 2 {
		t.Errorf("%+v", s)
	}
	if r := w.run("alice", "org", "status", "--read"); !strings.Contains(r.stdout, "epoch 1: ") || !strings.Contains(r.stderr, "next: underseal org rekey") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}

	copies := len(w.exports("alice"))
	p := jsonOf[docRekeyPlan](w.world, "alice", "org", "rekey", "--dry-run")
	if p.Event != "plan" || p.Values != ssn || p.Writes != ssn || len(p.Fields) != 2 || p.Fields[1].Sealed+p.Fields[0].Sealed != court || len(p.Findings) != 0 {
		t.Errorf("%+v", p)
	}
	if !slices.Equal(w.stored("SSN"), before) || len(w.exports("alice")) != copies {
		t.Error("a dry run changed something")
	}
	w.fails(classInput, "alice", []string{"org", "rekey", "--field", "nothing", "--yes"}, "nothing")
	w.fails(classSetup, "bob", []string{"org", "rekey", "--field", "SSN", "--yes"}, "not connected")
	_, r := streamed[docReport](t, w.run("alice", "org", "rekey", "--field", "SSN", "--yes", "--json").stdout)
	if r.Call != "rekey" || r.Changed != ssn || r.Fields[0].Again != ssn || r.Skipped != 0 || r.Exported != ssn || r.Error != nil {
		t.Errorf("%+v", r)
	}
	after := w.stored("SSN")
	for _, token := range before {
		if slices.Contains(after, token) {
			t.Fatal("a token is as it was")
		}
	}
	if s = jsonOf[docOrgStatus](w.world, "alice", "org", "status"); s.Earlier != 0 || s.Fields[1].Values[0].Epoch != 2 {
		t.Errorf("%+v", s)
	}
	w.run("alice", "clio", "verify")
	if r := w.run("alice", "org", "rekey", "--yes"); !strings.Contains(r.stderr, "nothing that you can open is under an earlier key") {
		t.Errorf("%s", r.stderr)
	}
	jobs := jsonOf[docJobs](w.world, "alice", "job", "list")
	if jobs.Jobs[0].Direction != "rekey" || jobs.Jobs[0].ID != r.Job {
		t.Errorf("%+v", jobs)
	}
	// Finished jobs go on, too, and find nothing to do.
	w.run("alice", "job", "resume", r.Job)
	u := w.run("alice", "job", "undo", r.Job, "--yes")
	if !strings.Contains(u.stderr, "the values stay sealed") || !strings.Contains(u.stdout, "PUT BACK") || !slices.Equal(w.stored("SSN"), before) {
		t.Errorf("%s%s", u.stdout, u.stderr)
	}
	if s = jsonOf[docOrgStatus](w.world, "alice", "org", "status"); s.Earlier != ssn {
		t.Errorf("%+v", s)
	}
	// The job that sealed them is undone also after they were sealed again.
	w.run("alice", "org", "rekey", "--yes")
	for _, j := range jobs.Jobs {
		if j.Direction == "enable" {
			w.run("alice", "job", "undo", j.ID, "--yes")
		}
	}
	if strings.Contains(w.dump(), "us1.") {
		t.Error("a token is left")
	}
}

// A field that an officer closed, who does not hold it: each is told who can do
// what.
func TestOrgRekeyOfAClosedField(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	w.run("alice", "clio", "enable", "SSN", "--to", emailOf("bob"), "--yes")
	w.joins("dora", "Dora Officer", "officer")
	w.run("dora", "field", "revoke", "SSN", "--from", emailOf("bob"))
	w.run("alice", "field", "list")
	s := jsonOf[docOrgStatus](w.world, "dora", "org", "status")
	if len(s.Closed) != 1 || s.Closed[0].Kind != "field" || s.Closed[0].Epoch != 1 || s.Closed[0].Mine || s.Closed[0].Orphaned || !slices.Equal(s.Closed[0].WaitsFor, []string{emailOf("alice")}) {
		t.Errorf("%+v", s)
	}
	r := w.run("alice", "org", "status")
	if !strings.Contains(r.stdout, "closed   field SSN, epoch 1: it waits for you: underseal field rotate SSN") || !strings.Contains(r.stderr, "next: underseal org catch-up") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	if s := w.run("dora", "status").stdout; !strings.Contains(s, pendingOthers) {
		t.Errorf("%s", s)
	}
	w.as(clioUser("alice"), "approve")
	w.run("bob", w.connectArgs()...)
	w.run("alice", "field", "grant", "SSN", "--to", emailOf("bob")) // which opens it
	w.joins("gina", "Gina Member", "member")
	w.run("alice", "field", "grant", "SSN", "--to", emailOf("gina"))
	w.run("dora", "field", "revoke", "SSN", "--from", emailOf("gina"))
	w.fails(classDenied, "bob", []string{"org", "rekey", "--field", "SSN", "--yes"}, "closed", "hint: it waits for "+emailOf("alice")+": underseal field rotate SSN")
	if r := w.try("bob", "org", "rekey", "--yes"); r.code != classDenied.code || !strings.Contains(r.stderr, "it is left") || !strings.Contains(r.stderr, "hint: it waits for "+emailOf("alice")) {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	w.run("alice", "org", "rekey", "--yes")
	w.run("bob", "clio", "verify")
	if s := jsonOf[docOrgStatus](w.world, "bob", "org", "status", "--read"); s.Earlier != 0 || s.Fields[0].Epoch != 3 {
		t.Errorf("%+v", s)
	}
}

// A file of several epochs becomes one of the present.
func TestOrgRekeyFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("people.csv", "id,name,birthday\n1,Ada,202-224-0001\n2,Bea,\n3,Cid,202-224-0003\n")
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "birthday")
	w.run("alice", "field", "rotate", "birthday")
	rekey := []string{"org", "rekey", "--file", "@sealed.csv", "--out", "@new.csv", "--record-id", "id"}
	p := jsonOf[docRekeyed](w, "alice", append(rekey, "--dry-run")...)
	if p.Rows != 3 || p.Sealed != 2 || p.Kept+p.Left+p.Failed != 0 || p.Done || p.Out != "" || len(p.Columns) != 1 || len(p.Columns[0].Epochs) != 1 || p.Columns[0].Epochs[0].Values != 2 {
		t.Errorf("%+v", p)
	}
	told := w.run("alice", "org", "rekey", "--file", "@sealed.csv", "--record-id", "id", "--dry-run").stderr
	for _, line := range []string{"  birthday, field birthday: 2 values to seal again (2 of epoch 1)\n", "nothing was written\n", "next: underseal org rekey --file ", " --out new.csv --record-id id\n"} {
		if !strings.Contains(told, line) {
			t.Errorf("%q is not in\n%s", line, told)
		}
	}
	w.absent("new.csv")
	r := jsonOf[docRekeyed](w, "alice", rekey...)
	if r.Rows != 3 || r.Sealed != 2 || r.Kept+r.Left+r.Failed != 0 || len(r.Columns) != 1 || r.Columns[0].Field != "birthday" || r.Out != w.path("new.csv") || !r.Done {
		t.Errorf("%+v", r)
	}
	w.fails(classStorage, "alice", rekey, "exists")
	again := jsonOf[docRekeyed](w, "alice", "org", "rekey", "--file", "@new.csv", "--out", "@again.csv", "--record-id", "id", "--column", "birthday")
	if again.Kept != 2 || again.Sealed != 0 {
		t.Errorf("%+v", again)
	}
	was, _ := os.ReadFile(w.path("new.csv"))
	is, err := os.ReadFile(w.path("again.csv"))
	if err != nil || string(was) != string(is) {
		t.Errorf("%v: it changed", err)
	}
	w.run("alice", "open", "@new.csv", "--out", "@plain.csv", "--record-id", "id")
	plain, err := os.ReadFile(w.path("plain.csv"))
	if err != nil || !strings.Contains(string(plain), "3,Cid,202-224-0003") {
		t.Errorf("%v %s", err, plain)
	}
	if left := jsonOf[docRekeyed](w, "bob", "org", "rekey", "--file", "@sealed.csv", "--out", "@bob.csv", "--record-id", "id"); left.Left != 2 || left.Columns[0].Reason == "" {
		t.Errorf("%+v", left)
	}
	// Rows that were mixed up.
	lines := strings.Split(string(was), "\n")
	a, b := strings.Split(lines[1], ","), strings.Split(lines[3], ",")
	a[2], b[2] = b[2], a[2]
	w.write("mixed.csv", strings.Join([]string{lines[0], strings.Join(a, ","), lines[2], strings.Join(b, ","), ""}, "\n"))
	w.fails(classRefused, "alice", []string{"org", "rekey", "--file", "@mixed.csv", "--out", "@x.csv", "--record-id", "id"}, "another record")
	// A plan names every cell that cannot be sealed again, and fails as well.
	bad := w.try("alice", "org", "rekey", "--file", "@mixed.csv", "--record-id", "id", "--dry-run", "--json")
	failed := strictly[docRekeyed](t, bad.stdout)
	if bad.code != classRefused.code || failed.Failed != 2 || len(failed.Failures) != 2 || failed.Failures[1].Row != 3 || failed.Error == nil || failed.Done {
		t.Errorf("exit %d: %+v", bad.code, failed)
	}
	if r := w.try("alice", "org", "rekey", "--file", "@mixed.csv", "--record-id", "id", "--dry-run"); strings.Contains(r.stderr, "next:") || !strings.Contains(r.stderr, "nothing was written") {
		t.Errorf("%s", r.stderr)
	}
	if p := w.run("bob", "org", "rekey", "--file", "@sealed.csv", "--record-id", "id", "--dry-run").stderr; !strings.Contains(p, "2 tokens would be left") || !strings.Contains(p, "nothing that you can seal again") {
		t.Errorf("%s", p)
	}
	for _, args := range [][]string{
		{"org", "rekey", "--file", "@new.csv", "--out", "@y.csv"}, {"org", "rekey", "--file", "@new.csv", "--record-id", "id"},
		{"org", "rekey", "--out", "@y.csv"}, {"org", "rekey", "--file", "@new.csv", "--out", "@y.csv", "--record-id", "id", "--yes"},
		{"org", "rekey", "--rate", "-1"}, {"org", "rekey", "birthday"},
	} {
		w.fails(classUsage, "alice", args)
	}
}
