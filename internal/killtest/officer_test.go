//go:build linux

package killtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store/dirstore"
	"github.com/underseal/underseal/workspace"
)

// The commands by which officers let people in, put them into groups, take them
// out again and bring them back are killed at their file operations.

const people = "id,ssn\na,078-05-1120\n"

// teamWorld is an organization in which a group of Alice's reads what is sealed.
func teamWorld(t *testing.T) *world {
	t.Helper()
	w := deviceWorld(t)
	w.run("alice", "field", "new", "ssn")
	w.run("alice", "group", "new", "team")
	w.run("alice", "field", "grant", "ssn", "--to-group", "team")
	w.write("people.csv", people)
	w.seal()
	return w
}

// seal seals the file of people as it is sealed today.
func (w *world) seal() {
	w.t.Helper()
	w.run("alice", "seal", "people.csv", "--out", "sealed.csv", "--record-id", "id", "--column", "ssn", "--force")
}

// opens tells whether somebody opens the file that was sealed last.
func (w *world) opens(who string) bool {
	w.t.Helper()
	r := w.try(who, "open", "sealed.csv", "--out", who+".csv", "--record-id", "id", "--force")
	if r.code != 0 {
		return false
	}
	got, err := os.ReadFile(w.path(who + ".csv"))
	must(w.t, err)
	return string(got) == people
}

// members are the emails of those who are in the organization, or in a group.
func (w *world) members(of ...string) (emails []string) {
	w.t.Helper()
	type member struct {
		Email   string
		Removed bool
	}
	var list struct {
		Members []member
		Groups  []struct{ Members []member }
	}
	args := []string{"member", "list"}
	if len(of) > 0 {
		args = []string{"group", "list", of[0]}
	}
	must(w.t, json.Unmarshal([]byte(w.run("alice", append(args, "--json")...).stdout), &list))
	for _, g := range list.Groups {
		list.Members = append(list.Members, g.Members...)
	}
	for _, m := range list.Members {
		if !m.Removed {
			emails = append(emails, m.Email)
		}
	}
	return emails
}

// invitation is one that Alice has made.
type invitation struct{ ID, Status, Email string }

func (w *world) invitations(status string) (found []invitation) {
	w.t.Helper()
	var list struct{ Invitations []invitation }
	must(w.t, json.Unmarshal([]byte(w.run("alice", "invite", "list", "--json").stdout), &list))
	for _, i := range list.Invitations {
		if i.Status == status {
			found = append(found, i)
		}
	}
	return found
}

// openLine opens the line of an invitation, as whoever was invited does.
func (w *world) openLine(line string) error {
	w.t.Helper()
	s := secret.New([]byte(line))
	defer s.Destroy()
	inv, err := plan.ParseInvitation(s)
	must(w.t, err)
	defer inv.Destroy()
	st, err := dirstore.Open(filepath.Join(w.dir, "firm"))
	must(w.t, err)
	defer func() { _ = st.Close() }() // nothing is written
	i, err := workspace.OpenInvitation(w.t.Context(), workspace.Config{Store: st, Now: time.Now}, inv)
	if err != nil {
		return err
	}
	_, err = i.Offer(alice)
	return err
}

// TestAttack51KilledInvitation kills each step of an invitation: one that is listed
// has its line, who answers twice answers once, and nobody is let in half.
func TestAttack51KilledInvitation(t *testing.T) {
	t.Parallel()
	w := deviceWorld(t)
	create := []string{"alice", "invite", "create", "--role", "member"}
	w.everyFile(5, func(int) []string { return create }, func(int) {
		w.retype(create)
		pending := w.invitations("pending")
		if len(pending) == 0 {
			t.Error("none was made")
		}
		for _, i := range pending {
			line := w.value("alice", "line", "invite", "show", i.ID)
			must(t, w.openLine(line))
			w.run("alice", "invite", "withdraw", i.ID)
			if w.openLine(line) == nil {
				t.Error("it opens after it was withdrawn")
			}
		}
	})

	var line string
	invite := func() {
		t.Helper()
		line = w.value("alice", "line", create[1:]...)
		w.write("line", line+"\n")
	}
	accept := func(who string) []string {
		return []string{who, "invite", "accept", "--from", "line", "--confirm-officer", alice}
	}
	var answered string // the invitation
	confirm := func(who string) []string {
		if open := w.invitations("accepted"); len(open) > 0 {
			answered = open[0].ID
		}
		return []string{"alice", "invite", "confirm", answered, "--safety-number", w.value(who, "safety_number", "identity", "show")}
	}
	joined := func(who, email string) {
		t.Helper()
		if n := len(w.invitations("accepted")) + len(w.invitations("contested")) + len(w.invitations("pending")); n != 0 {
			t.Errorf("%d invitations are open", n)
		}
		if in := w.members(); !slices.Contains(in, email) || slices.Index(in, email) != len(in)-1 {
			t.Errorf("%s is not let in once: %v", who, in)
		}
		w.run(who, "status")
		w.run(who, "field", "list")
	}
	w.everyFile(5, func(n int) []string {
		who := fmt.Sprint("bob", n)
		invite()
		w.home(who, who+"@harbor.example")
		return accept(who)
	}, func(n int) {
		who := fmt.Sprint("bob", n)
		w.retype(accept(who))
		w.retype(confirm(who))
		joined(who, who+"@harbor.example")
	})
	w.everyFile(5, func(n int) []string {
		who := fmt.Sprint("carol", n)
		invite()
		w.home(who, who+"@harbor.example")
		w.retype(accept(who))
		return confirm(who)
	}, func(n int) {
		who := fmt.Sprint("carol", n)
		w.retype(confirm(who))
		joined(who, who+"@harbor.example")
	})

	var withdraw []string
	w.everyFile(5, func(int) []string {
		invite()
		withdraw = []string{"alice", "invite", "withdraw", w.invitations("pending")[0].ID}
		return withdraw
	}, func(int) {
		w.retype(withdraw)
		if w.openLine(line) == nil {
			t.Error("it opens after it was withdrawn")
		}
	})
}

// TestAttack51KilledGroup kills what officers do to groups and to the policy: who is
// in opens what the group reads, who is out opens nothing that comes later, and
// everybody else goes on.
func TestAttack51KilledGroup(t *testing.T) {
	t.Parallel()
	w := teamWorld(t)
	w.join("bob", bob, "member")
	w.join("carol", carol, "member")
	w.join("dave", dave, "officer")
	w.run("alice", "group", "add", "team", carol)

	w.everyFile(5, func(n int) []string { return []string{"alice", "group", "new", fmt.Sprint("group-", n)} }, func(n int) {
		name := fmt.Sprint("group-", n)
		if r := w.try("alice", "group", "new", name); r.code != 0 && r.code != exitInput {
			t.Errorf("again: %+v", r)
		}
		w.run("alice", "group", "add", name, bob)
		if in := w.members(name); !slices.Contains(in, bob) {
			t.Errorf("%s: %v", name, in)
		}
	})

	out := func() {
		t.Helper()
		if slices.Contains(w.members("team"), bob) {
			w.run("alice", "group", "remove", "team", bob, "--yes")
		}
		w.seal()
		if w.opens("bob") || !w.opens("carol") || !w.opens("alice") {
			t.Error("after he was taken out: who opens what?")
		}
	}
	add := []string{"alice", "group", "add", "team", bob}
	w.everyFile(5, func(int) []string { return add }, func(int) {
		if r := w.try("alice", add[1:]...); r.code != 0 && r.code != exitInput {
			t.Errorf("again: %+v", r)
		}
		if !w.opens("bob") {
			t.Error("who was added opens nothing")
		}
		out()
	})
	w.everyFile(5, func(int) []string {
		w.retype(add)
		return []string{"alice", "group", "remove", "team", bob, "--yes"}
	}, func(int) { out() })

	officers := "1"
	set := func() []string { return []string{"alice", "policy", "set", "--officers", officers, "--yes"} }
	w.everyFile(5, func(int) []string {
		officers = map[string]string{"1": "2", "2": "1"}[officers]
		return set()
	}, func(int) {
		w.retype(set())
		var policy struct {
			Policy []struct{ Name, Value string }
		}
		must(t, json.Unmarshal([]byte(w.run("alice", "policy", "show", "--json").stdout), &policy))
		for _, p := range policy.Policy {
			if p.Name == "officers" && p.Value != officers {
				t.Errorf("%s officers, not %s", p.Value, officers)
			}
		}
	})
}

// TestAttack51KilledMemberRemoval kills the removal of a member: they are in or out,
// and once they are out open nothing that comes later.
func TestAttack51KilledMemberRemoval(t *testing.T) {
	t.Parallel()
	w := teamWorld(t)
	w.join("carol", carol, "member")
	w.run("alice", "group", "add", "team", carol)
	w.everyFile(5, func(n int) []string {
		who := fmt.Sprint("bob", n)
		w.join(who, who+"@harbor.example", "member")
		w.run("alice", "group", "add", "team", who+"@harbor.example")
		if !w.opens(who) {
			t.Error("there is nothing to take away")
		}
		return []string{"alice", "member", "remove", who + "@harbor.example", "--yes"}
	}, func(n int) {
		who := fmt.Sprint("bob", n)
		if slices.Contains(w.members(), who+"@harbor.example") {
			w.run("alice", "member", "remove", who+"@harbor.example", "--yes")
		}
		w.seal()
		if w.opens(who) || !w.opens("carol") || !w.opens("alice") {
			t.Error("after the removal: who opens what?")
		}
		if in := w.members(); len(in) != 2 {
			t.Errorf("%v", in)
		}
	})
}

// TestAttack51KilledRecovery kills each step of a recovery by two officers: who is
// recovered has every key, and is enrolled again.
func TestAttack51KilledRecovery(t *testing.T) {
	t.Parallel()
	w := teamWorld(t)
	w.join("bob", bob, "officer")
	w.join("dave", dave, "member")
	w.run("alice", "group", "add", "team", dave)
	w.run("alice", "policy", "set", "--officers", "2", "--recovery", "2", "--yes")

	enroll := []string{"dave", "recovery", "enroll", "--threshold", "2"}
	w.everyFile(5, func(n int) []string {
		if n > 0 {
			w.run("dave", "recovery", "end", "--yes")
		}
		return enroll
	}, func(int) { w.retype(enroll) })

	var request, approve, finish []string
	prepare := func(device string) {
		t.Helper()
		w.pin(device, dave)
		number := w.value(device, "safety_number", "recovery", "start", "--out", device+".request")
		id := w.value(device, "device", "identity", "show")
		request = []string{"alice", "recovery", "request", device + ".request", "--for", dave, "--reason", "a flood"}
		approve = []string{"bob", "recovery", "approve", id, "--safety-number", number}
		finish = []string{device, "recovery", "finish"}
	}
	byAlice := func() { w.run("alice", approve[1:]...) }
	recovered := func(device string) {
		t.Helper()
		var said struct {
			Enrolled bool
			Wrong    []int `json:"wrong_shares"`
		}
		must(t, json.Unmarshal([]byte(w.run(device, "recovery", "finish", "--json").stdout), &said))
		if !said.Enrolled || len(said.Wrong) > 0 || !w.opens(device) {
			t.Errorf("%s: %+v", device, said)
		}
	}
	for _, step := range []struct {
		what   string
		killed *[]string
		before func()
		after  func()
	}{
		{"request", &request, func() {}, func() { byAlice(); w.retype(approve) }},
		{"approve", &approve, func() { w.retype(request); byAlice() }, func() {}},
		{"finish", &finish, func() { w.retype(request); byAlice(); w.retype(approve) }, func() {}},
	} {
		device := func(n int) string { return fmt.Sprint(step.what, n) }
		w.everyFile(5, func(n int) []string {
			prepare(device(n))
			step.before()
			return *step.killed
		}, func(n int) {
			w.retype(*step.killed)
			step.after()
			recovered(device(n))
		})
	}
}
