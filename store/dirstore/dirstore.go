// Package dirstore keeps a store in a folder: on a disk, or on a file server
// that several machines write to at once. There is no server program and no
// lock; every change is one file that appears in whole or not at all, and
// "who was first" is decided by the file system's refusal to create a name
// twice. See spec/directory-store.md for the layout.
//
// Use Create once and Open from then on, on as many machines as there are. A
// file system is good enough if an exclusive create is exclusive for all
// machines: local disks, NFS and SMB are, folders that a service such as
// Dropbox copies to and fro are not, and Info warns of those.
//
// The layout is versioned: every later release opens what this one wrote, and
// refuses what is newer with store.ErrNewer.
package dirstore

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

// Scheme begins the address of a directory store, such as "dir:/srv/firm".
const Scheme = "dir:"

// ErrNotEmpty says that Create was asked to make a store among other files.
var ErrNotEmpty = errors.New("the folder is not empty")

// Store is a folder. It is safe for use by several goroutines, and by as many
// Stores on as many machines as open the same folder.
type Store struct {
	path         string
	organization wire.OrganizationID
	dir          *durable.Dir
	log          *sequence
	warnings     *warnings
	tidy         sync.Once

	mu    sync.Mutex
	filed map[store.Index]*filed
}

var _ store.Store = (*Store)(nil)

// manifest is the one content that store.json may have.
func manifest(organization wire.OrganizationID) []byte {
	return fmt.Appendf(nil, "{\n  \"format\": %q,\n  \"version\": %d,\n  \"organization\": %q\n}\n", formatName, formatVersion, organization.String())
}

// Create makes a store for organization in the folder at path, which is made
// if only it is missing. Of several at once one succeeds. If it is
// interrupted, it can be called again.
//
// Everybody who may write into the folder may write to the store: what is
// made in it takes the folder's own permissions, whatever the umask.
//
// It fails with store.ErrExists, ErrNotEmpty, store.ErrReadOnly or
// store.ErrFull.
func Create(path string, organization wire.OrganizationID) (*Store, error) {
	if organization.IsZero() {
		return nil, fmt.Errorf("create the store: no organization: %w", store.ErrInvalid)
	}
	if err := build(path, organization); err != nil {
		return nil, fmt.Errorf("create the store in %s: %w", path, err)
	}
	return Open(path)
}

func build(path string, organization wire.OrganizationID) error {
	if err := makeFolder(path); err != nil {
		return writing(err)
	}
	dir, err := durable.OpenDir(path, tempDir, durable.Inherited)
	if err != nil {
		return writing(err)
	}
	defer func() { _ = dir.Close() }() // everything was flushed
	names, err := dir.Names(".")
	if err != nil {
		return reading(err)
	}
	if slices.Contains(names, manifestFile) {
		return store.ErrExists
	}
	for _, name := range names {
		// What an interrupted Create left is ours; hidden files are the
		// desktop's.
		if !slices.Contains(parts, name) && name != readmeFile && name != tempDir && !isDesktop(name) {
			return fmt.Errorf("%s: %w", name, ErrNotEmpty)
		}
	}
	for _, part := range parts {
		if err := dir.Mkdir(part); err != nil {
			return writing(err)
		}
		inside, err := dir.Names(part)
		if err != nil {
			return reading(err)
		}
		if len(inside) == 0 {
			continue
		}
		// Unless another has created and used it meanwhile, it was in use
		// before.
		if _, err := dir.Stat(manifestFile); err != nil {
			return damaged(manifestFile, "is missing from a store that was in use")
		}
		return store.ErrExists
	}
	if err := dir.Write(readmeFile, []byte(readme)); err != nil {
		return writing(err)
	}
	// This file makes it a store, so it comes last.
	err = dir.Create(manifestFile, manifest(organization))
	if errors.Is(err, durable.ErrExists) {
		return store.ErrExists
	}
	return writing(err)
}

// makeFolder makes the last part of path only: a whole tree made for a
// mistyped name, or below a share that is not mounted, helps nobody.
func makeFolder(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(abs); err == nil {
		return nil
	}
	parent, err := durable.OpenDir(filepath.Dir(abs), "", durable.Shared)
	if err != nil {
		return err
	}
	defer func() { _ = parent.Close() }() // Mkdir has flushed
	return parent.Mkdir(filepath.Base(abs))
}

// Open opens the store in the folder at path. It writes nothing, so that a
// store can be read by whoever may read the folder.
//
// It fails with store.ErrNotStore, store.ErrNewer, store.ErrDamaged, or, where
// this user may not even read, store.ErrReadOnly.
func Open(path string) (*Store, error) {
	s, err := openAt(path)
	if err != nil {
		return nil, fmt.Errorf("open the store in %s: %w", path, err)
	}
	return s, nil
}

func openAt(path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	switch info, err := os.Stat(abs); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no such folder: %w", store.ErrNotStore)
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("it is not a folder: %w", store.ErrNotStore)
	}
	dir, err := durable.OpenDir(abs, tempDir, durable.Inherited)
	if err != nil {
		return nil, reading(err)
	}
	warned := newWarnings(abs)
	organization, err := inspect(dir, warned)
	if err != nil {
		_ = dir.Close() // nothing was written
		return nil, err
	}
	s := &Store{
		path: abs, organization: organization, dir: dir,
		warnings: warned, filed: map[store.Index]*filed{},
	}
	s.log = s.sequence(logDir, ".entry", wire.MaxEntry)
	s.log.required = true
	return s, nil
}

// inspect tells whether dir is a whole store, and whose.
func inspect(dir *durable.Dir, warned *warnings) (wire.OrganizationID, error) {
	var none wire.OrganizationID
	names, err := dir.Names(".")
	if err != nil {
		return none, reading(err)
	}
	found := 0
	for _, part := range parts {
		if slices.Contains(names, part) {
			found++
		}
	}
	for _, name := range names {
		if name != manifestFile {
			warned.copied(name)
		}
	}
	data, err := dir.Read(manifestFile, maxManifest)
	switch {
	case errors.Is(err, fs.ErrNotExist) && found > 1: // many a folder has a "log"
		return none, damaged(manifestFile, "is missing; if creating the store was interrupted, create it again")
	case errors.Is(err, fs.ErrNotExist):
		return none, fmt.Errorf("it has no %s: %w", manifestFile, store.ErrNotStore)
	case err != nil:
		return none, reading(err)
	}
	organization, err := parseManifest(data)
	if err != nil {
		return none, err
	}
	for _, part := range parts {
		info, err := dir.Stat(part)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return none, damaged(part, "is missing")
		case err != nil:
			return none, reading(err)
		case !info.IsDir():
			return none, damaged(part, "is not a folder")
		}
	}
	return organization, nil
}

// parseManifest reads format and version first, because a newer version may
// have anything else beside them.
func parseManifest(data []byte) (wire.OrganizationID, error) {
	var m struct {
		Format       string          `json:"format"`
		Version      uint64          `json:"version"`
		Organization json.RawMessage `json:"organization"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return wire.OrganizationID{}, damaged(manifestFile, "is not what this program writes")
	}
	switch {
	case m.Format != formatName:
		return wire.OrganizationID{}, fmt.Errorf("%s is of the format %.32q: %w", manifestFile, m.Format, store.ErrNotStore)
	case m.Version > formatVersion:
		return wire.OrganizationID{}, fmt.Errorf("layout version %d, this program knows version %d: %w", m.Version, formatVersion, store.ErrNewer)
	case m.Version != formatVersion:
		return wire.OrganizationID{}, damaged(manifestFile, "names no version that ever was")
	}
	var id wire.OrganizationID
	raw, err := hex.DecodeString(strings.Trim(string(m.Organization), `"`))
	if err != nil || copy(id[:], raw) != len(id) || len(raw) != len(id) || id.IsZero() {
		return wire.OrganizationID{}, damaged(manifestFile, "names no organization")
	}
	if !bytes.Equal(data, manifest(id)) {
		return wire.OrganizationID{}, damaged(manifestFile, "is not what this program writes")
	}
	return id, nil
}

// Info describes the store. Its warnings are of where the folder lies and of
// what was noticed while reading.
func (s *Store) Info() store.Info {
	return store.Info{Location: Scheme + s.path, Organization: s.organization, Warnings: s.warnings.list()}
}

// Close lets go of the folder. Everything written stays.
func (s *Store) Close() error { return s.dir.Close() }

// beginWriting comes before every change. The first time it clears away what
// crashed writers left long ago; that it cannot is no reason to stop.
func (s *Store) beginWriting() {
	s.tidy.Do(func() { _ = s.dir.RemoveStale(tempDir, time.Now().Add(-staleAfter)) })
}
