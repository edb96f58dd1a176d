package dirstore

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

const (
	// maxLooked bounds how many names of a folder above the store are looked at.
	maxLooked = 10_000
	// maxNoted bounds how many stray files are told of.
	maxNoted = 20
)

// service is a program that copies a folder between computers. It lets two of
// them create the same name and settles that later, by renaming one: what
// lost is gone from the log although its writer was told that it is there.
type service struct {
	name     string
	folders  []string // what its folder is called
	prefixes []string // or begins with
	marks    []string // patterns of files that it leaves in its folder
}

func services() []service {
	return []service{
		{"Dropbox", []string{"Dropbox"}, []string{"Dropbox (", "Dropbox-"}, []string{".dropbox.cache", ".dropbox"}},
		{"OneDrive", []string{"OneDrive"}, []string{"OneDrive - ", "OneDrive-"}, []string{".849C9593-D756-4E56-8D6E-42412F2A707B"}},
		{"Google Drive", []string{"Google Drive", "GoogleDrive", "My Drive"}, []string{"GoogleDrive-"}, []string{".tmp.driveupload", ".tmp.drivedownload"}},
		{"iCloud Drive", []string{"Mobile Documents", "com~apple~CloudDocs", "iCloudDrive", "iCloud Drive"}, nil, nil},
		{"Nextcloud", []string{"Nextcloud", "ownCloud"}, nil, []string{"._sync_*.db", ".sync_*.db", ".nextcloudsync.log", ".owncloudsync.log"}},
		{"Syncthing", nil, nil, []string{".stfolder", ".stversions"}},
		{"Box", []string{"Box", "Box Sync", "Box-Box"}, nil, nil},
		{"a cloud service", []string{"CloudStorage"}, nil, nil}, // macOS keeps those of all vendors there
	}
}

// synchronizedBy names the service that copies the folder at path, or "".
func synchronizedBy(path string) string {
	if name := synchronizedAt(path); name != "" {
		return name
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil && resolved != path {
		return synchronizedAt(resolved)
	}
	return ""
}

func synchronizedAt(path string) string {
	known := services()
	for dir := path; ; dir = filepath.Dir(dir) {
		base, names := filepath.Base(dir), namesIn(dir)
		for _, s := range known {
			if slices.Contains(s.folders, base) ||
				slices.ContainsFunc(s.prefixes, func(p string) bool { return strings.HasPrefix(base, p) }) ||
				slices.ContainsFunc(names, func(n string) bool { return s.marked(dir, n) }) {
				return s.name
			}
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func (s service) marked(dir, name string) bool {
	for _, mark := range s.marks {
		if ok, err := filepath.Match(mark, name); err != nil || !ok {
			continue
		}
		if name == ".dropbox" {
			// In the home folder this is the program's own settings, a folder.
			info, err := os.Lstat(filepath.Join(dir, name))
			return err == nil && info.Mode().IsRegular()
		}
		return true
	}
	return false
}

// namesIn lists a folder as far as this user may; it only serves a warning.
func namesIn(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // only read
	names, err := f.Readdirnames(maxLooked)
	if err != nil {
		return nil
	}
	return names
}

// warnings collects what a person should know of a store.
type warnings struct {
	service string

	mu     sync.Mutex
	copies []string
}

func newWarnings(path string) *warnings { return &warnings{service: synchronizedBy(path)} }

// copied notes a name that looks like one of ours and is not: what
// synchronizing services make of the loser when two computers wrote at once.
// Other files that do not belong here are ignored.
func (w *warnings) copied(name string) {
	if !isCopy(filepath.Base(name)) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.copies) < maxNoted && !slices.Contains(w.copies, name) {
		w.copies = append(w.copies, name)
	}
}

// isCopy recognizes "0000000007 (Bob's conflicted copy 2025-01-31).entry" and
// its like in any language, "0000000007 (1).entry", "0000000007-LAPTOP.entry",
// "0000000007.sync-conflict-20250131-120000-ABCDEFG.entry", "store 2.json".
func isCopy(name string) bool {
	lower := strings.ToLower(name)
	if strings.Contains(lower, "conflict") {
		return true
	}
	if len(name) > digits {
		if _, ok := parsePosition(name[:digits]); ok {
			return true
		}
	}
	return strings.HasPrefix(lower, "store") && strings.HasSuffix(lower, ".json")
}

func (w *warnings) list() []string {
	var all []string
	if w.service != "" {
		all = append(all, fmt.Sprintf("the store lies in a folder that %s copies between computers: if two of them write at the same time, changes are lost; keep it on one computer or a file server", w.service))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range w.copies {
		all = append(all, fmt.Sprintf("%q is a second version of a file of the store, made by a service that copies the folder; it is ignored, and what its writer did is lost: compare the two", name))
	}
	return all
}
