package main

import (
	"slices"
	"strings"
	"time"
)

// The steps of the year. Each does what people type, notes for the oracle what
// that should mean, and has everybody checked.

func yearFounded(f *yearFirm) {
	alice := f.hire("alice")
	f.as(alice, "org new Example_LLP --store dir:"+f.path("firm"))
	f.people = append(f.people, alice)
	f.known = f.fingerprint()
	for _, field := range []string{"ssn", "settlement"} {
		f.as(alice, "field new "+field)
		f.grant(field, alice)
	}
	f.check("Alice founds the firm and two fields")
}

func yearInvited(f *yearFirm) {
	for _, who := range yearPeople[1:] {
		f.hire(who)
		f.invite("alice", who, "--role member")
	}
	f.check("thirty-nine are invited, compare their numbers, and join")
}

// invite lets somebody in as people do: a line, an answer, two numbers that are
// compared by voice.
func (f *yearFirm) invite(officer, who, how string) {
	f.t.Helper()
	line := f.as(officer, "invite create "+how).stdout
	f.write("line", line)
	f.as(who, "invite accept --from @line --confirm-officer "+emailOf(officer))
	f.run(officer, "invite", "confirm", "--safety-number", f.safetyNumber(who))
	f.people = append(f.people, who)
}

func yearGrouped(f *yearFirm) {
	f.at(time.January, 12)
	for _, name := range []string{"litigation", "family law", "accounts"} {
		args := []string{"group", "new", name}
		for _, who := range yearGroups[name] {
			args = append(args, "--member", emailOf(who))
		}
		f.run("alice", args...)
		f.groups[name] = set(append(slices.Clone(yearGroups[name]), "alice")...)
	}
	for _, field := range []string{"health", "bank", "address"} {
		f.as("alice", "field new "+field)
		f.grant(field, "alice")
	}
	for field, group := range map[string]string{"ssn": "litigation", "settlement": "litigation", "health": "family law", "bank": "accounts"} {
		f.run("alice", "field", "grant", field, "--to-group", group)
		f.grant(field, "group "+group)
	}
	for _, name := range []string{"litigation", "family law", "accounts"} {
		f.run("alice", "field", "grant", "address", "--to-group", name, "--rights", "read")
		f.grant("address", "group "+name)
	}
	f.as("alice", "field grant health --to "+emailOf("karl"))
	f.grant("health", "karl")
	f.check("three groups, five fields, grants to groups and to Karl")
}

func yearOfficers(f *yearFirm) {
	f.at(time.February, 2)
	for _, who := range []string{"ben", "carla"} {
		f.as("alice", "member role "+emailOf(who)+" --role officer")
	}
	f.as("alice", "policy set --officers 2 --recovery 2 --yes")
	f.check("Ben and Carla become officers, and the firm has a policy")
}

func yearBackups(f *yearFirm) {
	f.at(time.February, 9)
	f.as("frank", "backup create --out @frank.pdf")
	f.tool("pdftoppm", "poppler-utils", "-png", "-r", "120", "-singlefile", "@frank.pdf", "@frank")
	f.paper = f.tool("zbarimg", "zbar-tools", "--quiet", "--raw", "@frank.png")
	if r := f.tryWith("frank", strings.NewReader(f.paper), "backup", "check", "-"); r.code != 0 {
		f.t.Fatal(r.stderr)
	}
	for _, who := range []string{"henry", "dora"} {
		f.as(who, "recovery enroll --threshold 2 --officer "+emailOf("alice")+" --officer "+emailOf("ben")+" --officer "+emailOf("carla"))
	}
	f.check("Frank has a paper kit, Henry and Dora enrol for recovery")
}

func yearDevices(f *yearFirm) {
	f.at(time.March, 2)
	f.pair("emma", "emma-tablet")
	f.check("Emma pairs a tablet")
}

// pair gives somebody a further device: a code from one to the other, and six
// words that both show.
func (f *yearFirm) pair(who, device string) {
	f.t.Helper()
	f.as(who, "device pair --code-out @code --wait 0s --force")
	f.joinJSON(device, "--from", "@code", "--device", device, "--wait", "0s")
	f.holdNew(device)
	words := strings.Join(jsonOf[docPairing](f.world, who, "device", "pair", "--wait", "0s").Words, " ")
	f.joinJSON(device, "--words", words, "--wait", "0s")
	f.run(who, "device", "pair", "--words", words)
	if j := f.joinJSON(device, "--wait", "0s"); j.State != pairDone {
		f.t.Fatalf("%+v", j)
	}
	f.arrives(device, who)
}

func yearLaptop(f *yearFirm) {
	f.at(time.April, 1)
	f.leave("emma")
	f.as("emma-tablet", "device remove "+f.device("emma")+" --yes")
	f.close("ssn", "settlement", "address")
	f.check("Emma's laptop is stolen; from the tablet she removes it")
	f.as("alice", "org catch-up") // the directory too, for the name of Frank's next device
	f.opened()
	f.check("Alice opens what waited for somebody who shares it")

	f.at(time.April, 20)
	f.leave("frank")
	env := f.restored("frank-desk")
	r := f.tryEnv(env, strings.NewReader(f.paper), "backup", "restore", "-", "--store", "dir:"+f.path("firm"), "--device", "new desk")
	if r.code != 0 {
		f.t.Fatal(r.stderr)
	}
	f.holdNew("frank-desk")
	f.arrives("frank-desk", "frank")
	f.as("frank-desk", "device remove "+f.device("frank")+" --yes")
	f.close("ssn", "settlement", "address")
	f.check("Frank's laptop sinks; the paper kit brings him back")
	f.as("alice", "group rotate litigation", "field rotate ssn", "field rotate settlement", "field rotate address")
	f.opened()
	f.check("Alice opens what waited again")
}

func yearRotated(f *yearFirm) {
	f.at(time.May, 4)
	f.as("alice", "field rotate settlement")
	f.check("the key of the settlements is rotated")
	rekey := []string{"org", "rekey", "--file", "@year.csv", "--out", "@rekeyed.csv", "--record-id", "id", "--force"}
	f.run("alice", rekey...)
	if n := f.rekeyed("rekeyed.csv"); n == 0 {
		f.t.Error("nothing was sealed again")
	}
	f.check("the old values of a file are sealed again")
	f.run("alice", rekey...)
	if n := f.rekeyed("rekeyed.csv"); n != 0 {
		f.t.Errorf("%d values were sealed again twice", n)
	}
}

func yearRemoved(f *yearFirm) {
	f.at(time.July, 6)
	f.leave("mona")
	f.as("ben", "member remove "+emailOf("mona")+" --dry-run", "member remove "+emailOf("mona")+" --yes")
	f.fired("mona")
	f.waits("address", "family law")
	f.close("health")
	f.check("Ben removes Mona: what he holds is rotated, what not is closed")
	f.as("alice", "group rotate family_law", "field rotate health")
	f.opened()
	f.check("Alice opens the next key of what Ben may not read")
}

func yearGuest(f *yearFirm) {
	f.at(time.August, 3)
	f.hire("counsel")
	f.invite("alice", "counsel", "--role guest")
	f.as("alice", "member role "+emailOf("counsel")+" --role guest --expires 2026-09-01")
	f.as("alice", "field grant settlement --to "+emailOf("counsel")+" --rights read")
	f.grant("settlement", "counsel")
	f.check("outside counsel gets the settlements for a month")
	f.at(time.September, 7)
	f.as("alice", "field rotate settlement")
	f.late["settlement"+"counsel"] = len(f.sealed)
	f.check("the month is over: the next key is not for counsel")
	f.leave("counsel")
	f.as("alice", "member remove "+emailOf("counsel")+" --yes")
	f.fired("counsel")
	f.check("counsel is removed")
}

func yearMoved(f *yearFirm) {
	f.at(time.September, 14)
	f.as("alice", "group remove litigation "+emailOf("ivy")+" --yes", "group add family_law "+emailOf("ivy"))
	delete(f.groups["litigation"], "ivy")
	f.groups["family law"]["ivy"] = true
	f.check("Ivy goes from litigation to family law")
}

func yearRecovered(f *yearFirm) {
	f.at(time.October, 5)
	f.leave("henry")
	r := f.tryNew("henry-desk", "recovery", "start", "--out", "@henry.request", "--name", "Henry Example", "--email", emailOf("henry"),
		"--device", "desk", "--store", "dir:"+f.path("firm"), "--fingerprint", f.known)
	if r.code != 0 {
		f.t.Fatal(r.stderr)
	}
	f.holdNew("henry-desk")
	f.as("ben", "recovery request @henry.request --for "+emailOf("henry")+" --reason house_on_fire")
	digits := f.requestNumber()
	f.run("ben", "recovery", "approve", "--safety-number", digits)
	if r := f.try("henry-desk", "recovery", "finish"); r.code == 0 {
		f.t.Error("one officer was enough")
	}
	f.run("carla", "recovery", "approve", "--safety-number", digits)
	f.as("henry-desk", "recovery finish")
	f.arrives("henry-desk", "henry")
	f.close("ssn", "settlement", "address")
	f.check("Henry's house burns; Ben and Carla bring him back")
	f.as("alice", "group rotate litigation", "field rotate ssn", "field rotate settlement", "field rotate address")
	f.opened()
	f.check("Alice opens what waited a third time")
}

func yearOfficerLeaves(f *yearFirm) {
	f.at(time.November, 2)
	f.as("alice", "member role "+emailOf("diana")+" --role officer")
	f.check("Diana becomes an officer")
	f.leave("carla")
	f.as("alice", "member remove "+emailOf("carla")+" --yes")
	f.fired("carla")
	f.check("Carla leaves, who held shares")
	if r := f.try("alice", "member", "remove", emailOf("ben"), "--yes"); r.code != classDenied.code || !strings.Contains(r.stderr, "could no longer be recovered") {
		f.t.Errorf("Ben's removal would leave two without recovery: exit %d: %s", r.code, r.stderr)
	}
	f.as("dora", "recovery enroll --threshold 2 --officer "+emailOf("alice")+" --officer "+emailOf("ben")+" --officer "+emailOf("diana"))
	f.check("Dora enrols anew")
}

func yearAudit(f *yearFirm) {
	f.at(time.December, 21)
	for command, says := range map[string]string{
		"log verify": "verified", "log show --about " + emailOf("mona"): "removed mona@example.com", "log show --by " + emailOf("carla"): "recover henry@example.com",
		"org status": "", "policy show": "2", "group list family_law": emailOf("ivy"), "recovery list": emailOf("dora"),
		"access show ssn": "litigation", "access show " + emailOf("karl"): "health", "member show " + emailOf("frank"): "new desk",
	} {
		if r := f.as("alice", command); !strings.Contains(r.stdout, says) {
			f.t.Errorf("%s does not say %q:\n%s", command, says, r.stdout)
		}
	}
	f.check("the year is read again from its beginning")
	for _, home := range f.people {
		if head := f.session(home).State().Head(); head != f.session("alice").State().Head() {
			f.t.Errorf("%s sees another head: %d", home, head.Length)
		}
	}
	f.t.Logf("%d answers of %d homes about %d values", f.checks, len(f.people), len(f.sealed))
}
