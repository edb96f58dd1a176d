package dirstore

import (
	"strings"
	"time"
)

// The layout, as in spec/directory-store.md.
const (
	formatName    = "underseal-store"
	formatVersion = 1

	manifestFile = "store.json"
	readmeFile   = "README.txt"
	tempDir      = "tmp"

	logDir      = "log"
	envelopeDir = "envelopes"
	blobDir     = "blobs"
	mailboxDir  = "mailboxes"
	leaseDir    = "leases"
)

// parts are the folders without which it is not a whole store.
var parts = []string{logDir, envelopeDir, blobDir, mailboxDir, leaseDir}

const (
	// maxManifest is ten times what store.json needs.
	maxManifest = 4096
	// staleAfter is when a temporary file has been left behind for certain: a
	// write takes seconds.
	staleAfter = 24 * time.Hour
)

// readme is for whoever finds the folder. Plain ASCII with CRLF, for every
// editor there is.
var readme = strings.ReplaceAll(`What is this folder?

It is an Underseal store: it holds an organization's membership log and the
sealed keys of its members. The program "underseal" reads and writes it.

Please do not rename, edit, move or delete anything in it. Losing a file here
can mean losing access to everything that was sealed. Do back up the whole
folder: nothing in it can be read without the members' own keys.

Keep it on one disk or one file server. A folder that a service such as
Dropbox, OneDrive, Google Drive or iCloud copies between computers is not
safe when two people write at the same time.

  store.json   says whose store this is, and its version
  log          who belongs, who may read what; one file per entry, in order
  envelopes    keys, sealed to their recipients
  blobs        larger pieces that the log refers to
  mailboxes    short messages, such as answers to invitations
  leases       which long job is running, and until when
  tmp          files in the making; those older than a day are left over
`, "\n", "\r\n")

// isDesktop tells whether a name is one that desktops and synchronizing
// services put into every folder.
func isDesktop(name string) bool {
	switch strings.ToLower(name) {
	case "desktop.ini", "thumbs.db", "lost+found", "$recycle.bin", "system volume information":
		return true
	}
	return strings.HasPrefix(name, ".")
}
