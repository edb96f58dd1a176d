package main

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// decade is how far a clock is off here.
const decade = 10 * 365 * 24 * time.Hour

// at sets the clock of the commands that follow.
func (w *world) at(off time.Duration) { w.now = func() time.Time { return time.Now().Add(off) } }

// untouched fails where a command has changed the store, or made anything in a home
// that was empty of it.
func (w *world) untouched(what string, firm map[string]string) {
	w.t.Helper()
	if !reflect.DeepEqual(firm, contents(w.t, w.path("firm"))) {
		w.t.Errorf("%s: the store was changed", what)
	}
	w.absent("carol/organization.pin", "carol/invitation.sealed")
}

// TestClockOffInvitation: a clock that is ten years off accepts and confirms nothing,
// and says why; the right one does afterwards.
func TestClockOffInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.person("carol", "Carol Clerk", "carol@example.com")
	w.write("line", w.run("alice", "invite", "create", "--role", "member").stdout)
	accept := []string{"invite", "accept", "--from", "@line", "--confirm-officer", emailOf("alice")}
	firm := contents(t, w.path("firm"))
	for _, c := range []struct {
		what string
		off  time.Duration
		text string
	}{
		{"ahead", decade, "the invitation has expired"},
		{"behind", -decade, "this device's clock, or that of who made the invitation, is far off"},
	} {
		w.at(c.off)
		r := w.fails(classInput, "carol", accept, c.text)
		if !strings.Contains(r.stderr, "set") || !strings.Contains(r.stderr, "clock") {
			t.Errorf("%s: %s", c.what, r.stderr)
		}
		w.untouched(c.what, firm)
	}
	w.at(0)
	w.run("carol", accept...)

	number := w.safetyNumber("carol")
	id := jsonOf[docInvitations](w, "alice", "invite", "list").Invitations[0].ID
	firm = contents(t, w.path("firm"))
	confirm := []string{"invite", "confirm", id, "--safety-number", number}
	w.at(decade)
	w.fails(classInput, "alice", confirm, "the invitation has expired")
	w.at(-decade)
	r := w.try("alice", confirm...)
	if r.code != classInput.code || !strings.Contains(r.stderr, "underseal: this device's clock, or that of who made the invitation, is far off") ||
		!strings.Contains(r.stderr, "warning: this device's clock is 3649 days behind the last change") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if !reflect.DeepEqual(firm, contents(t, w.path("firm"))) {
		t.Error("the store was changed")
	}

	// Made by a clock that is ahead, it is refused by one that is right.
	w.at(decade)
	w.write("late", w.run("alice", "invite", "create", "--role", "member").stdout)
	w.at(0)
	w.person("dave", "Dave", "dave@example.com")
	w.fails(classInput, "dave", []string{"invite", "accept", "--from", "@late", "--confirm-officer", emailOf("alice")}, "is far off")
	w.absent("dave/organization.pin", "dave/invitation.sealed")
	w.run("alice", confirm...)
}

// TestClockAheadRemovesNobody: by a clock that is years ahead every guest's time is
// over. Nobody is removed for it without an officer's yes, and who would be asked is
// told that the clock contradicts the log.
func TestClockAheadRemovesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.run("eve", "identity", "card", "--out", "@eve.card")
	day := time.Now().AddDate(1, 0, 0).Format(time.DateOnly)
	add := []string{"member", "add", "@eve.card", "--role", "guest", "--expires", day, "--safety-number", w.safetyNumber("eve")}
	firm := contents(t, w.path("firm"))
	w.at(decade)
	r := w.fails(classInput, "alice", add, "the day lies in the past")
	if !strings.Contains(r.stderr, "if this device's clock is wrong, set it") {
		t.Errorf("ahead: %s", r.stderr)
	}
	if !reflect.DeepEqual(firm, contents(t, w.path("firm"))) {
		t.Error("a guest's time that is over changed the store")
	}
	w.at(0)
	w.run("alice", add...)
	if r := w.run("alice", "member", "list"); strings.Contains(r.stderr, "warning") {
		t.Errorf("a right clock: %s", r.stderr)
	}

	head := jsonOf[docStatus](w, "alice", "status").Head.Entries
	w.at(decade)
	const told = "warning: by this device's clock nothing has changed in the organization since "
	for _, args := range [][]string{{"member", "list"}, {"org", "status"}, {"org", "status", "--json"}, {"member", "remove", emailOf("eve"), "--dry-run"}} {
		if r := w.run("alice", args...); strings.Count(r.stderr, told) != 1 || !strings.Contains(r.stderr, "if that is not so, set the clock") {
			t.Errorf("%v: %s", args, r.stderr)
		}
	}
	w.run("alice", "status")
	w.run("alice", "org", "catch-up")
	w.fails(classUsage, "alice", []string{"member", "remove", emailOf("eve")}, "--yes")
	w.at(0)
	if got := jsonOf[docStatus](w, "alice", "status").Head.Entries; got != head {
		t.Errorf("%d entries, and were %d", got, head)
	}
	if list := jsonOf[docMembers](w, "alice", "member", "list"); len(list.Members) != 3 || list.Members[2].Expired || list.Members[2].Removed {
		t.Errorf("%+v", list.Members)
	}

	// Behind, a day that has passed would be taken for one to come.
	w.at(-decade)
	r = w.run("alice", "member", "role", emailOf("eve"), "--role", "guest", "--expires", "2090-12-31")
	if !strings.Contains(r.stderr, "whether a guest's time is over is judged by it") {
		t.Errorf("behind: %s", r.stderr)
	}
}

// TestContestedStays: once two different answers made an officer's confirm refuse,
// list and status go on telling of it, with what to do, until long after its time.
func TestContestedStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.person("carol", "Carol Clerk", "carol@example.com")
	w.person("mallory", "Mallory", "mallory@example.com")
	made := jsonOf[docInvitationLine](w, "alice", "invite", "create", "--role", "guest", "--expires", "12h")
	expires, err := time.Parse(time.RFC3339, made.Expires)
	if err != nil {
		t.Fatal(err)
	}
	w.write("line", made.Line)
	for _, who := range []string{"carol", "mallory"} {
		r := w.run(who, "invite", "accept", "--from", "@line", "--confirm-officer", emailOf("alice"))
		if !strings.Contains(r.stderr, "by "+expires.Local().Format("2006-01-02 15:04")) { // half a day is told by the hour
			t.Errorf("%s: %s", who, r.stderr)
		}
	}
	id := made.ID[:shortID]
	says := func(what string, texts ...string) {
		t.Helper()
		list, status := w.run("alice", "invite", "list"), w.run("alice", "status")
		for _, text := range append(texts, "invitation "+id+" has two different answers") {
			if !strings.Contains(list.stderr, "warning: ") || !strings.Contains(list.stderr, text) || !strings.Contains(status.stdout, text) {
				t.Errorf("%s: %q is not in both:\n%s\n%s", what, text, list.stderr, status.stdout)
			}
		}
		if !strings.Contains(list.stdout, "contested") {
			t.Errorf("%s: %s", what, list.stdout)
		}
	}
	says("before", "underseal invite withdraw "+id)
	r := w.fails(classRefused, "alice", []string{"invite", "confirm"}, "one invitation has two different answers")
	if !strings.Contains(r.stderr, "ask by voice who has answered") {
		t.Errorf("%s", r.stderr)
	}
	says("after", "ask by voice who has answered", "underseal invite create --role guest --in-person")
	i := strictly[docInvitations](t, w.run("alice", "invite", "list", "--json").stdout).Invitations[0]
	if i.Status != "contested" || !i.Withdrawn {
		t.Errorf("%+v", i)
	}
	if s := jsonOf[docStatus](w, "alice", "status"); !strings.Contains(strings.Join(s.Pending, "\n"), "invitation "+id) {
		t.Errorf("%q", s.Pending)
	}
	w.fails(classRefused, "alice", []string{"invite", "confirm", id}, "one invitation has two different answers")
	w.fails(classInput, "alice", []string{"invite", "confirm"}, "no invitation is open on this device") // it is none that waits
	if i := jsonOf[docInvitationTop](w, "alice", "invite", "withdraw", id); i.Status != "contested" || !i.Withdrawn {
		t.Errorf("%+v", i)
	}
	says("withdrawn once more", "ask by voice")
	w.at(alarmFor)
	says("a month later", "ask by voice")
	w.at(12*time.Hour + alarmFor + time.Hour)
	if s := w.run("alice", "status"); strings.Contains(s.stdout, "two different answers") {
		t.Errorf("for ever: %s", s.stdout)
	}
	if l := w.run("alice", "invite", "list"); !strings.Contains(l.stdout, "contested") {
		t.Errorf("forgotten: %s", l.stdout)
	}
}
