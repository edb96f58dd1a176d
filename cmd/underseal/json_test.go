package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// What doc/cli.md promises, as a program that reads it would declare it. A
// member without omitempty is always there; a list is never null.
type (
	docVersion struct {
		Schema  int    `json:"schema_version"`
		Version string `json:"version"`
		Go      string `json:"go"`
		Format  int    `json:"format"`
	}
	docIdentity struct {
		Name         string `json:"name"`
		Email        string `json:"email"`
		Member       string `json:"member"`
		Device       string `json:"device"`
		DeviceLabel  string `json:"device_label"`
		SafetyNumber string `json:"safety_number"`
	}
	docIdentityTop struct {
		Schema int `json:"schema_version"`
		docIdentity
	}
	docOut struct {
		Schema int    `json:"schema_version"`
		Out    string `json:"out"`
	}
	docHead struct {
		Entries int    `json:"entries"`
		Hash    string `json:"hash"`
		Time    string `json:"time,omitempty"`
	}
	docOrganization struct {
		Schema      int     `json:"schema_version"`
		Name        string  `json:"name"`
		Fingerprint string  `json:"fingerprint"`
		Store       string  `json:"store"`
		Members     int     `json:"members"`
		Fields      int     `json:"fields"`
		Head        docHead `json:"head"`
		Waiting     bool    `json:"waiting"`
	}
	docStatus struct {
		Schema       int          `json:"schema_version"`
		Home         string       `json:"home"`
		Identity     *docIdentity `json:"identity"`
		KeyStore     string       `json:"key_store,omitempty"`
		Locked       bool         `json:"locked"`
		Unlocked     int          `json:"unlocked_seconds"`
		Organization string       `json:"organization,omitempty"`
		Fingerprint  string       `json:"fingerprint,omitempty"`
		Store        string       `json:"store,omitempty"`
		Role         string       `json:"role,omitempty"`
		Head         *docHead     `json:"head,omitempty"`
		Synced       string       `json:"synced,omitempty"`
		Clio         *docClioSeen `json:"clio,omitempty"`
		Backup       bool         `json:"backup"`
		Pending      []string     `json:"pending"`
		Error        *docError    `json:"error,omitempty"`
	}
	docMember struct {
		Member       string `json:"member"`
		Name         string `json:"name"`
		Email        string `json:"email"`
		Role         string `json:"role"`
		Expires      string `json:"expires,omitempty"`
		Expired      bool   `json:"expired"`
		Removed      bool   `json:"removed"`
		Devices      int    `json:"devices"`
		Closed       bool   `json:"closed"`
		SafetyNumber string `json:"safety_number"`
	}
	docMemberTop struct {
		Schema int `json:"schema_version"`
		docMember
	}
	docMembers struct {
		Schema  int         `json:"schema_version"`
		Members []docMember `json:"members"`
	}
	docGrant struct {
		Email  string   `json:"email"`
		Member string   `json:"member"`
		Rights []string `json:"rights"`
	}
	docField struct {
		Label    string     `json:"label"`
		Resource string     `json:"resource"`
		Epoch    int        `json:"epoch"`
		Closed   bool       `json:"closed"`
		Ended    bool       `json:"ended"`
		Mine     []string   `json:"my_rights"`
		Grants   []docGrant `json:"grants"`
	}
	docFieldTop struct {
		Schema int `json:"schema_version"`
		docField
	}
	docFields struct {
		Schema int        `json:"schema_version"`
		Fields []docField `json:"fields"`
	}
	docSealed struct {
		Schema   int `json:"schema_version"`
		Rows     int `json:"rows"`
		Sealed   int `json:"sealed"`
		Kept     int `json:"kept"`
		Requoted int `json:"requoted"`
		Columns  []struct {
			Column string `json:"column"`
			Field  string `json:"field"`
			Sealed int    `json:"sealed"`
			Kept   int    `json:"kept"`
			Empty  int    `json:"empty"`
		} `json:"columns"`
		Out string `json:"out"`
	}
	docOpened struct {
		Schema    int `json:"schema_version"`
		Rows      int `json:"rows"`
		Opened    int `json:"opened"`
		Left      int `json:"left"`
		Unchecked int `json:"records_not_checked"`
		NotBound  int `json:"not_bound"`
		Failed    int `json:"failed"`
		Requoted  int `json:"requoted"`
		Converted int `json:"converted"`
		Fields    []struct {
			Column  string `json:"column"`
			Field   string `json:"field"`
			Granted bool   `json:"granted"`
			Opened  int    `json:"opened"`
			Left    int    `json:"left"`
		} `json:"fields"`
		Bare     []string `json:"columns_without_tokens"`
		Failures []struct {
			File   string `json:"file"`
			Row    int    `json:"row"`
			Line   int    `json:"line"`
			Record string `json:"record,omitempty"`
			Column string `json:"column"`
			Reason string `json:"reason"`
		} `json:"failures"`
		Out   string    `json:"out"`
		Error *docError `json:"error,omitempty"`
	}
	docLog struct {
		Schema  int `json:"schema_version"`
		Entries []struct {
			Sequence   int    `json:"sequence"`
			Time       string `json:"time"`
			Author     string `json:"author"`
			By         string `json:"author_member,omitempty"`
			Device     string `json:"author_device"`
			Hash       string `json:"hash"`
			Operations []struct {
				Kind       string   `json:"kind"`
				Text       string   `json:"text"`
				Member     string   `json:"member,omitempty"`
				Members    []string `json:"members,omitempty"`
				Device     string   `json:"device,omitempty"`
				Group      string   `json:"group,omitempty"`
				Resource   string   `json:"resource,omitempty"`
				Epoch      int      `json:"epoch,omitempty"`
				Generation int      `json:"generation,omitempty"`
				Role       string   `json:"role,omitempty"`
				Rights     []string `json:"rights,omitempty"`
				Expires    string   `json:"expires,omitempty"`
				Invitation string   `json:"invitation,omitempty"`
				Number     int      `json:"number,omitempty"`
				Count      int      `json:"count,omitempty"`
			} `json:"operations"`
		} `json:"entries"`
	}
	docVerified struct {
		Schema     int     `json:"schema_version"`
		Verified   bool    `json:"verified"`
		Head       docHead `json:"head"`
		Operations int     `json:"operations"`
		Members    int     `json:"members"`
		Devices    int     `json:"devices"`
	}
	docUnlocked struct {
		Schema  int `json:"schema_version"`
		Seconds int `json:"unlocked_seconds"`
	}
	docLocked struct {
		Schema int  `json:"schema_version"`
		Locked bool `json:"locked"`
	}
	docError struct {
		Code    string `json:"code"`
		Exit    int    `json:"exit"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	}
	docFailed struct {
		Schema int      `json:"schema_version"`
		Error  docError `json:"error"`
	}
)

// strictly decodes one line of JSON and fails for a member too many or too
// few.
func strictly[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Fatalf("not one line: %q", text)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%T: %v: %s", v, err, text)
	}
	again, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%T: got %s, as documented it would be %s", v, text, again)
	}
	if schema := reflect.ValueOf(v).FieldByName("Schema").Int(); schema != 1 {
		t.Errorf("%T: schema_version %d", v, schema)
	}
	if !strings.HasPrefix(text, `{"schema_version":1`) {
		t.Errorf("%T: the version does not come first: %s", v, text)
	}
	return v
}

// jsonOf runs a command with --json, which says nothing to people then.
func jsonOf[T any](w *world, who string, args ...string) T {
	w.t.Helper()
	r := w.run(who, append(args, "--json")...)
	if r.stderr != "" {
		w.t.Errorf("%s %v: standard error: %q", who, args, r.stderr)
	}
	return strictly[T](w.t, r.stdout)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("people.csv", peopleCSV(3))

	if v := jsonOf[docVersion](w, "alice", "version"); v.Format != 1 || v.Version == "" {
		t.Errorf("%+v", v)
	}
	nobody := strictly[docStatus](t, w.tryEnv(map[string]string{"UNDERSEAL_HOME": w.path("nobody")}, nil, "status", "--json").stdout)
	if nobody.Identity != nil || !reflect.DeepEqual(nobody.Pending, []string{pendingSetup}) {
		t.Errorf("%+v", nobody)
	}
	if s := jsonOf[docStatus](w, "alice", "status"); s.Identity.Name != "Alice Officer" || s.Locked || s.Unlocked < 3000 || s.Pending[0] != pendingJoin {
		t.Errorf("%+v", s)
	}
	id := jsonOf[docIdentityTop](w, "bob", "identity", "show")
	if id.Email != emailOf("bob") || len(strings.Fields(id.SafetyNumber)) != 12 {
		t.Errorf("%+v", id)
	}
	org := jsonOf[docOrganization](w, "alice", "org", "new", "Example LLP", "--store", "dir:"+w.path("firm"))
	if org.Name != "Example LLP" || org.Members != 1 || org.Head.Entries != 2 || org.Waiting {
		t.Errorf("%+v", org)
	}
	if again := jsonOf[docOrganization](w, "alice", "org", "show"); !reflect.DeepEqual(org, again) {
		t.Errorf("%+v, %+v", org, again)
	}
	joined := jsonOf[docOrganization](w, "bob", "org", "join", "--store", "dir:"+w.path("firm"), "--fingerprint", org.Fingerprint)
	if !joined.Waiting || joined.Name != "" || joined.Fingerprint != org.Fingerprint {
		t.Errorf("%+v", joined)
	}
	if s := jsonOf[docStatus](w, "bob", "status"); s.Pending[0] != pendingCard || s.Head.Entries != 2 || s.Role != "" {
		t.Errorf("%+v", s)
	}
	if o := jsonOf[docOut](w, "bob", "identity", "card", "--out", "@bob.card"); o.Out != w.path("bob.card") {
		t.Errorf("%+v", o)
	}
	m := jsonOf[docMemberTop](w, "alice", "member", "add", "@bob.card", "--role", "member", "--safety-number", id.SafetyNumber)
	if m.Name != "Bob Member" || m.Member != id.Member || m.SafetyNumber != id.SafetyNumber || m.Role != "member" {
		t.Errorf("%+v", m)
	}
	if list := jsonOf[docMembers](w, "bob", "member", "list"); len(list.Members) != 2 {
		t.Errorf("%+v", list)
	}
	if list := jsonOf[docFields](w, "bob", "field", "list"); len(list.Fields) != 0 {
		t.Errorf("%+v", list)
	}
	if f := jsonOf[docFieldTop](w, "alice", "field", "new", "phone"); f.Label != "phone" || f.Epoch != 1 || len(f.Mine) != 3 {
		t.Errorf("%+v", f)
	}
	if f := jsonOf[docFieldTop](w, "alice", "field", "grant", "phone", "--to", emailOf("bob"), "--rights", "read"); len(f.Grants) != 2 ||
		f.Grants[1].Email != emailOf("bob") || !reflect.DeepEqual(f.Grants[1].Rights, []string{"read"}) {
		t.Errorf("%+v", f)
	}
	sealed := jsonOf[docSealed](w, "alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")
	if sealed.Rows != 3 || sealed.Sealed != 3 || sealed.Columns[0].Field != "phone" {
		t.Errorf("%+v", sealed)
	}
	opened := jsonOf[docOpened](w, "bob", "open", "@sealed.csv", "--out", "@plain.csv")
	if opened.Opened != 3 || opened.Unchecked != 3 || !opened.Fields[0].Granted || opened.Failures == nil {
		t.Errorf("%+v", opened)
	}
	if f := jsonOf[docFieldTop](w, "alice", "field", "revoke", "phone", "--from", emailOf("bob")); f.Epoch != 2 || len(f.Grants) != 1 {
		t.Errorf("%+v", f)
	}
	if f := jsonOf[docFieldTop](w, "alice", "field", "rotate", "phone"); f.Epoch != 3 || len(f.Grants) != 1 || f.Closed {
		t.Errorf("%+v", f)
	}
	log := jsonOf[docLog](w, "alice", "log", "show")
	if n := len(log.Entries); n != 7 || log.Entries[0].Operations[0].Kind != "genesis" || log.Entries[n-2].Operations[0].Kind != "revoke" {
		t.Errorf("%+v", log)
	}
	if _, err := time.Parse(time.RFC3339, log.Entries[0].Time); err != nil {
		t.Error(err)
	}
	if v := jsonOf[docVerified](w, "alice", "log", "verify"); !v.Verified || v.Head.Entries != 7 {
		t.Errorf("%+v", v)
	}
	if v := jsonOf[docLocked](w, "alice", "lock"); !v.Locked {
		t.Errorf("%+v", v)
	}
	if s := jsonOf[docStatus](w, "alice", "status"); !s.Locked || s.Unlocked != 0 || s.Head.Time != "" || s.Head.Entries != 7 || s.Organization != "" {
		t.Errorf("%+v", s)
	}
}

// A command that fails prints its error as JSON, and nothing else.
func TestJSONError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("people.csv", peopleCSV(3))
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")

	for _, c := range []struct {
		class class
		who   string
		args  []string
	}{
		{classUsage, "alice", []string{"seal"}},
		{classUsage, "alice", []string{"nothing"}},
		{classSetup, "alice", []string{"identity", "new", "--name", "x", "--email", "x@example.com"}},
		{classDenied, "eve", []string{"open", "@sealed.csv", "--out", "@x.csv"}},
		{classInput, "alice", []string{"seal", "@people.csv", "--out", "@x.csv", "--record-id", "id", "--column", "nix=phone"}},
		{classStorage, "alice", []string{"open", "@sealed.csv", "--out", "@people.csv"}},
	} {
		r := w.try(c.who, append(c.args, "--json")...)
		v := strictly[docFailed](t, r.stdout)
		if r.code != c.class.code || v.Error.Exit != r.code || v.Error.Code != c.class.name || v.Error.Message == "" || v.Error.Hint == "" || r.stderr != "" {
			t.Errorf("%v: exit %d, %+v, %q", c.args, r.code, v, r.stderr)
		}
	}

	// What failed at the end of the work is told with the work.
	w.write("bad.csv", swapColumns(w.read("sealed.csv")))
	r := w.try("alice", "open", "@bad.csv", "--out", "@bad.plain.csv", "--record-id", "id", "--keep-going", "--json")
	opened := strictly[docOpened](t, r.stdout)
	if r.code != 7 || opened.Error == nil || opened.Error.Exit != 7 || opened.Failed != 2 || len(opened.Failures) != 2 || opened.Failures[1].Record != "p2" {
		t.Errorf("exit %d, %+v", r.code, opened)
	}
}

// swapColumns exchanges the phone numbers of the first two rows.
func swapColumns(text string) string {
	rows := rawCells(text)
	rows[1][2], rows[2][2] = rows[2][2], rows[1][2]
	return joinCells(rows)
}

// The contract names every member of every object, and every command.
func TestContractHasMembers(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	for _, v := range slices.Concat([]any{
		docVersion{}, docIdentityTop{}, docOut{}, docOrganization{}, docStatus{}, docMemberTop{}, docMembers{}, docFieldTop{},
		docFields{}, docSealed{}, docOpened{}, docLog{}, docVerified{}, docUnlocked{}, docLocked{}, docFailed{},
	}, clioDocs, deviceDocs, headDocs, memberDocs, rekeyDocs, inviteDocs, groupDocs, recoveryDocs) {
		for _, name := range membersOf(reflect.TypeOf(v)) {
			if !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("doc/cli.md does not name `%s` of %T", name, v)
			}
		}
	}
	var out bytes.Buffer
	root := newRoot(&app{stdout: &out, stderr: &out})
	for _, c := range root.Commands() {
		for _, sub := range append(c.Commands(), c) {
			if sub.IsAvailableCommand() && !sub.HasSubCommands() && sub.Parent().Name() != "completion" && !strings.Contains(doc, fmt.Sprintf("underseal %s", called(sub))) {
				t.Errorf("doc/cli.md does not name %q", sub.CommandPath())
			}
		}
	}
}

func membersOf(t reflect.Type) []string {
	var names []string
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return membersOf(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				names = append(names, name)
			}
			names = append(names, membersOf(f.Type)...)
		}
	}
	return names
}
