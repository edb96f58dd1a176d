package main

import (
	"errors"

	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/workspace"
)

var (
	errNoDevice  = errors.New("there is no such device")
	errBackupPDF = errors.New("this is the page itself, not what is written on it")
)

// deviceRules are the rules about devices and backups.
func deviceRules() []rule {
	const printed = "read the page once more; the words stand in the order of their numbers"
	return []rule{
		{errNoDevice, classInput, "see: underseal device list, or underseal device list EMAIL"},
		{errBackupPDF, classInput, "type the words: underseal backup check; or scan the code of the page"},
		{kit.ErrOtherOrganization, classInput, "is it the right backup, and the right store? its fingerprint is printed on it"},
		{kit.ErrOtherDevice, classInput, "a word may be another one of the list, or the backup is somebody else's; see: underseal backup list"},
		{kit.ErrChecksum, classInput, printed},
		{kit.ErrMalformed, classInput, printed},
		{workspace.ErrThisDevice, classDenied, "remove it from another device of yours, or ask an officer"},
		{workspace.ErrDeviceRemoved, classInput, "see: underseal device list; make another backup: underseal backup create"},
	}
}
