package main

import "testing"

// A page that is no backup cannot arise: if the log does not take the device,
// nothing is written, and what stood there stays.
func TestAttack51NoPageWithoutADevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("backup passphrase", passphrase+"\n")
	w.write("old.pdf", "old")
	w.run("bob", "backup", "create", "--out", "@good.pdf") // without the fault
	w.mustRename("firm/envelopes", "firm/envelopes.away")
	for _, args := range [][]string{
		{"backup", "create", "--out", "@new.pdf"},
		{"backup", "create", "--out", "@old.pdf", "--force"},
		{"backup", "create", "--out", "-"},
		{"backup", "create", "--kind", "passphrase", "--passphrase-file", "@backup passphrase", "--out", "@new.age"},
	} {
		if r := w.try("bob", args...); r.code == 0 || r.stdout != "" {
			t.Errorf("%v: exit %d, %d bytes of output\n%s", args, r.code, len(r.stdout), r.stderr)
		}
	}
	w.absent("new.pdf", "new.age")
	if w.read("old.pdf") != "old" {
		t.Error("the page that stood there was replaced")
	}
	w.mustRename("firm/envelopes.away", "firm/envelopes")
	var list struct{ Backups []docBackup }
	w.decode(w.run("bob", "backup", "list", "--json").stdout, &list)
	if len(list.Backups) != 1 {
		t.Errorf("devices without a page: %+v", list.Backups)
	}
}
