package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/cliosim"
)

// What doc/cli.md promises of Clio and of jobs.
type (
	docUser struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	docConnection struct {
		Connected   bool    `json:"connected"`
		Region      string  `json:"region,omitempty"`
		BaseURL     string  `json:"base_url,omitempty"`
		Account     string  `json:"account,omitempty"`
		AccountName string  `json:"account_name,omitempty"`
		User        docUser `json:"user,omitzero"`
	}
	docConnected struct {
		Schema int `json:"schema_version"`
		docConnection
		SharedWith []string `json:"shared_with"`
	}
	docDisconnected struct {
		Schema int `json:"schema_version"`
		docConnection
	}
	docClioField struct {
		Name     string `json:"name"`
		ID       string `json:"id"`
		On       string `json:"on"`
		Type     string `json:"type"`
		Required bool   `json:"required"`
		State    string `json:"state"`
		News     string `json:"news"`
		Twin     string `json:"twin,omitempty"`
		Values   *int   `json:"values,omitempty"`
		Sealed   *int   `json:"sealed,omitempty"`
		Clear    *int   `json:"in_clear,omitempty"`
		Other    *int   `json:"other,omitempty"`
		Empty    *int   `json:"empty,omitempty"`
	}
	docClioFields struct {
		Schema      int            `json:"schema_version"`
		Account     string         `json:"account"`
		AccountName string         `json:"account_name"`
		Counted     bool           `json:"counted"`
		Fields      []docClioField `json:"fields"`
	}
	docFinding struct {
		On     string `json:"on"`
		Record string `json:"record"`
		Name   string `json:"name,omitempty"`
		State  string `json:"state,omitempty"`
		Reason string `json:"reason"`
	}
	docPlanned struct {
		Name      string   `json:"name"`
		On        string   `json:"on"`
		Type      string   `json:"type"`
		Clear     int      `json:"in_clear"`
		Sealed    int      `json:"sealed"`
		Again     int      `json:"sealed_again"`
		TooLong   int      `json:"too_long"`
		Twin      bool     `json:"twin"`
		Protected bool     `json:"protected"`
		Sets      []string `json:"sets"`
	}
	docLooseTwin struct {
		Name string `json:"name"`
		Set  string `json:"set"`
	}
	docPlan struct {
		Schema   int          `json:"schema_version"`
		Event    string       `json:"event"`
		Account  string       `json:"account"`
		Records  int          `json:"records"`
		Values   int          `json:"values"`
		Writes   int          `json:"records_to_write"`
		Requests int          `json:"requests"`
		PerMin   float64      `json:"requests_per_minute"`
		Seconds  int          `json:"seconds"`
		Export   string       `json:"export,omitempty"`
		Fields   []docPlanned `json:"fields"`
		Findings []docFinding `json:"findings"`
		More     int          `json:"more_findings"`
	}
	docEvent struct {
		Schema  int         `json:"schema_version"`
		Event   string      `json:"event"`
		Time    string      `json:"time"`
		Call    string      `json:"call"`
		Job     string      `json:"job,omitempty"`
		Records int         `json:"records"`
		Total   int         `json:"total"`
		Changed int         `json:"changed"`
		Skipped int         `json:"skipped"`
		Rate    float64     `json:"records_per_minute"`
		Left    int         `json:"seconds_left"`
		Until   string      `json:"until,omitempty"`
		Warning string      `json:"warning,omitempty"`
		Finding *docFinding `json:"finding,omitempty"`
	}
	docFieldReport struct {
		Name    string         `json:"name"`
		ID      string         `json:"id"`
		States  map[string]int `json:"states"`
		Again   int            `json:"sealed_again"`
		TooLong int            `json:"too_long"`
		Changed int            `json:"changed"`
		Skipped int            `json:"skipped"`
	}
	docReport struct {
		Schema   int              `json:"schema_version"`
		Event    string           `json:"event"`
		Call     string           `json:"call"`
		Job      string           `json:"job,omitempty"`
		Account  string           `json:"account"`
		Started  string           `json:"started"`
		Ended    string           `json:"ended"`
		Records  int              `json:"records"`
		Total    int              `json:"total"`
		Changed  int              `json:"changed"`
		Skipped  int              `json:"skipped"`
		Requests int              `json:"requests"`
		Waits    int              `json:"waits"`
		Waited   float64          `json:"waited_seconds"`
		Exported int              `json:"exported"`
		Export   string           `json:"export,omitempty"`
		Fields   []docFieldReport `json:"fields"`
		Findings []docFinding     `json:"findings"`
		More     int              `json:"more_findings"`
		Error    *docError        `json:"error,omitempty"`
	}
	docClear struct {
		Name   string `json:"name"`
		Values int    `json:"values"`
	}
	docJob struct {
		ID        string   `json:"id"`
		Direction string   `json:"direction"`
		State     string   `json:"state"`
		Account   string   `json:"account"`
		Fields    []string `json:"fields"`
		Started   string   `json:"started"`
		Updated   string   `json:"updated"`
		Records   int      `json:"records"`
		Changed   int      `json:"changed"`
		Skipped   int      `json:"skipped"`
	}
	docJobs struct {
		Schema int      `json:"schema_version"`
		Jobs   []docJob `json:"jobs"`
	}
	docWatched struct {
		Schema  int    `json:"schema_version"`
		Event   string `json:"event"`
		Job     docJob `json:"job"`
		Done    int    `json:"done"`
		Skipped int    `json:"skipped"`
	}
	docClioStatus struct {
		Schema int `json:"schema_version"`
		docConnection
		Protected  int            `json:"protected"`
		Counted    bool           `json:"counted"`
		Clear      []docClear     `json:"in_clear"`
		Other      []docClear     `json:"other"`
		News       []string       `json:"news"`
		ByHand     []docLooseTwin `json:"put_into_sets"`
		Unfinished []docJob       `json:"unfinished"`
	}
	docClioSeen struct {
		Connected bool       `json:"connected"`
		Account   string     `json:"account,omitempty"`
		Name      string     `json:"account_name,omitempty"`
		Read      string     `json:"read,omitempty"`
		Clear     []docClear `json:"in_clear"`
	}
)

// clioDocs are all of them, for TestContractHasMembers.
var clioDocs = []any{
	docConnected{}, docDisconnected{}, docClioFields{}, docPlan{}, docEvent{}, docReport{}, docJobs{}, docWatched{}, docClioStatus{}, docClioSeen{},
}

func (f docClioFields) field(t *testing.T, name string) docClioField {
	t.Helper()
	for _, one := range f.Fields {
		if one.Name == name {
			return one
		}
	}
	t.Fatalf("no field %s in %+v", name, f)
	return docClioField{}
}

// The whole way as programs see it.
func TestClioJSON(t *testing.T) {
	t.Parallel()
	w := newClioWorld(t)
	before := w.dump()

	c := jsonOf[docConnected](w.world, "alice", w.connectArgs()...)
	if !c.Connected || c.BaseURL != w.url || !strings.HasSuffix(c.Account, ":100001") || c.User.Email != clioUser("alice") || len(c.SharedWith) != 0 {
		t.Errorf("%+v", c)
	}
	f := jsonOf[docClioFields](w.world, "alice", "clio", "fields")
	ssn := f.field(t, "SSN")
	if len(f.Fields) != 12 || !f.Counted || ssn.State != "plain" || *ssn.Values != len(w.values("SSN")) || *ssn.Values != *ssn.Clear || *ssn.Values+*ssn.Empty != 15 {
		t.Errorf("%+v", f)
	}
	p := jsonOf[docPlan](w.world, "alice", "clio", "enable", "ssn", "Court", "--dry-run")
	if p.Event != "plan" || len(p.Fields) != 2 || p.Values != len(w.values("SSN"))+12 || p.Fields[0].Twin || !p.Fields[1].Twin || p.Fields[0].Protected || p.Records != 27 || p.Requests == 0 {
		t.Errorf("%+v", p)
	}
	if w.dump() != before || len(w.exports("alice")) != 0 {
		t.Error("a dry run changed something")
	}
	events, r := streamed[docReport](t, w.run("alice", "clio", "enable", "SSN", "Court", "--to", emailOf("bob"), "--yes", "--json").stdout)
	if r.Event != "report" || r.Call != "enable" || r.Changed != p.Values || r.Skipped != 0 || r.Exported != p.Values || r.Error != nil || len(events) < 4 {
		t.Errorf("%+v, %v", r, events)
	}
	if list := w.exports("alice"); len(list) != 1 || r.Export != list[0] {
		t.Errorf("exports %v, report %s", list, r.Export)
	}
	for _, v := range w.values("SSN") {
		if !strings.HasPrefix(string(v.JSON), `"us1.`) {
			t.Errorf("stored: %s", v.JSON)
		}
	}
	if got := jsonOf[docOpened](w.world, "bob", "open", r.Export, "--out", "@copy.jsonl"); got.Opened != p.Values {
		t.Errorf("%+v", got)
	}
	if _, v := streamed[docReport](t, w.run("alice", "clio", "verify", "--json").stdout); v.Call != "verify" || v.Records != 27 || v.Fields[0].States["sealed"] == 0 {
		t.Errorf("%+v", v)
	}
	if again := jsonOf[docReport](w.world, "alice", "clio", "report"); again.Job != r.Job || again.Changed != r.Changed {
		t.Errorf("%+v", again)
	}
	s := jsonOf[docClioStatus](w.world, "alice", "clio", "status")
	if s.Protected != 2 || !s.Counted || len(s.Clear) != 0 || len(s.News) != 0 || len(s.Unfinished) != 0 {
		t.Errorf("%+v", s)
	}
	if f = jsonOf[docClioFields](w.world, "alice", "clio", "fields", "--no-counts"); f.Counted || f.field(t, "SSN").State != "protected" || f.field(t, "Court").Twin == "" || len(f.Fields) != 12 {
		t.Errorf("%+v", f)
	}
	jobs := jsonOf[docJobs](w.world, "alice", "job", "list")
	if len(jobs.Jobs) != 1 || jobs.Jobs[0].ID != r.Job || jobs.Jobs[0].State != "finished" || !reflect.DeepEqual(jobs.Jobs[0].Fields, []string{"SSN", "Court"}) {
		t.Errorf("%+v", jobs)
	}
	if watched := jsonOf[docWatched](w.world, "alice", "job", "watch", r.Job[:6]); watched.Done != p.Values || watched.Job.ID != r.Job {
		t.Errorf("%+v", watched)
	}
	if _, u := streamed[docReport](t, w.run("alice", "job", "undo", r.Job, "--yes", "--json").stdout); u.Call != "undo" || u.Changed != p.Values {
		t.Errorf("%+v", u)
	}
	w.same(before, w.dump())
	if st := jsonOf[docStatus](w.world, "alice", "status"); st.Clio == nil || !st.Clio.Connected || st.Clio.Read == "" {
		t.Errorf("%+v", st.Clio)
	}
	if d := jsonOf[docDisconnected](w.world, "alice", "clio", "disconnect"); d.Connected {
		t.Errorf("%+v", d)
	}
	w.fails(classSetup, "alice", []string{"clio", "fields"}, "not connected")
}

// A value that somebody types into a protected field is found, told and sealed.
func TestClioRepair(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	w.run("alice", "clio", "enable", "SSN", "Hearing date", "--yes")
	w.edit(w.values("SSN")[0], "900-11-2222")
	if s := jsonOf[docStatus](w.world, "alice", "status"); len(s.Clio.Clear) != 0 {
		t.Errorf("known without asking Clio: %+v", s.Clio)
	}
	r := w.try("alice", "clio", "verify")
	if r.code != classRefused.code || !strings.Contains(r.stdout, "SSN: a value in clear in a protected field") {
		t.Errorf("verify: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if s := jsonOf[docStatus](w.world, "alice", "status"); len(s.Clio.Clear) != 1 || s.Clio.Clear[0] != (docClear{"SSN", 1}) || s.Pending[0] != pendingClear {
		t.Errorf("%+v %v", s.Clio, s.Pending)
	}
	if s := jsonOf[docClioStatus](w.world, "alice", "clio", "status"); len(s.Clear) != 1 || s.Clear[0].Values != 1 {
		t.Errorf("%+v", s)
	}
	if f := jsonOf[docClioFields](w.world, "alice", "clio", "fields").field(t, "SSN"); f.State != "partly" || *f.Clear != 1 {
		t.Errorf("%+v", f)
	}
	if _, r := streamed[docReport](t, w.run("alice", "clio", "enable", "--repair", "--yes", "--json").stdout); r.Changed != 1 {
		t.Errorf("%+v", r)
	}
	w.run("alice", "clio", "verify")
	if s := jsonOf[docStatus](w.world, "alice", "status"); len(s.Clio.Clear) != 0 || slices.Contains(s.Pending, pendingClear) {
		t.Errorf("%+v %v", s.Clio, s.Pending)
	}
	w.fails(classInput, "alice", []string{"clio", "enable", "Court", "--repair", "--yes"}, "not protected")
}

// New, changed and removed fields are noticed until somebody settles them.
func TestClioNews(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	w.run("alice", "clio", "fields", "--no-counts") // settles what is there
	made := w.person(http.MethodPost, "/custom_fields?fields=id", map[string]any{
		"name": "Passport", "parent_type": "Contact", "field_type": "text_line", "display_order": 20,
	})
	var field struct{ ID int64 }
	w.decode(string(made), &field)
	w.person(http.MethodPatch, "/custom_fields/"+itoa(w.fields["SSN"]), map[string]any{"name": "Social security"})
	w.person(http.MethodDelete, "/custom_fields/"+itoa(w.fields["Web page"]), nil)

	look := func() docClioFields {
		return jsonOf[docClioFields](w.world, "alice", "clio", "fields", "--no-counts")
	}
	for range 2 { // looking settles nothing
		f := look()
		if f.field(t, "Passport").News != "new" || f.field(t, "Social security").News != "changed" || f.field(t, "Web page").News != "removed" {
			t.Errorf("%+v", f)
		}
	}
	if s := jsonOf[docClioStatus](w.world, "alice", "clio", "status", "--no-counts"); len(s.News) != 3 {
		t.Errorf("%+v", s.News)
	}
	w.run("alice", "clio", "accept", "Web page")
	w.run("alice", "clio", "accept", "social security")
	w.fails(classInput, "alice", []string{"clio", "accept", "Court"}, "nothing to accept")
	w.run("alice", "clio", "accept", "Passport", "--enable", "--yes")
	f := look()
	for _, one := range f.Fields {
		if one.News != "" || one.Name == "Web page" {
			t.Errorf("settled, and still %+v", one)
		}
	}
	if f.field(t, "Passport").State != "protected" {
		t.Errorf("%+v", f.field(t, "Passport"))
	}
	// What we do ourselves is no news.
	w.run("alice", "clio", "enable", "Court", "--yes")
	if f := look().field(t, "Court"); f.News != "" {
		t.Errorf("%+v", f)
	}
}

func TestClioNames(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	made := w.person(http.MethodPost, "/custom_fields?fields=id", map[string]any{
		"name": "SSN", "parent_type": "Matter", "field_type": "text_line", "display_order": 20,
	})
	var field struct{ ID int64 }
	w.decode(string(made), &field)
	w.fails(classInput, "alice", []string{"clio", "enable", "SSN", "--yes"}, "several fields", "--on matter")
	w.fails(classInput, "alice", []string{"clio", "enable", "Nothing", "--yes"}, "no such field")
	w.fails(classUsage, "alice", []string{"clio", "enable", "SSN", "--on", "client"}, "--on is matter or contact")
	w.fails(classUsage, "alice", []string{"clio", "enable", "Court"}, "no terminal", "--yes") // and not a word before
	w.fails(classInput, "alice", []string{"clio", "enable", "Court", "--yes", "--to", "nobody@example.com"}, "nobody@example.com")
	w.run("alice", "clio", "enable", "SSN", "--on", "contact", "--yes")
	w.run("alice", "clio", "enable", itoa(field.ID), "--yes", "--no-export")
	for _, label := range []string{"SSN", "SSN (matter)"} {
		w.run("alice", "field", "grant", label, "--to", emailOf("bob"))
	}
	w.run("alice", "clio", "disable", "SSN", "--on", "matter", "--yes")
	w.fails(classInput, "alice", []string{"clio", "disable", "SSN", "--on", "matter", "--yes"}, "not protected")
}

// A second member who was granted the application needs neither flag; one who
// was not is told whom to ask.
func TestClioSharedApplication(t *testing.T) {
	t.Parallel()
	w := newClioWorld(t)
	bob := []string{"clio", "connect", "--port", "0"}
	w.fails(classSetup, "bob", bob, "nobody has shared", "--share-with")
	w.run("alice", w.connectArgs()...)
	w.fails(classSetup, "bob", bob, "nobody has shared")
	// Whoever shares it chooses where the others type their passwords.
	if r := w.run("alice", "clio", "connect", "--port", "0", "--share-with", emailOf("bob")); !strings.Contains(r.stderr, "which is none of Clio's own addresses") {
		t.Errorf("%s", r.stderr)
	}
	w.as(clioUser("bob"), "approve")
	if c := jsonOf[docConnected](w.world, "bob", append(bob, "--base-url", w.url)...); c.User.Email != clioUser("bob") || c.BaseURL != w.url {
		t.Errorf("%+v", c)
	}
	w.fails(classUsage, "bob", append(bob, "--region", "eu"), "another region")
	w.fails(classDenied, "eve", bob)
}

func TestClioRefused(t *testing.T) {
	t.Parallel()
	w := newClioWorld(t)
	w.write("wrong", "another-secret\n")
	w.write("empty", "\n")
	connect := func(file string, more ...string) []string {
		return append([]string{"clio", "connect", "--base-url", w.url, "--client-id", clioClient, "--client-secret-file", file, "--port", "0"}, more...)
	}
	if r := w.try("alice", connect("@wrong")...); r.code != classConnection.code || !strings.Contains(r.stderr, "underseal: the application's id or secret is not accepted by Clio\nhint: ") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	w.fails(classInput, "alice", connect("@empty"), "client secret cannot be read")
	w.fails(classInput, "alice", connect("@missing"), "client secret cannot be read")
	w.fails(classUsage, "alice", []string{"clio", "connect", "--region", "mars", "--client-id", "a", "--client-secret-file", "@wrong"}, "region")
	w.fails(classUsage, "alice", []string{"clio", "connect", "--base-url", "http://example.com"}, "https://HOST")
	w.fails(classUsage, "alice", []string{"clio", "connect", "--client-id", "a"}, "client-secret-file")
	w.as(clioUser("alice"), "decline")
	if r := w.try("alice", connect("@client-secret")...); r.code != classConnection.code || !strings.Contains(r.stderr, "underseal: the connection was declined\nhint: ") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	w.as(clioUser("alice"), "")
	if r := w.try("alice", connect("@client-secret", "--wait", "1s")...); r.code != classConnection.code || !strings.Contains(r.stderr, "nobody came back from Clio within 1s\nhint: ") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if _, err := os.Stat(w.path("alice/" + connectionFile)); err == nil {
		t.Error("a connection was kept")
	}

	// Later: revoked, without permissions, without values.
	w.as(clioUser("alice"), "approve")
	w.run("alice", w.connectArgs()...)
	for _, p := range []struct {
		lacks cliosim.Permissions
		text  string
	}{
		{cliosim.Permissions{NoDefinitions: true}, "underseal: Clio does not allow your user to read custom fields\nhint: in Clio, give"},
		{cliosim.Permissions{StripValues: true}, ": Clio's answer came without its values\n"},
	} {
		if err := w.sim.Permit(t.Context(), clioUser("alice"), p.lacks); err != nil {
			t.Fatal(err)
		}
		w.fails(classConnection, "alice", []string{"clio", "fields"}, p.text)
		w.fails(classConnection, "alice", []string{"clio", "enable", "SSN", "--yes"}, p.text)
	}
	if err := w.sim.Permit(t.Context(), clioUser("alice"), cliosim.Permissions{}); err != nil {
		t.Fatal(err)
	}
	if err := w.sim.RevokeUser(t.Context(), clioUser("alice")); err != nil {
		t.Fatal(err)
	}
	w.fails(classConnection, "alice", []string{"clio", "fields"}, "underseal: Clio no longer accepts this device's connection\nhint: connect again: underseal clio connect\n")
	w.run("alice", "clio", "connect", "--port", "0")
	w.run("alice", "clio", "fields", "--no-counts")
}

// A value whose token would be too long is never cut: it is named before,
// listed after, and a twin holds it.
func TestClioTooLong(t *testing.T) {
	t.Parallel()
	w := connectedWorld(t)
	before := w.dump()
	long := w.values("SSN")[0]
	short := string(long.JSON)
	w.edit(long, strings.Repeat("a long value, ", 15))
	if r := w.run("alice", "clio", "enable", "SSN", "--dry-run"); !strings.Contains(r.stderr, "1 too long") || !strings.Contains(r.stderr, "--twin") {
		t.Errorf("not said before:\n%s", r.stderr)
	}
	r := w.try("alice", "clio", "enable", "SSN", "--yes", "--json")
	_, rep := streamed[docReport](t, r.stdout)
	if r.code != classLeft.code || rep.Error == nil || rep.Error.Code != "left" || rep.Skipped != 1 || len(rep.Findings) != 1 || rep.Findings[0].Record != itoa(long.Record) {
		t.Errorf("exit %d: %+v", r.code, rep)
	}
	for _, v := range w.values("SSN") {
		if plain := !strings.HasPrefix(string(v.JSON), `"us1.`); plain != (v.ID == long.ID) {
			t.Errorf("%s holds %s", v.ID, v.JSON)
		}
	}
	w.fails(classInput, "alice", []string{"clio", "enable", "SSN", "--twin", "--yes"}, "sealed in the field itself")
	w.run("alice", "clio", "disable", "SSN", "--yes")
	w.run("alice", "clio", "enable", "SSN", "--twin", "--yes")
	w.run("alice", "clio", "verify")
	w.run("alice", "clio", "disable", "SSN", "--yes")
	w.edit(long, strings.Trim(short, `"`))
	w.same(before, w.dump())
}

// stopper ends the command when it says something.
type stopper struct {
	bytes.Buffer
	when, and string
	stop      func()
}

func (s *stopper) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.when)) && bytes.Contains(p, []byte(s.and)) {
		s.stop()
	}
	return s.Buffer.Write(p)
}

// Ctrl-C ends a job in order and names what goes on with it.
func TestClioInterrupted(t *testing.T) {
	t.Parallel()
	w := clioWorldOf(t, 1, 450) // three pages of contacts
	w.run("alice", w.connectArgs()...)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &stopper{when: `"event":"page"`, and: `"call":"enable"`, stop: stop}
	in, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	var errs bytes.Buffer
	env := map[string]string{"UNDERSEAL_HOME": w.path("alice"), "XDG_RUNTIME_DIR": os.Getenv("XDG_RUNTIME_DIR")}
	a := &app{stdin: in, stdout: out, stderr: &errs, getenv: func(k string) string { return env[k] }, now: w.now, browse: w.page}
	code := run(ctx, a, []string{"clio", "enable", "SSN", "--yes", "--json"})
	_, r := streamed[docReport](t, out.String())
	if code != classInterrupted.code || r.Error == nil || r.Error.Code != "interrupted" || r.Error.Hint != "go on with: underseal job resume "+r.Job {
		t.Fatalf("exit %d: %+v\n%s", code, r, errs.String())
	}
	if s := jsonOf[docClioStatus](w.world, "alice", "clio", "status", "--no-counts"); len(s.Unfinished) != 1 || s.Unfinished[0].ID != r.Job {
		t.Errorf("%+v", s)
	}
	f := jsonOf[docClioFields](w.world, "alice", "clio", "fields").field(t, "SSN")
	if f.State != "partly" || *f.Sealed == 0 || *f.Clear == 0 {
		t.Errorf("%+v", f)
	}
	_, again := streamed[docReport](t, w.run("alice", "job", "resume", "--json").stdout)
	if again.Job != r.Job || again.Changed != *f.Clear || again.Fields[0].States["sealed"] != *f.Sealed {
		t.Errorf("%+v after %+v", again, f)
	}
	w.run("alice", "clio", "verify")
	if list := w.exports("alice"); len(list) != 1 {
		t.Errorf("a copy before each part: %v", list)
	}
}
