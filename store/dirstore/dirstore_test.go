package dirstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
)

func organization() wire.OrganizationID {
	return wire.OrganizationID(wire.Sum("underseal/test/organization"))
}

// The whole suite, each client with a Store of its own on the one folder.
func TestContract(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "store")
	create(t, empty)
	storetest.Run(t, func(t *testing.T) func() store.Store {
		path := filepath.Join(t.TempDir(), "store")
		check(t, os.CopyFS(path, os.DirFS(empty))) // faster than to create each
		return func() store.Store { return open(t, path) }
	})
}

// The names that spec/directory-store.md promises.
func TestLayout(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	to := store.Index{0xab, 0xcd}
	check(t, s.Append(t.Context(), 0, []byte("entry")))
	check(t, s.PutEnvelope(t.Context(), to, []byte("envelope")))
	check(t, s.PutMail(t.Context(), to, []byte("mail")))
	_, err := s.PutBlob(t.Context(), []byte("blob"))
	check(t, err)
	_, err = s.SwapLease(t.Context(), store.Lease{Name: "Bulk.1", Holder: "Ann", Expires: time.Unix(0, 0)})
	check(t, err)
	index := "abcd" + strings.Repeat("00", 30)
	want := map[string]string{
		"README.txt":                      readme,
		"store.json":                      "{\n  \"format\": \"underseal-store\",\n  \"version\": 1,\n  \"organization\": \"" + organization().String() + "\"\n}\n",
		"log/0000000000/0000000000.entry": "entry",
		"envelopes/" + index + "/0000000000/0000000000.envelope":                                                   "envelope",
		"mailboxes/" + index + "/0000000000-00d8d3f11739d2f3537099982b4674c29fc59a8fda350fca1379613adbb09119.mail": "mail",
		"blobs/fa/fa2c8cc4f28176bbeed4b736df569a34c79cd3723e9ec42f9674b4d46ac6b8b8":                                "blob",
		"leases/lease-_bulk__1/0000000000/0000000000.json":                                                         "{\n  \"name\": \"Bulk.1\",\n  \"holder\": \"Ann\",\n  \"version\": 1,\n  \"expires\": \"1970-01-01T00:00:00Z\"\n}\n",
	}
	got := tree(t, path)
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%s holds %q, want %q", name, got[name], content)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is not in the specification", name)
		}
	}
	info := s.Info()
	if info.Location != "dir:"+path || len(info.Warnings) != 0 {
		t.Errorf("%+v", info)
	}
}

// What is made in a store takes the folder's own permissions, so that every
// member of a group can write where another has begun.
func TestSharedByGroup(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	path := filepath.Join(t.TempDir(), "store")
	check(t, os.Mkdir(path, 0o700))
	check(t, os.Chmod(path, 0o770))
	s := create(t, path)
	check(t, s.Append(t.Context(), 0, []byte("entry")))
	check(t, s.PutEnvelope(t.Context(), store.Index{}, []byte("envelope")))
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		check(t, err)
		info, err := d.Info()
		check(t, err)
		want := fs.FileMode(0o660)
		if d.IsDir() {
			want = 0o770
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: %v, want %v", name, info.Mode().Perm(), want)
		}
		return nil
	})
	check(t, err)
}

// A sequence goes on from folder to folder, and so does what reads it.
func TestSpans(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	const filled = 2*span - 2
	fill(t, path, filled)
	for at := uint64(filled); at < 2*span+2; at++ {
		check(t, s.Append(t.Context(), at, fmt.Appendf(nil, "entry %d", at)))
	}
	for _, c := range []struct {
		from        uint64
		limit, want int
	}{
		{0, 5000, 2*span + 2}, {0, span, span}, {0, span + 1, span + 1}, {span, span, span}, {span - 1, 2, 2},
		{2*span - 1, 1, 1}, {2*span - 1, 9, 3}, {2 * span, 9, 2}, {2*span + 2, 9, 0}, {3 * span, 9, 0}, {9 * span, 9, 0},
	} {
		got, err := s.Read(t.Context(), c.from, c.limit)
		check(t, err)
		if len(got) != c.want {
			t.Errorf("from %d, at most %d: %d entries, want %d", c.from, c.limit, len(got), c.want)
		}
		for i, entry := range got {
			if want := fmt.Sprint("entry ", c.from+uint64(i)); string(entry) != want {
				t.Fatalf("from %d, at most %d: %q, want %q", c.from, c.limit, entry, want)
			}
		}
	}
	// A folder made by a writer that died before it wrote into it is no gap.
	mkdir(t, path, "log", "0000003000")
	if got, err := s.Read(t.Context(), 2*span, 9); err != nil || len(got) != 2 {
		t.Errorf("%d entries, %v", len(got), err)
	}
	// A gap at the end of a folder is one.
	remove(t, filepath.Join(path, "log", "0000000000", "0000000999.entry"))
	for _, from := range []uint64{0, span - 1} {
		if _, err := s.Read(t.Context(), from, 5000); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("from %d: got %v, want ErrDamaged", from, err)
		}
	}
}

// A gap is not filled by whoever comes next: what was there is lost, and
// another entry in its place would hide that.
func TestFillsNoGap(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	for at := range uint64(3) {
		check(t, s.Append(t.Context(), at, []byte("entry")))
		_, err := s.SwapLease(t.Context(), store.Lease{Name: "bulk", Version: at})
		check(t, err)
	}
	remove(t, filepath.Join(path, "log", "0000000000", "0000000001.entry"))
	remove(t, filepath.Join(path, "leases", "lease-bulk", "0000000000", "0000000001.json"))
	if err := s.Append(t.Context(), 1, []byte("another")); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Append: got %v, want ErrDamaged", err)
	}
	if _, err := s.SwapLease(t.Context(), store.Lease{Name: "bulk", Version: 1}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("SwapLease: got %v, want ErrDamaged", err)
	}
}

// Two machines that put the same message at the same time may each make a file.
func TestMailTwice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	var box store.Index
	check(t, s.PutMail(t.Context(), box, []byte("mail")))
	file := match(t, path, "mailboxes/*/*")
	write(t, filepath.Join(filepath.Dir(file), "0000000001"+filepath.Base(file)[digits:]), "mail")
	mail, err := s.ListMail(t.Context(), box, 9)
	if err != nil || len(mail) != 1 {
		t.Fatalf("%d messages, %v", len(mail), err)
	}
	check(t, s.DeleteMail(t.Context(), box, mail[0].ID))
	if mail, err := s.ListMail(t.Context(), box, 9); err != nil || len(mail) != 0 {
		t.Errorf("%d messages, %v", len(mail), err)
	}
}

// fill writes entries as another machine would.
func fill(t testing.TB, path string, n int) {
	t.Helper()
	for at := range n {
		folder := filepath.Join(path, "log", fmt.Sprintf("%010d", at/span*span))
		if at%span == 0 {
			check(t, os.Mkdir(folder, 0o755))
		}
		check(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("%010d.entry", at)), fmt.Appendf(nil, "entry %d", at), 0o644))
	}
}

// Of a lease only the last versions stay, and a writer that slept since long
// before loses.
func TestLeasesForget(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	folder := filepath.Join(path, "leases", "lease-bulk")
	for at := range 2*span - 1 {
		content, err := json.Marshal(leaseFile{Name: "bulk", Version: uint64(at + 1)})
		check(t, err)
		write(t, filepath.Join(folder, fmt.Sprintf("%010d/%010d.json", at/span*span, at)), string(content))
	}
	for range 3 {
		l, err := s.GetLease(t.Context(), "bulk")
		check(t, err)
		_, err = s.SwapLease(t.Context(), l)
		check(t, err)
	}
	l, err := s.GetLease(t.Context(), "bulk")
	if err != nil || l.Version != 2*span+2 {
		t.Errorf("version %d, %v", l.Version, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "0000000000")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the first versions are still there: %v", err)
	}
	for _, version := range []uint64{0, 1, 500, span, span + 1, 2 * span} {
		if _, err := s.SwapLease(t.Context(), store.Lease{Name: "bulk", Version: version}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("version %d of long ago: got %v, want ErrConflict", version, err)
		}
	}
}

// What crashed writers left is cleared away when it is old, by the first who
// writes; reading changes nothing.
func TestClearsOldTemporaryFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	create(t, path)
	old := filepath.Join(path, "tmp", ".underseal-0123456789abcdef.tmp")
	young := filepath.Join(path, "tmp", ".underseal-fedcba9876543210.tmp")
	write(t, old, "half an en")
	write(t, young, "half an en")
	check(t, os.Chtimes(old, time.Time{}, time.Now().Add(-2*staleAfter)))
	s := open(t, path)
	before := tree(t, path)
	if got, err := s.Read(t.Context(), 0, 9); err != nil || len(got) != 0 {
		t.Errorf("%d entries, %v", len(got), err)
	}
	if !maps.Equal(before, tree(t, path)) {
		t.Error("reading changed the folder")
	}
	check(t, s.Append(t.Context(), 0, []byte("entry")))
	after := tree(t, path)
	if _, ok := after["tmp/.underseal-0123456789abcdef.tmp"]; ok {
		t.Error("the old one is still there")
	}
	if _, ok := after["tmp/.underseal-fedcba9876543210.tmp"]; !ok {
		t.Error("the young one was removed")
	}
}

// An empty file is waited for: on some file systems a writer reserves its
// position with one.
func TestWaitsForReservations(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	check(t, s.Append(t.Context(), 0, []byte("entry 0")))
	reserved := filepath.Join(path, "log", "0000000000", "0000000001.entry")
	write(t, reserved, "")
	got := make(chan error)
	go func() { got <- s.Append(t.Context(), 1, []byte("too late")) }()
	write(t, reserved+".new", "entry 1")
	check(t, os.Rename(reserved+".new", reserved))
	if err := <-got; !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	entries, err := s.Read(t.Context(), 0, 9)
	if err != nil || len(entries) != 2 || string(entries[1]) != "entry 1" {
		t.Errorf("%q, %v", entries, err)
	}
}

func create(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Create(path, organization())
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	return s
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	return s
}

func closeAtEnd(t *testing.T, s *Store) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
