package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring/keystore"

	"github.com/underseal/underseal/internal/testenv"
)

// hidden finds what must not be seen, in each form in which it might be.
type hidden struct{ forms map[string]string }

func (h *hidden) add(what, value string) {
	if h.forms == nil {
		h.forms = map[string]string{}
	}
	h.forms[value] = what
	h.forms[hex.EncodeToString([]byte(value))] = what + ", as hex"
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		h.forms[e.EncodeToString([]byte(value))] = what + ", as base64"
	}
}

func (h *hidden) addDevice(value string) {
	h.add("a device secret", value)
	s := secret.New([]byte(value))
	defer s.Destroy()
	text := keystore.FormatSecret(s)
	defer text.Destroy()
	h.forms[string(text.Expose())] = "a device secret, as text"
	h.forms[strings.ToLower(string(text.Expose()))] = "a device secret, as text"
}

// check fails for what is hidden in a text.
func (h *hidden) check(t *testing.T, where, text string) {
	t.Helper()
	if len(h.forms) == 0 {
		t.Fatal("nothing is hidden")
	}
	for value, what := range h.forms {
		if strings.Contains(text, value) {
			t.Errorf("%s shows %s", where, what)
		}
	}
}

// No command, whatever becomes of it, shows a value or a secret, and neither
// the store, nor a home, nor a sealed file holds one in the clear.
func TestNothingShown(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	w.found()
	var h hidden
	for _, s := range w.secrets {
		h.addDevice(s)
	}
	const phone, address = "tel-0123456789-secret", "Elm Street 1428, secret"
	h.add("a phone number", phone)
	h.add("an address", address)
	h.add("the passphrase", passphrase)
	w.write("passphrase", passphrase+"\n")
	rows := fmt.Sprintf("id,phone,address\na,%s,\"%s\"\nb,%s,\"%s\"\n", phone, address, phone, address)
	for name, content := range map[string]string{
		"people.csv":  rows,
		"twice.csv":   rows + rows[strings.Index(rows, "\n")+1:],
		"short.csv":   rows + phone + "\n",
		"quote.csv":   rows + "c,\"" + phone,
		"bare.csv":    rows + "c,x\"" + phone + ",y\n",
		"bytes.csv":   rows + "c," + phone + "\xff,y\n",
		"long.csv":    rows + "c," + strings.Repeat(phone, 1<<17) + ",y\n",
		"foreign.csv": rows + "c,us1." + phone + ",y\n",
		"line.jsonl":  `{"id":"a","phone":"` + phone + `","address":"` + address + `"`,
		"two.jsonl":   `{"id":"a","phone":"` + phone + `","phone":"` + address + `"}`,
		"good.jsonl":  `{"id":"a","phone":"` + phone + `","address":"` + address + `"}`,
	} {
		w.write(name, content)
	}

	see := func(r result, args ...string) {
		h.check(t, fmt.Sprintf("%v (exit %d)", args, r.code), r.stdout+r.stderr)
	}
	codes := map[int]int{}
	try := func(who string, args ...string) {
		for _, more := range [][]string{nil, {"--json"}} {
			r := w.try(who, append(append([]string{}, args...), more...)...)
			see(r, args...)
			codes[r.code]++
		}
	}
	columns := []string{"--record-id", "id", "--column", "phone", "--column", "address", "--force"}
	for _, name := range []string{"twice", "short", "quote", "bare", "bytes", "long", "foreign"} {
		try("alice", append([]string{"seal", "@" + name + ".csv", "--out", "@x.csv"}, columns...)...)
		try("alice", "open", "@"+name+".csv", "--out", "@x.csv", "--record-id", "id", "--force", "--keep-going")
	}
	for _, name := range []string{"line", "two", "good"} {
		try("alice", append([]string{"seal", "@" + name + ".jsonl", "--out", "@sealed.jsonl"}, columns...)...)
	}
	try("alice", append([]string{"seal", "@people.csv", "--out", "-"}, columns...)...)
	try("alice", append([]string{"seal", "@people.csv", "--out", "@sealed.csv"}, columns...)...)
	try("alice", append([]string{"seal", "@people.csv", "--out", "@sealed.csv"}, columns[:4]...)...)
	w.write("moved.csv", swapColumns(w.read("sealed.csv")))
	for _, who := range []string{"alice", "bob", "eve"} {
		for _, name := range []string{"sealed", "moved"} {
			try(who, "open", "@"+name+".csv", "--out", "@plain.csv", "--force")
			try(who, "open", "@"+name+".csv", "--out", "@plain.csv", "--force", "--record-id", "id")
			try(who, "open", "@"+name+".csv", "--out", "@plain.csv", "--force", "--record-id", "id", "--keep-going")
			try(who, "open", "@"+name+".csv", "--out", "@plain.csv", "--force", "--column", "phone=address")
		}
		for _, args := range [][]string{
			{"status"}, {"identity", "show"}, {"identity", "card", "--out", "-"}, {"org", "show"}, {"member", "list"}, {"field", "list"},
			{"log", "show"}, {"log", "verify"}, {"version"},
		} {
			try(who, args...)
		}
	}
	for _, c := range []class{classDone, classDenied, classInput, classRefused, classStorage} {
		if codes[c.code] == 0 {
			t.Errorf("no command ended as %s", c.name)
		}
	}

	// A home whose secret is in a file.
	env := map[string]string{"UNDERSEAL_HOME": w.path("dora"), "UNDERSEAL_PASSPHRASE_FILE": w.path("passphrase")}
	see(w.tryEnv(env, nil, "setup", "--name", "Dora", "--email", "dora@example.com", "--fingerprint", w.known, "--store", "dir:"+w.path("firm")), "setup")
	w.write("wrong", "wrong "+passphrase+"\n")
	env["UNDERSEAL_PASSPHRASE_FILE"] = w.path("wrong")
	if r := w.tryEnv(env, nil, "org", "show"); r.code != classLocked.code {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	} else {
		see(r, "org", "show")
	}

	nothingOfBackupsAndPairing(w, &h, see)

	// What rests anywhere.
	for _, dir := range []string{"firm", "alice", "bob", "eve", "dora", "phone"} {
		for path, content := range contents(t, w.path(dir)) {
			h.check(t, path, content)
		}
	}
	h.check(t, "sealed.csv", w.read("sealed.csv"))
	h.check(t, "sealed.jsonl", w.read("sealed.jsonl"))
	// The store holds no name either (attack 64).
	var names hidden
	for _, name := range []string{"Alice Officer", "Bob Member", emailOf("alice"), emailOf("bob"), "Example LLP", "birthday", "phone", "address"} {
		names.forms = map[string]string{name: name}
		for path, content := range contents(t, w.path("firm/log")) {
			names.check(t, path, content)
		}
		for path, content := range contents(t, w.path("firm/envelopes")) {
			names.check(t, path, content)
		}
	}
}
