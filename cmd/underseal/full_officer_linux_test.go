package main

import (
	"os"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// everyRoom types a command of Dora's while the disk with her home, the store and
// what she writes has ever more room, until there is enough. after is looked at with
// room again.
func (w *world) everyRoom(step int64, try func() result, after func(done bool)) {
	w.t.Helper()
	const page = 4096
	failed := 0
	for leave := int64(0); ; leave += step * page {
		w.fill("disk", leave)
		r := try()
		w.remove("disk/.filler")
		if r.code != 0 {
			failed++
			w.checkFailure(classStorage, r, nil, "make room")
			w.noTemporary(w.path("disk"))
		}
		w.run("alice", "log", "verify")
		after(r.code == 0)
		if r.code == 0 {
			break
		}
		if leave > 60*page || w.t.Failed() {
			w.t.Fatalf("with %d bytes: %s", leave, r.stderr)
		}
	}
	if failed == 0 {
		w.t.Error("the disk was never full")
	}
}

// The disk becomes full, at any place, while an officer invites, backs up and enrols,
// or a device joins: it is said, nothing is lost, and the same command succeeds when
// there is room (attack 51).
func TestAttack51FullOfficer(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.disk("disk")
	const dora = "disk/dora"
	w.person(dora, "Dora Officer", "dora@example.com")
	w.run("alice", "org", "new", "Example LLP", "--store", "dir:"+w.path("disk/firm"))
	w.known = w.fingerprint()
	for _, who := range []string{"bob", dora} {
		w.run(who, "org", "join", "--store", "dir:"+w.path("disk/firm"), "--fingerprint", w.known)
		w.run(who, "identity", "card", "--out", "@"+who+".card")
		w.run("alice", "member", "add", "@"+who+".card", "--role", "officer", "--safety-number", w.safetyNumber(who))
	}
	w.run("alice", "policy", "set", "--officers", "2", "--recovery", "2", "--yes")
	typed := func(args ...string) func() result {
		return func() result { return w.try(dora, args...) }
	}

	// An invitation that is listed has its line, and a message that goes with it.
	w.everyRoom(1, typed("invite", "create", "--role", "guest"), func(done bool) {
		var list struct{ Invitations []struct{ ID, Status string } }
		w.decode(w.run(dora, "invite", "list", "--json").stdout, &list)
		pending := 0
		for _, i := range list.Invitations {
			if i.Status == "pending" {
				pending++
				var shown struct{ Line string }
				w.decode(w.run(dora, "invite", "show", i.ID, "--json").stdout, &shown)
				w.write("line", shown.Line+"\n")
				w.run("eve", "invite", "decline", "--from", "@line")
				w.run(dora, "invite", "withdraw", i.ID)
			}
		}
		if pending > 1 || done && pending == 0 {
			t.Errorf("%d are pending", pending)
		}
	})

	// A page that is there is of a device that counts.
	w.everyRoom(1, typed("backup", "create", "--out", "@disk/kit.pdf", "--label", "kit"), func(done bool) {
		var list struct {
			Devices []struct {
				Label   string
				Removed bool
			}
		}
		w.decode(w.run(dora, "device", "list", "--json").stdout, &list)
		listed := false
		for _, d := range list.Devices {
			listed = listed || d.Label == "kit" && !d.Removed
		}
		_, err := os.Stat(w.path("disk/kit.pdf"))
		if page := err == nil; page && !listed || done && !page {
			t.Errorf("a page is there: %v, its device: %v", page, listed)
		}
	})

	w.everyRoom(1, typed("recovery", "enroll"), func(done bool) {
		var list struct{ Recoveries []struct{ Left int } }
		w.decode(w.run(dora, "recovery", "list", "--json").stdout, &list)
		if n := len(list.Recoveries); n > 1 || done && (n == 0 || list.Recoveries[0].Left != 2) {
			t.Errorf("%+v", list)
		}
	})

	// The secret of a new device is at home before anybody can add it.
	w.write("passphrase", passphrase+"\n")
	w.run(dora, "device", "pair", "--code-out", "@code", "--wait", "0s")
	now := []string{"--wait", "0s"}
	join := func(args ...string) func() result {
		return func() result {
			return w.tryNew("disk/phone", append(append([]string{"device", "join"}, args...), now...)...)
		}
	}
	w.everyRoom(2, join("--from", "@code", "--device", "Dora's phone"), func(bool) {})
	w.holdNew("disk/phone")
	words := strings.Join(jsonOf[docPairing](w, dora, append([]string{"device", "pair"}, now...)...).Words, " ")
	w.everyRoom(1, join("--words", words), func(bool) {})
	w.run(dora, "device", "pair", "--words", words)
	w.everyRoom(1, join(), func(done bool) {
		if _, err := os.Stat(w.path("disk/phone/" + identityFile)); done && err != nil {
			t.Error(err)
		}
	})
	if r := w.tryNew("disk/phone", "status"); r.code != 0 {
		t.Errorf("the new device: exit %d\n%s", r.code, r.stderr)
	}
}
