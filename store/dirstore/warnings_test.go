package dirstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/store"
)

func TestSynchronizedBy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder string // above the store
		mark   string // file in base/a; with "/" at the end a folder
		want   string
	}{
		{"a/b", "", ""},
		{"a/Dropbox/b", "", "Dropbox"},
		{"a/Dropbox (Example LLP)/b", "", "Dropbox"},
		{"a/b/c", ".dropbox", "Dropbox"},
		{"a/b/c", ".dropbox/", ""}, // the program's settings in a home folder
		{"a/b/c", ".dropbox.cache/", "Dropbox"},
		{"a/OneDrive/b", "", "OneDrive"},
		{"a/OneDrive - Example LLP/b", "", "OneDrive"},
		{"a/b", ".849C9593-D756-4E56-8D6E-42412F2A707B", "OneDrive"},
		{"a/Google Drive/b", "", "Google Drive"},
		{"a/My Drive", "", "Google Drive"},
		{"a/Library/CloudStorage/GoogleDrive-ann@example.com/b", "", "Google Drive"},
		{"a/b", ".tmp.driveupload/", "Google Drive"},
		{"a/Library/Mobile Documents/com~apple~CloudDocs/b", "", "iCloud Drive"},
		{"a/iCloudDrive/b", "", "iCloud Drive"},
		{"a/Nextcloud", "", "Nextcloud"},
		{"a/b", "._sync_0123456789ab.db", "Nextcloud"},
		{"a/b", ".sync_0123456789ab.db", "Nextcloud"},
		{"a/b", ".stfolder/", "Syncthing"},
		{"a/Box/b", "", "Box"},
		{"a/Library/CloudStorage/Example/b", "", "a cloud service"},
		{"a/Boxes/my drives/onedrives/xDropbox", "", ""},
	} {
		base := t.TempDir()
		path := filepath.Join(base, filepath.FromSlash(c.folder), "store")
		mkdir(t, path)
		if name, isFolder := strings.CutSuffix(c.mark, "/"); isFolder {
			mkdir(t, base, "a", name)
		} else if c.mark != "" {
			write(t, filepath.Join(base, "a", c.mark), "")
		}
		if got := synchronizedBy(path); got != c.want {
			t.Errorf("%s with %q: got %q, want %q", c.folder, c.mark, got, c.want)
		}
		s := create(t, path)
		warnings := s.Info().Warnings
		if c.want == "" && len(warnings) != 0 || c.want != "" && (len(warnings) != 1 || !strings.Contains(warnings[0], c.want)) {
			t.Errorf("%s with %q: warnings %q", c.folder, c.mark, warnings)
		}
	}
}

// The way to the store may hide where it lies.
func TestSynchronizedBehindLink(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	base := t.TempDir()
	mkdir(t, base, "Dropbox", "store")
	check(t, os.Symlink(filepath.Join("Dropbox", "store"), filepath.Join(base, "store")))
	if got := synchronizedBy(filepath.Join(base, "store")); got != "Dropbox" {
		t.Errorf("got %q", got)
	}
}

// Second versions of our files are told of and never read.
func TestConflictCopies(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	var to store.Index
	check(t, s.Append(t.Context(), 0, []byte("entry")))
	check(t, s.PutEnvelope(t.Context(), to, []byte("envelope")))
	check(t, s.PutMail(t.Context(), to, []byte("mail")))
	l, err := s.SwapLease(t.Context(), store.Lease{Name: "bulk"})
	check(t, err)
	copies := []string{
		"store (Bob's conflicted copy 2025-01-31).json",
		"store 2.json",
		"log/0000000000 (1)",
		"log/0000000000/0000000001 (Ann's conflicted copy 2025-01-31).entry",
		"log/0000000000/0000000001 (in Konflikt stehende Kopie von Ann).entry",
		"log/0000000000/0000000001.sync-conflict-20250131-120000-ABCDEFG.entry",
		"log/0000000000/0000000001-LAPTOP.entry",
		"log/0000000000/0000000001_conflict-20250131.entry",
		"log/0000000000/0000001000.entry", // moved here from another folder
		"envelopes/" + to.String() + "/0000000000/0000000001 (1).envelope",
		"mailboxes/" + to.String() + "/0000000001-x (1).mail",
		"leases/lease-bulk/0000000000/0000000001 2.json",
	}
	for _, name := range copies {
		write(t, filepath.Join(path, filepath.FromSlash(name)), "a copy")
	}
	for _, name := range []string{".DS_Store", "log/Thumbs.db", "log/0000000000/desktop.ini", "log/0000000000/notes.txt"} {
		write(t, filepath.Join(path, filepath.FromSlash(name)), "not ours")
	}

	s = open(t, path)
	entries, err := s.Read(t.Context(), 0, 99)
	check(t, err)
	envelopes, _, err := s.ListEnvelopes(t.Context(), to, "", 99)
	check(t, err)
	mail, err := s.ListMail(t.Context(), to, 99)
	check(t, err)
	if len(entries) != 1 || len(envelopes) != 1 || len(mail) != 1 {
		t.Errorf("%d entries, %d envelopes, %d messages; want one of each", len(entries), len(envelopes), len(mail))
	}
	if got, err := s.GetLease(t.Context(), "bulk"); err != nil || got != l {
		t.Errorf("lease %+v, %v", got, err)
	}
	warnings := s.Info().Warnings
	all := strings.Join(warnings, "\n")
	for _, name := range copies {
		if !strings.Contains(all, filepath.Base(name)) {
			t.Errorf("no warning of %s", name)
		}
	}
	if len(warnings) != len(copies) {
		t.Errorf("%d warnings, want %d:\n%s", len(warnings), len(copies), all)
	}
	check(t, s.Append(t.Context(), 1, []byte("second")))
	if _, err := s.Read(t.Context(), 0, 99); err != nil || len(s.Info().Warnings) != len(copies) {
		t.Errorf("after reading again: %d warnings, %v", len(s.Info().Warnings), err)
	}
}

func TestWarningsAreBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	mkdir(t, path, "log", "0000000000")
	for _, r := range strings.Repeat("x", 3*maxNoted) {
		write(t, filepath.Join(path, "log", "0000000000", "0000000001"+strings.Repeat(string(r), len(s.Info().Warnings)+1)+".entry"), "x")
		_, err := s.Read(t.Context(), 0, 9)
		check(t, err)
	}
	if n := len(s.Info().Warnings); n != maxNoted {
		t.Errorf("%d warnings, want %d", n, maxNoted)
	}
}
