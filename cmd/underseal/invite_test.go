package main

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/mail/mailtest"
)

type (
	docInvitation struct {
		ID           string   `json:"id"`
		Status       string   `json:"status"`
		Mine         bool     `json:"mine"`
		Role         string   `json:"role"`
		Until        string   `json:"until,omitempty"`
		Groups       []string `json:"groups"`
		For          string   `json:"for"`
		InPerson     bool     `json:"in_person"`
		Unreadable   int      `json:"unreadable"`
		Withdrawn    bool     `json:"withdrawn"`
		Created      string   `json:"created,omitempty"`
		Expires      string   `json:"expires"`
		Name         string   `json:"name"`
		Email        string   `json:"email"`
		SafetyNumber string   `json:"safety_number"`
	}
	docInvitationTop struct {
		Schema int `json:"schema_version"`
		docInvitation
	}
	docInvitations struct {
		Schema      int             `json:"schema_version"`
		Invitations []docInvitation `json:"invitations"`
	}
	docInvitationLine struct {
		Schema int `json:"schema_version"`
		docInvitation
		Line      string `json:"line"`
		Delivered string `json:"delivered"`
	}
	docAccepted struct {
		Schema              int      `json:"schema_version"`
		Organization        string   `json:"organization"`
		Fingerprint         string   `json:"fingerprint"`
		Officer             string   `json:"officer"`
		OfficerEmail        string   `json:"officer_email"`
		OfficerSafetyNumber string   `json:"officer_safety_number"`
		InviterRole         string   `json:"inviter_role"`
		Role                string   `json:"role"`
		Groups              []string `json:"groups"`
		Expires             string   `json:"expires"`
		SafetyNumber        string   `json:"safety_number"`
	}
	docDeclined struct {
		Schema int    `json:"schema_version"`
		Status string `json:"status"`
	}
)

var inviteDocs = []any{docInvitationTop{}, docInvitations{}, docInvitationLine{}, docAccepted{}, docDeclined{}}

func TestInviteJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.person("carol", "Carol Clerk", "carol@example.com")
	made := jsonOf[docInvitationLine](w, "alice", "invite", "create", "--role", "member", "--for", "Carol")
	if made.Status != "pending" || made.For != "Carol" || made.Delivered != "print" || !strings.HasPrefix(made.Line, "underseal-invite1") {
		t.Errorf("%+v", made)
	}
	if again := jsonOf[docInvitationLine](w, "alice", "invite", "show", made.ID[:8]); !reflect.DeepEqual(made, again) {
		t.Errorf("%+v, %+v", made, again)
	}
	w.write("line", strings.ToUpper(made.Line)+"\n") // as a camera reads it
	number := w.safetyNumber("alice")
	accepted := jsonOf[docAccepted](w, "carol", "invite", "accept", "--from", "@line", "--confirm-officer", emailOf("alice"), "--safety-number", number)
	if accepted.Organization != "Example LLP" || accepted.OfficerSafetyNumber != number || accepted.Fingerprint != w.known || accepted.SafetyNumber != w.safetyNumber("carol") {
		t.Errorf("%+v", accepted)
	}
	if list := jsonOf[docInvitations](w, "carol", "invite", "list"); len(list.Invitations) != 1 || !list.Invitations[0].Mine || list.Invitations[0].ID != made.ID {
		t.Errorf("%+v", list)
	}
	if list := jsonOf[docInvitations](w, "alice", "invite", "list"); len(list.Invitations) != 1 || list.Invitations[0].Status != "accepted" || list.Invitations[0].SafetyNumber != accepted.SafetyNumber {
		t.Errorf("%+v", list)
	}
	if m := jsonOf[docMemberTop](w, "alice", "invite", "confirm", made.ID[:8], "--safety-number", accepted.SafetyNumber); m.Email != "carol@example.com" {
		t.Errorf("%+v", m)
	}
	made = jsonOf[docInvitationLine](w, "alice", "invite", "create", "--role", "guest", "--in-person")
	w.write("line", made.Line)
	w.person("dave", "Dave", "dave@example.com")
	if d := jsonOf[docDeclined](w, "dave", "invite", "decline", "--from", "@line"); d.Status != "declined" {
		t.Errorf("%+v", d)
	}
	if i := jsonOf[docInvitationTop](w, "alice", "invite", "withdraw", made.ID); i.Status != "withdrawn" {
		t.Errorf("%+v", i)
	}
	w.fails(classRefused, "alice", []string{"invite", "confirm", made.ID}, "the invitation was withdrawn")
}

// TestInviteBadInput is what is refused before anything is changed.
func TestInviteBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.person("carol", "Carol Clerk", "carol@example.com")
	line := strings.TrimSpace(w.run("alice", "invite", "create", "--role", "member").stdout)
	flipped := []byte(line)
	flipped[40] = "pq"[btoi(flipped[40] == 'p')]
	for name, text := range map[string]string{
		"whole": "Hello,\n" + line + "\nBye\n", "cut": line[:len(line)-1], "flipped": string(flipped), "mixed": strings.ToUpper(line[:20]) + line[20:],
		"two": line + "\n" + string(flipped), "none": "nothing", "link": "https://example.com/#" + line,
	} {
		w.write(name, text)
	}
	as := func(from, officer string, more ...string) []string {
		return append([]string{"invite", "accept", "--from", "@" + from, "--confirm-officer", officer}, more...)
	}
	// Another firm, which is in the place of this one.
	w.person("mallory", "Mallory", "mallory@example.com")
	w.run("mallory", "org", "new", "Example LLP", "--store", "dir:"+w.path("evil"))
	before := contents(t, w.path("firm"))
	for _, c := range []struct {
		class class
		args  []string
		text  string
	}{
		{classRefused, as("whole", emailOf("alice"), "--store", "dir:"+w.path("evil")), "another organization"},
		{classInput, as("cut", emailOf("alice")), "not a valid invitation"},
		{classInput, as("flipped", emailOf("alice")), "not a valid invitation"},
		{classInput, as("mixed", emailOf("alice")), "not a valid invitation"},
		{classInput, as("two", emailOf("alice")), "not one line"},
		{classInput, as("none", emailOf("alice")), "not one line"},
		{classInput, as("link", emailOf("alice")), "not one line"},
		{classInput, as("missing", emailOf("alice")), "missing"},
		{classRefused, as("whole", emailOf("bob")), "not the email of the officer"},
		{classRefused, as("whole", emailOf("alice"), "--safety-number", "12345"), "safety number"},
		{classStorage, as("whole", emailOf("alice"), "--store", "dir:"+w.path("nowhere")), "not a store"},
		{classUsage, []string{"invite", "accept", "--from", "@whole"}, "terminal"},
		{classUsage, []string{"invite", "accept"}, "terminal"},
		{classUsage, []string{"invite", "accept", line}, "takes no argument"},
	} {
		r := w.fails(c.class, "carol", c.args, c.text)
		if strings.Contains(r.stderr, line[30:60]) {
			t.Errorf("%v: the line is shown", c.args)
		}
	}
	if after := contents(t, w.path("firm")); !reflect.DeepEqual(before, after) {
		t.Error("the store was changed")
	}
	w.absent("carol/organization.pin", "carol/invitation.sealed")
	// The clock of the officer is the one that counts.
	w.run("carol", as("whole", emailOf("alice"))...)
	w.now = func() time.Time { return time.Now().Add(8 * 24 * time.Hour) }
	w.fails(classInput, "alice", []string{"invite", "confirm", "--safety-number", w.safetyNumber("carol")}, "no invitation is open on this device")
	w.fails(classUsage, "alice", []string{"invite", "create", "--role", "member", "--until", "2090-12-31"}, "--until is for guests")
	w.fails(classUsage, "alice", []string{"invite", "create", "--role", "guest", "--until", "soon"}, "--until takes a day")
	id := jsonOf[docInvitations](w, "alice", "invite", "list").Invitations[0]
	if id.Status != "expired" {
		t.Errorf("%+v", id)
	}
	w.fails(classInput, "alice", []string{"invite", "confirm", id.ID, "--safety-number", w.safetyNumber("carol")}, "the invitation has expired")
	guest := jsonOf[docInvitationLine](w, "alice", "invite", "create", "--role", "guest", "--until", "2090-12-31T18:00:00Z")
	if guest.Until != "2090-12-31T18:00:00Z" || guest.Role != "guest" {
		t.Errorf("%+v", guest.docInvitation)
	}
	w.now = func() time.Time { return time.Now().Add(-48 * time.Hour) }
	r := w.run("alice", "invite", "list")
	if !strings.Contains(r.stderr, "warning: this device's clock is 4") || !strings.Contains(r.stderr, "behind the last change") {
		t.Errorf("a clock that is behind: %q", r.stderr)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestInviteByMail sends a line by a real mail server, keeps the account sealed,
// and has it accepted from the mail as it arrived.
func TestInviteByMail(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	w := newWorld(t)
	w.found()
	w.person("carol", "Carol Clerk", "carol@example.com")
	flags := []string{"--smtp-host", "127.0.0.1", "--smtp-port", strconv.Itoa(sink.Port), "--smtp-from", emailOf("alice"), "--smtp-remember"}
	create := []string{"invite", "create", "--role", "member", "--deliver", "mail", "--to", "carol@example.com"}
	w.fails(classUsage, "alice", create, "not a mail account")
	r := w.run("alice", append(create, flags...)...)
	if r.stdout != "" || strings.Contains(r.stderr, "underseal-invite1") || !strings.Contains(r.stderr, "to carol@example.com") {
		t.Errorf("%q, %q", r.stdout, r.stderr)
	}
	w.run("alice", "invite", "show", "--deliver", "mail", "--to", "carol@example.com") // by the account that was kept
	mails := sink.Mails(t)
	if len(mails) != 2 || mails[0].To[0] != "carol@example.com" {
		t.Fatalf("%d mails", len(mails))
	}
	text := plainText(t, mails[0].Content)
	if plainText(t, mails[1].Content) != text {
		t.Error("the second mail says something else")
	}
	steps := []string{"\n1. Install Underseal.", "\n2. ", `choose "I have an invitation"`, "\n3. Paste", "\nunderseal-invite1", "from\nmemory"}
	for _, step := range steps {
		if !strings.Contains(text, step) {
			t.Errorf("%q is not in\n%s", step, text)
		}
	}
	if regexp.MustCompile(`(?i)https?:|www\.`).MatchString(text) || strings.Contains(text, emailOf("alice")) {
		t.Errorf("a link, or the answer to the question, in\n%s", text)
	}
	w.write("mail.txt", text)
	w.run("carol", "invite", "accept", "--from", "@mail.txt", "--confirm-officer", emailOf("alice"))
	// What travelled by mail is confirmed by comparing alone.
	r = w.try("alice", "invite", "confirm")
	if r.code != classUsage.code || !strings.Contains(r.stderr, "--safety-number") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	w.fails(classUsage, "alice", append([]string{"invite", "create", "--in-person"}, create[2:]...), "--in-person")
	w.run("alice", "invite", "confirm", "--safety-number", w.safetyNumber("carol"))

	// A server that is not there: the invitation is, and can be ended.
	w.write("password", "correct horse\n")
	gone := []string{"--smtp-host", "127.0.0.1", "--smtp-port", "1", "--smtp-from", emailOf("alice"), "--smtp-user", "alice", "--smtp-password-file", "@password"}
	r = w.try("alice", append(append([]string{}, create...), gone...)...)
	if r.code != classUnavailable.code || !strings.Contains(r.stderr, "invite withdraw") || strings.Contains(r.stderr, "horse") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	for name, b := range contents(t, w.path("alice")) {
		if strings.Contains(b, "127.0.0.1") || strings.Contains(b, "underseal-invite1") {
			t.Errorf("%s holds the account or a line", name)
		}
	}
}

// plainText is the text of a mail as a program for mail shows it.
func plainText(t *testing.T, content string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	body, encoding := m.Body, m.Header.Get("Content-Transfer-Encoding")
	if strings.HasPrefix(kind, "multipart/") {
		part, err := multipart.NewReader(body, params["boundary"]).NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, encoding, kind = part, part.Header.Get("Content-Transfer-Encoding"), part.Header.Get("Content-Type")
	}
	switch encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, err := io.ReadAll(body)
	if err != nil || !strings.HasPrefix(kind, "text/plain") {
		t.Fatal(kind, err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

// TestAttack5NoTextInAQuestion: an organization whose names are sentences that
// would change what a person thinks they agree to. They are shown escaped, each
// on a line of its own, and never within a question; nothing of them is shown
// before the officer's email was typed.
func TestAttack5NoTextInAQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lie = "Do you want to export all keys now? (yes or no) yes"
	w.person("mallory", "Ann. Answer yes to send your keys", "mallory@example.com")
	w.run("mallory", "org", "new", lie, "--store", "dir:"+w.path("evil"))
	w.write("line", w.run("mallory", "invite", "create", "--role", "member").stdout)
	home := map[string]string{"UNDERSEAL_HOME": w.path("bob")}
	r := w.tryEnv(home, nil, "invite", "accept", "--from", w.path("line"), "--confirm-officer", emailOf("alice"))
	if r.code != classRefused.code || strings.Contains(r.stderr, "export") || strings.Contains(r.stderr, "Answer yes") {
		t.Errorf("exit %d: shown before the email was right: %s", r.code, r.stderr)
	}
	r = w.tryEnv(home, nil, "invite", "accept", "--from", w.path("line"), "--confirm-officer", "mallory@example.com")
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	for line := range strings.Lines(r.stderr) {
		own := strings.HasPrefix(line, "organization   ") || strings.HasPrefix(line, "officer        ")
		if !own && (strings.Contains(line, "export") || strings.Contains(line, "Answer yes")) {
			t.Errorf("beyond its own line: %q", line)
		}
	}
	// The questions themselves are constants of the program.
	for _, file := range []string{"invite_accept.go", "invite_confirm.go"} {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`compareSafetyNumber\([^"]*(?:Sprintf|\.Name|\.Email)`).Find(code); m != nil {
			t.Errorf("%s: a question with a text of others: %s", file, m)
		}
	}
}
