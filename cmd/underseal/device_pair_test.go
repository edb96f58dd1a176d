package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/workspace"
)

// What doc/cli.md promises of pairing.
type (
	docPairing struct {
		Schema  int      `json:"schema_version"`
		State   string   `json:"state"`
		Expires string   `json:"expires,omitempty"`
		CodeOut string   `json:"code_out,omitempty"`
		Device  string   `json:"device,omitempty"`
		Label   string   `json:"label,omitempty"`
		Words   []string `json:"words"`
	}
	docJoining struct {
		Schema      int      `json:"schema_version"`
		State       string   `json:"state"`
		Fingerprint string   `json:"fingerprint"`
		Member      string   `json:"member"`
		Words       []string `json:"words"`
	}
)

// tryNew runs a command on a device whose secret rests in a file.
func (w *world) tryNew(who string, args ...string) result {
	w.t.Helper()
	return w.tryEnv(map[string]string{"UNDERSEAL_HOME": w.path(who), "UNDERSEAL_PASSPHRASE_FILE": w.path("passphrase")}, nil, args...)
}

// holdNew unlocks such a device, so that each of its commands need not.
func (w *world) holdNew(who string) {
	w.t.Helper()
	c, err := loadConfig(homeDir(w.path(who)))
	if err != nil {
		w.t.Fatal(err)
	}
	ask := func(context.Context, keystore.Purpose) (*secret.Bytes, error) {
		return secret.New([]byte(passphrase)), nil
	}
	s, err := keystore.NewFile(w.path(who), ask).Load(w.ctx, c.Account)
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Destroy()
	w.secrets = append(w.secrets, string(s.Expose()))
	if err := w.holder.hold(w.ctx, w.path(who), s); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) joinJSON(who string, args ...string) docJoining {
	w.t.Helper()
	r := w.tryNew(who, append([]string{"device", "join", "--json"}, args...)...)
	if r.code != 0 {
		w.t.Fatalf("join: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	return strictly[docJoining](w.t, r.stdout)
}

// Each step is a command of its own, and each can be typed twice.
func TestPairJSON(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("passphrase", passphrase+"\n")
	now := []string{"--wait", "0s"}
	w.fails(classUsage, "bob", append([]string{"device", "pair"}, now...), "give --code-out FILE")
	w.fails(classInput, "bob", []string{"device", "pair", "--withdraw"}, "no pairing is under way")

	shown := jsonOf[docPairing](w, "bob", append([]string{"device", "pair", "--code-out", "@code"}, now...)...)
	if shown.State != "waiting" || shown.CodeOut != w.path("code") || shown.Expires == "" || shown.Words == nil {
		t.Errorf("%+v", shown)
	}
	line := strings.Fields(w.read("code"))
	if len(line) != 2 || !strings.HasPrefix(line[0], "UNDERSEAL-PAIR-1") || line[1] != "dir:"+w.path("firm") {
		t.Fatalf("%d words in the file", len(line))
	}
	if again := jsonOf[docPairing](w, "bob", append([]string{"device", "pair"}, now...)...); again.State != "waiting" || again.Expires != shown.Expires {
		t.Errorf("%+v", again)
	}

	joined := w.joinJSON("phone", append([]string{"--from", "@code", "--device", "Bob's phone"}, now...)...)
	if joined.State != "waiting" || joined.Fingerprint != w.known || len(joined.Words) != 0 {
		t.Errorf("%+v", joined)
	}
	w.holdNew("phone")
	if again := w.joinJSON("phone", append([]string{"--from", "@code"}, now...)...); again.State != "waiting" {
		t.Errorf("%+v", again)
	}
	compare := jsonOf[docPairing](w, "bob", append([]string{"device", "pair"}, now...)...)
	if compare.State != "compare" || compare.Label != "Bob's phone" || len(compare.Words) != 6 {
		t.Errorf("%+v", compare)
	}
	if j := w.joinJSON("phone", now...); j.State != "compare" || !slices.Equal(j.Words, compare.Words) {
		t.Errorf("%+v", j)
	}
	words := strings.Join(compare.Words, " ")
	if j := w.joinJSON("phone", "--words", words, "--wait", "0s"); j.State != "confirmed" {
		t.Errorf("%+v", j)
	}
	w.fails(classInput, "bob", []string{"device", "pair", "--words", "zzzz" + words}, "--words: word 1 is not on the list")
	w.fails(classUsage, "bob", []string{"device", "pair", "--words", words + " zoo"}, "6 words, not 7")
	done := jsonOf[docPairing](w, "bob", "device", "pair", "--words", strings.ToUpper(words))
	if done.State != "paired" || done.Device != compare.Device {
		t.Errorf("%+v", done)
	}
	if j := w.joinJSON("phone", now...); j.State != "paired" {
		t.Errorf("%+v", j)
	}
	if r := w.tryNew("phone", "device", "join", "--from", "@code"); r.code != classSetup.code {
		t.Errorf("twice: exit %d, %s", r.code, r.stderr)
	}
	list := jsonOf[docDevices](w, "bob", "device", "list")
	if len(list.Devices) != 2 || list.Devices[1].Device != done.Device || list.Devices[1].Label != "Bob's phone" || list.Devices[1].AddedBy != list.Devices[0].Device {
		t.Errorf("%+v", list)
	}
	added := "device " + done.Device[:shortID] + " was added to bob@example.com by device " + list.Devices[0].Device[:shortID]
	for who, told := range map[string]bool{"alice": true, "bob": false} { // who did it knows
		if pending := strings.Join(jsonOf[docStatus](w, who, "status").Pending, "\n"); strings.Contains(pending, added) != told {
			t.Errorf("%s: %q in\n%s", who, added, pending)
		}
	}
	w.write("people.csv", peopleCSV(2))
	w.run("alice", "seal", "@people.csv", "--out", "@sealed.csv", "--record-id", "id", "--column", "phone")
	if r := w.tryNew("phone", "open", "@sealed.csv", "--out", "@plain.csv"); r.code != 0 || w.read("plain.csv") != w.read("people.csv") {
		t.Errorf("the new device opens: exit %d\n%s", r.code, r.stderr)
	}

	// The phone takes away Bob's backup, and Bob's desk the phone: the officer
	// and Bob are told of both, and that they are not of one mind (attack 62).
	w.run("bob", "backup", "create", "--out", "@kit.pdf", "--label", "kit")
	if r := w.tryNew("phone", "device", "remove", "kit", "--yes"); r.code != 0 {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	w.run("bob", "device", "remove", "Bob's phone", "--yes")
	for _, who := range []string{"alice", "bob"} {
		pending := strings.Join(jsonOf[docStatus](w, who, "status").Pending, "\n")
		for _, text := range []string{
			" and " + list.Devices[0].Device[:shortID] + " of bob@example.com act against one another; ask their owner",
			"of bob@example.com was removed by device " + done.Device[:shortID],
		} {
			if !strings.Contains(pending, text) {
				t.Errorf("%s: %q is not in\n%s", who, text, pending)
			}
		}
	}
}

// What is wrong with a code, a store or the words is said, and nothing changes.
func TestPairBadInput(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("passphrase", passphrase+"\n")
	pair := func() string {
		t.Helper()
		w.run("bob", "device", "pair", "--code-out", "@code", "--force", "--wait", "0s")
		return w.read("code")
	}
	code := pair()
	wrong := []byte(code)
	wrong[20] = "QP"[btoi(wrong[20] == 'Q')]
	for name, content := range map[string]string{
		"mistyped": string(wrong), "empty": "", "short": code[:30], "long": strings.Repeat(code, 100), "kit": "UNDERSEAL-BACKUP-1Q dir:/x",
		"elsewhere": strings.Fields(code)[0] + " dir:" + w.path("nowhere"), "bare": strings.Fields(code)[0],
	} {
		w.write(name, content)
	}
	fails := func(c class, texts []string, args ...string) {
		t.Helper()
		r := w.tryNew("phone", append([]string{"device", "join", "--wait", "0s"}, args...)...)
		w.checkFailure(c, r, args, texts...)
		w.absent("phone/identity.cbor")
	}
	fails(classInput, []string{"not a pairing code"}, "--from", "@mistyped")
	fails(classInput, []string{"not a pairing code"}, "--from", "@empty")
	fails(classInput, []string{"not a pairing code"}, "--from", "@short")
	fails(classInput, nil, "--from", "@long")
	fails(classInput, []string{"not a pairing code"}, "--from", "@kit")
	fails(classInput, nil, "--from", "@missing")
	fails(classStorage, []string{"not a store"}, "--from", "@elsewhere")
	fails(classUsage, []string{"give --store"}, "--from", "@bare")
	fails(classUsage, []string{"give --from FILE"})
	fails(classUsage, []string{"--wait"}, "--from", "@code", "--wait", "-1s")
	w.absent("phone")

	other := newWorld(t)
	other.found()
	fails(classInput, []string{"nothing waits under this pairing code"}, "--from", "@bare", "--store", "dir:"+other.path("firm"))
	w.fails(classStorage, "bob", []string{"device", "pair", "--code-out", "@nowhere/code", "--wait", "0s"}, "there is no such folder")
	w.run("bob", "device", "pair", "--withdraw")
	fails(classInput, []string{"nothing waits under this pairing code"}, "--from", "@code")
	w.fails(classStorage, "bob", []string{"device", "pair", "--code-out", "@code", "--wait", "0s"}, "the output exists")
	for _, args := range [][]string{
		{"--good-for", "25h"}, {"--good-for", "1s"}, {"--wait", "-5s"}, {"--withdraw", "--code-out", "x"}, {"--json", "--code-out", "-"},
	} {
		if r := w.try("bob", append([]string{"device", "pair"}, args...)...); r.code != classUsage.code {
			t.Errorf("%v: exit %d", args, r.code)
		}
	}
	w.fails(classDenied, "eve", []string{"device", "pair", "--code-out", "@eve.code", "--wait", "0s"}, "no officer has added you")

	// Expired, by a clock that is half an hour ahead; and other words.
	pair()
	clock := w.now
	w.now = func() time.Time { return clock().Add(30 * time.Minute) }
	fails(classInput, []string{"the pairing code has expired", "clocks"}, "--from", "@code")
	w.now = clock
	w.joinJSON("phone", "--from", "@code", "--wait", "0s")
	w.run("bob", "device", "pair", "--wait", "0s")
	six := "zoo zoo zoo zoo zoo zoo"
	w.fails(classRefused, "bob", []string{"device", "pair", "--words", six}, "the six words differ; nothing was added", "device list")
	r := w.tryNew("phone", "device", "join", "--words", six)
	w.checkFailure(classInput, r, nil, "the other device has ended the pairing")
	if list := jsonOf[docDevices](w, "bob", "device", "list"); len(list.Devices) != 1 {
		t.Errorf("%+v", list)
	}
	// And the next code goes on from there.
	pair()
	if j := w.joinJSON("phone", "--from", "@code", "--wait", "0s"); j.State != "waiting" {
		t.Errorf("%+v", j)
	}
}

// Waiting ends with the time, the answer, an error or the program, by a clock
// of the test's.
func TestPoll(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var paused []time.Duration
	a := &app{now: func() time.Time { return now }, after: func(d time.Duration) <-chan time.Time {
		paused, now = append(paused, d), now.Add(d)
		c := make(chan time.Time, 1)
		c <- now
		return c
	}}
	looks := 0
	never := func() (bool, error) { looks++; return false, nil }
	if err := a.poll(t.Context(), 5*time.Second, never); err != nil || looks != 6 || len(paused) != 5 || paused[0] != pollEvery {
		t.Errorf("%d looks, %v, %v", looks, paused, err)
	}
	looks = 0
	if err := a.poll(t.Context(), 0, never); err != nil || looks != 1 {
		t.Errorf("%d looks, %v", looks, err)
	}
	third := func() (bool, error) { looks++; return looks == 3, nil }
	looks = 0
	if err := a.poll(t.Context(), time.Hour, third); err != nil || looks != 3 {
		t.Errorf("%d looks, %v", looks, err)
	}
	if err := a.poll(t.Context(), time.Hour, func() (bool, error) { return false, workspace.ErrPairingTwice }); !errors.Is(err, workspace.ErrPairingTwice) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a.after = func(time.Duration) <-chan time.Time { cancel(); return nil }
	if err := a.poll(ctx, time.Hour, never); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A code is for who has the file, and for nobody else on the computer.
func TestPairingCodeFile(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	w := newWorld(t)
	w.found()
	w.run("bob", "device", "pair", "--code-out", "@code", "--wait", "0s")
	if info, err := os.Stat(w.path("code")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// Standard output has the line and nothing else; the same code again.
	r := w.run("bob", "device", "pair", "--code-out", "-", "--wait", "0s")
	if r.stdout != w.read("code") || strings.Contains(r.stderr, "UNDERSEAL-PAIR") {
		t.Error("not the line of the file alone")
	}
	if r := w.run("bob", "device", "pair", "--wait", "0s"); strings.Contains(r.stdout+r.stderr, strings.Fields(w.read("code"))[0][16:]) {
		t.Error("shown where nobody sees it")
	}
}
