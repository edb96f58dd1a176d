package main

import (
	"slices"
	"strings"
	"testing"
)

// What doc/cli.md promises of devices and backups.
type (
	docDevice struct {
		Device    string `json:"device"`
		Member    string `json:"member"`
		Kind      string `json:"kind"`
		Label     string `json:"label"`
		This      bool   `json:"this"`
		Added     string `json:"added"`
		AddedBy   string `json:"added_by"`
		Removed   bool   `json:"removed"`
		RemovedAt string `json:"removed_at,omitempty"`
		RemovedBy string `json:"removed_by,omitempty"`
	}
	docDevices struct {
		Schema  int         `json:"schema_version"`
		Devices []docDevice `json:"devices"`
	}
	docRemoval struct {
		Schema int `json:"schema_version"`
		docDevice
		Own       bool     `json:"own"`
		Rotated   []string `json:"rotated"`
		Closed    []string `json:"closed"`
		Envelopes int      `json:"envelopes"`
		Skipped   int      `json:"skipped"`
		Ends      bool     `json:"recovery_ends"`
		docValuesLeft
		Brought []docDevice `json:"brought"`
		Done    bool        `json:"done"`
	}
	docBackup struct {
		docDevice
		Counts    bool   `json:"counts"`
		Rehearsed string `json:"rehearsed,omitempty"`
	}
	docBackupTop struct {
		Schema int `json:"schema_version"`
		docBackup
	}
	docBackupMade struct {
		Schema int `json:"schema_version"`
		docBackup
		Out string `json:"out"`
	}
	docBackups struct {
		Schema  int         `json:"schema_version"`
		Backups []docBackup `json:"backups"`
	}
)

var deviceDocs = []any{docDevices{}, docRemoval{}, docBackupTop{}, docBackupMade{}, docBackups{}, docPairing{}, docJoining{}}

func TestDeviceJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.write("secret words", passphrase+"\n")
	if list := jsonOf[docBackups](w, "bob", "backup", "list"); len(list.Backups) != 0 {
		t.Errorf("%+v", list)
	}
	if s := jsonOf[docStatus](w, "bob", "status"); s.Backup || len(s.Pending) != 1 || s.Pending[0] != pendingBackup {
		t.Errorf("%+v", s)
	}
	made := jsonOf[docBackupMade](w, "bob", "backup", "create", "--kind", "passphrase", "--out", "@bob.age", "--passphrase-file", "@secret words", "--label", "stick")
	if made.Kind != "passphrase" || made.Label != "stick" || made.Counts || made.Out != w.path("bob.age") || made.This {
		t.Errorf("%+v", made)
	}
	checked := jsonOf[docBackupTop](w, "bob", "backup", "check", "@bob.age", "--passphrase-file", "@secret words")
	if !checked.Counts || checked.Rehearsed == "" || checked.Device != made.Device {
		t.Errorf("%+v", checked)
	}
	if list := jsonOf[docBackups](w, "bob", "backup", "list"); len(list.Backups) != 1 || !list.Backups[0].Counts {
		t.Errorf("%+v", list)
	}
	if s := jsonOf[docStatus](w, "bob", "status"); !s.Backup || len(s.Pending) != 0 {
		t.Errorf("%+v", s)
	}
	list := jsonOf[docDevices](w, "alice", "device", "list", emailOf("bob"))
	if len(list.Devices) != 2 || list.Devices[0].This || list.Devices[1].AddedBy != list.Devices[0].Device || list.Devices[1].Label != "stick" {
		t.Errorf("%+v", list)
	}
	r := w.tryEnv(w.restored("desk"), nil, w.paths([]string{"backup", "restore", "@bob.age", "--passphrase-file", "@secret words", "--store", "dir:" + w.path("firm"), "--device", "desk-1", "--json"})...)
	if id := strictly[docIdentityTop](t, r.stdout); r.code != 0 || r.stderr != "" || id.Email != emailOf("bob") || id.DeviceLabel != "desk-1" || id.SafetyNumber != w.safetyNumber("bob") {
		t.Errorf("exit %d: %+v\n%s", r.code, id, r.stderr)
	}
	planned := jsonOf[docRemoval](w, "bob", "device", "remove", "stick", "--dry-run")
	if !planned.Own || planned.Done || planned.Removed || len(planned.Closed) != 3 || len(planned.Rotated) != 0 {
		t.Errorf("%+v", planned)
	}
	removed := jsonOf[docRemoval](w, "alice", "device", "remove", strings.ToUpper(made.Device[:8]), "--yes")
	if removed.Own || !removed.Done || len(removed.Rotated) != 3 || removed.Rotated[1] != "field phone" || removed.Skipped != 3 {
		t.Errorf("%+v", removed)
	}
	list = jsonOf[docDevices](w, "bob", "device", "list")
	if !list.Devices[0].This || !list.Devices[1].Removed || list.Devices[1].RemovedAt == "" || list.Devices[1].RemovedBy == "" {
		t.Errorf("%+v", list)
	}
	if s := jsonOf[docStatus](w, "bob", "status"); s.Backup || !slices.Contains(s.Pending, pendingBackup) || !strings.Contains(s.Pending[0], " was added to bob@example.com by device "+made.Device[:shortID]) {
		t.Errorf("a removed backup counts, or nobody is told what it was for: %+v", s)
	}
}
