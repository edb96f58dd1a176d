package main

import (
	"crypto/sha256"
	"strings"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring/keystore"
	"github.com/underseal/underseal/keyring/kit"
)

// nothingOfBackupsAndPairing makes a backup and pairs a device. The secret of
// the one, the code and the secret of the other stand in no output, whatever
// goes wrong, and afterwards in no home and no store.
func nothingOfBackupsAndPairing(w *world, h *hidden, see func(result, ...string)) {
	w.t.Helper()
	w.write("backup passphrase", "another "+passphrase+"\n")
	h.add("the passphrase of the backup", "another "+passphrase)
	with := []string{"--passphrase-file", "@backup passphrase"}
	try := func(args ...string) result {
		w.t.Helper()
		r := w.try("bob", args...)
		see(r, args...)
		return r
	}
	for _, more := range [][]string{nil, {"--json"}, {"--force"}} {
		try(append(append([]string{"backup", "create", "--kind", "passphrase", "--out", "@me.age"}, with...), more...)...)
	}
	pass := secret.New([]byte("another " + passphrase))
	content, err := keystore.OpenText([]byte(w.read("me.age")), pass)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := kit.OpenFile([]byte(w.read("me.age")), pass)
	if err != nil {
		w.t.Fatal(err)
	}
	h.addDevice(string(c.Secret().Expose()))
	text := ""
	for line := range strings.Lines(string(content.Expose())) {
		if !strings.HasPrefix(line, "#") {
			text += strings.TrimSpace(line)
		}
	}
	words := wordsOf(c.Secret().Expose())
	h.forms[text], h.forms[strings.ToLower(text)] = "a backup, as text", "a backup, as text"
	h.forms[strings.Join(words[:3], " ")], h.forms[strings.Join(words[20:], " ")] = "words of a backup", "words of a backup"
	try(append([]string{"backup", "check", "@me.age"}, with...)...)
	try("backup", "check", "@me.age", "--passphrase-file", "@wrong")
	w.write("words", strings.Join(words, " ")+" zoo\n")
	try("backup", "check", "@words")
	w.write("words", strings.Replace(text, "1Q", "1P", 1)+"\n")
	try("backup", "check", "@words")
	try("backup", "list")

	try("device", "pair", "--code-out", "@code", "--wait", "0s")
	line := w.read("code")
	code := strings.Fields(line)[0]
	for _, form := range []string{code, strings.ToLower(code), code[len("UNDERSEAL-PAIR-1"):], code[24:34]} {
		h.forms[form] = "a pairing code"
	}
	w.write("mistyped", code[:30]+"Q"+code[31:])
	join := func(args ...string) {
		w.t.Helper()
		args = append([]string{"device", "join", "--wait", "0s"}, args...)
		for _, more := range [][]string{nil, {"--json"}} {
			see(w.tryNew("phone", append(args, more...)...), args...)
		}
	}
	join("--from", "@mistyped")
	join("--from", "@code", "--store", "dir:"+w.path("nowhere"))
	join("--from", "@code")
	w.holdNew("phone")
	h.addDevice(w.secrets[len(w.secrets)-1])
	try("device", "pair", "--wait", "0s", "--json")
	join()
	join("--words", "zoo")
	compared := jsonOf[docPairing](w, "bob", "device", "pair", "--wait", "0s")
	join("--words", strings.Join(compared.Words, " "))
	if r := try("device", "pair", "--words", strings.Join(compared.Words, " ")); r.code != 0 {
		w.t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	join()
	try("device", "list")
	try("status")
	try("log", "show")
}

// wordsOf are the words of a backup's secret, made without its package's own
// way: spec/backup.md.
func wordsOf(s []byte) []string {
	sum := sha256.Sum256(s)
	bits := append(append([]byte{}, s...), sum[0])
	var words []string
	for i := 0; i < 24*11; i += 11 {
		var n uint16
		for j := i; j < i+11; j++ {
			n = n<<1 | uint16(bits[j/8]>>(7-j%8)&1)
		}
		words = append(words, kit.Word(n))
	}
	return words
}
