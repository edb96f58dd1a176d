//go:build linux

package killtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/keyring/keystore"
)

// Commands that make a device are killed: what it keeps its secret in is a file
// under a passphrase, which costs about a second each time.

// ownSecrets has new homes keep their secrets in files.
func (w *world) ownSecrets() {
	w.t.Helper()
	w.write("passphrase", "a passphrase of this test\n")
	w.env = append(w.env, "UNDERSEAL_PASSPHRASE_FILE="+w.path("passphrase"))
}

// unlock holds the secret that a new device has kept.
func (w *world) unlock(who string) {
	w.t.Helper()
	text, err := os.ReadFile(w.path("home-" + who + "/config.json"))
	must(w.t, err)
	var config struct{ Account string }
	must(w.t, json.Unmarshal(text, &config))
	ks, err := keystore.Choose(w.t.Context(), keystore.Choice{Kind: keystore.KindFile, Dir: w.path("home-" + who), PassphraseFile: w.path("passphrase")})
	must(w.t, err)
	s, err := ks.Load(w.t.Context(), config.Account)
	must(w.t, err)
	w.hold(who, s)
}

// TestAttack51KilledRestore kills the restoring from a backup: the same command goes
// on, as one device, and what was sealed opens on it.
func TestAttack51KilledRestore(t *testing.T) {
	t.Parallel()
	render, scan := testenv.Tool(t, "pdftoppm", "poppler-utils"), testenv.Tool(t, "zbarimg", "zbar-tools")
	w := teamWorld(t)
	w.run("alice", "backup", "create", "--out", "kit.pdf", "--label", "kit")
	must(t, exec.Command(render, "-png", "-r", "150", "-singlefile", w.path("kit.pdf"), w.path("kit")).Run())
	code, err := exec.Command(scan, "--quiet", "--raw", w.path("kit.png")).Output()
	must(t, err)
	w.write("kit.txt", string(code))
	w.ownSecrets()
	restore := func(n int) []string {
		return []string{fmt.Sprint("laptop", n), "backup", "restore", "kit.txt", "--store", "dir:" + w.path("firm"), "--device", fmt.Sprint("laptop ", n)}
	}
	w.everyFile(4, restore, func(n int) {
		who := fmt.Sprint("laptop", n)
		if _, err := os.Stat(w.path("home-" + who + "/organization.pin")); err != nil {
			w.retype(restore(n))
		}
		w.unlock(who)
		if !w.opens(who) || !w.listed()[fmt.Sprint("laptop ", n)] {
			t.Errorf("%s is no device", who)
		}
		if r := w.try(who, restore(n)[1:]...); r.code == 0 {
			t.Error("a home was restored into twice")
		}
	})
	// Each is listed once, beside Alice's first and the kit.
	var list struct{ Devices []struct{ Label string } }
	must(t, json.Unmarshal([]byte(w.run("alice", "device", "list", "--json").stdout), &list))
	if labels := w.listed(); len(list.Devices) != len(labels) {
		t.Errorf("%d devices, %d labels", len(list.Devices), len(labels))
	}
}

// TestAttack51KilledJoining kills the new device's side of a pairing: nobody adds a
// device whose secret is lost, and the same command goes on to the end.
func TestAttack51KilledJoining(t *testing.T) {
	t.Parallel()
	w := teamWorld(t)
	w.ownSecrets()
	const noWait = "0s"
	pair := func(more ...string) result {
		t.Helper()
		return w.run("alice", append([]string{"device", "pair", "--wait", noWait}, more...)...)
	}
	var who, words string
	answer := func() []string {
		return []string{who, "device", "join", "--from", "code", "--device", who, "--wait", noWait}
	}
	goOn := func() []string { return []string{who, "device", "join", "--words", words, "--wait", noWait} }
	begin := func(name string) {
		t.Helper()
		who = name
		pair("--code-out", "code", "--force")
	}
	look := func() {
		t.Helper()
		var said struct{ Words []string }
		must(t, json.Unmarshal([]byte(pair("--json").stdout), &said))
		words = strings.Join(said.Words, " ")
	}
	joined := func() {
		t.Helper()
		if !w.listed()[who] || !w.opens(who) {
			t.Errorf("%s is no device", who)
		}
	}
	w.everyFile(3, func(n int) []string {
		begin(fmt.Sprint("phone", n))
		return answer()
	}, func(int) {
		w.retype(answer())
		w.unlock(who)
		look()
		w.retype(goOn())
		pair("--words", words)
		w.retype(goOn())
		joined()
	})
	if os.Getenv("UNDERSEAL_LONG") != "" { // few files, and each device takes seconds
		w.everyFile(3, func(n int) []string {
			begin(fmt.Sprint("tablet", n))
			w.retype(answer())
			w.unlock(who)
			look()
			return goOn()
		}, func(int) {
			w.retype(goOn())
			pair("--words", words)
			w.retype(goOn())
			joined()
		})
	}
	w.everyFile(3, func(n int) []string {
		begin(fmt.Sprint("desk", n))
		w.retype(answer())
		w.unlock(who)
		look()
		w.retype(goOn())
		pair("--words", words)
		return goOn()
	}, func(int) {
		if text, err := os.ReadFile(w.path("home-" + who + "/pairing.joined")); err != nil || len(text) > 0 {
			w.retype(goOn())
		}
		joined()
	})
}
