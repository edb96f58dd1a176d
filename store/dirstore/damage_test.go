package dirstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

// What Open says of folders that are no stores, or no longer, or not yet.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	whole := filepath.Join(t.TempDir(), "store")
	create(t, whole)
	const good = "{\n  \"format\": \"underseal-store\",\n  \"version\": 1,\n  \"organization\": \"%s\"\n}\n"
	with := func(text string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { write(t, filepath.Join(path, manifestFile), text) }
	}
	for _, c := range []struct {
		name string
		harm func(t *testing.T, path string)
		want error
		says string
	}{
		{"no folder", func(t *testing.T, p string) { remove(t, p) }, store.ErrNotStore, "no such folder"},
		{"a file", func(t *testing.T, p string) { remove(t, p); write(t, p, "x") }, store.ErrNotStore, "not a folder"},
		{"an empty folder", func(t *testing.T, p string) { remove(t, p); mkdir(t, p) }, store.ErrNotStore, "store.json"},
		{"a folder of something else", func(t *testing.T, p string) { remove(t, p); mkdir(t, p, "log"); write(t, p+"/app.cfg", "x") }, store.ErrNotStore, "store.json"},
		{"foreign", with(`{"format":"git","version":9}`), store.ErrNotStore, `"git"`},
		{"newer", with(`{"format":"underseal-store","version":2,"new":{"deep":[1]}}`), store.ErrNewer, "layout version 2, this program knows version 1"},
		{"newest", with(`{"format":"underseal-store","version":18446744073709551615}`), store.ErrNewer, "18446744073709551615"},
		{"version 0", with(`{"format":"underseal-store","version":0}`), store.ErrDamaged, ""},
		{"no version", with(`{"format":"underseal-store"}`), store.ErrDamaged, ""},
		{"negative version", with(`{"format":"underseal-store","version":-1}`), store.ErrDamaged, ""},
		{"empty", with(``), store.ErrDamaged, manifestFile},
		{"truncated", with(`{"format":"underseal-store","ver`), store.ErrDamaged, manifestFile},
		{"zeros", with(strings.Repeat("\x00", 100)), store.ErrDamaged, manifestFile},
		{"huge", with(strings.Repeat(" ", maxManifest) + fmt.Sprintf(good, organization())), store.ErrDamaged, manifestFile},
		{"no organization", with(fmt.Sprintf(good, "")), store.ErrDamaged, "organization"},
		{"zero organization", with(fmt.Sprintf(good, wire.OrganizationID{})), store.ErrDamaged, "organization"},
		{"short organization", with(fmt.Sprintf(good, organization().String()[2:])), store.ErrDamaged, "organization"},
		{"long organization", with(fmt.Sprintf(good, organization().String()+"00")), store.ErrDamaged, "organization"},
		{"organization in capitals", with(fmt.Sprintf(good, strings.ToUpper(organization().String()))), store.ErrDamaged, manifestFile},
		{"unknown field", with(strings.Replace(fmt.Sprintf(good, organization()), "\n}", `,"suite":0}`, 1)), store.ErrDamaged, manifestFile},
		{"in one line", with(strings.ReplaceAll(fmt.Sprintf(good, organization()), "\n", "")), store.ErrDamaged, manifestFile},
		{"capital member", with(strings.Replace(fmt.Sprintf(good, organization()), "format", "Format", 1)), store.ErrDamaged, manifestFile},
		{"member twice", with(strings.Replace(fmt.Sprintf(good, organization()), "{", `{"version":1,`, 1)), store.ErrDamaged, manifestFile},
		{"manifest is a folder", func(t *testing.T, p string) { remove(t, p+"/store.json"); mkdir(t, p, "store.json") }, store.ErrDamaged, manifestFile},
		{"manifest is missing", func(t *testing.T, p string) { remove(t, p+"/store.json") }, store.ErrDamaged, "create it again"},
		{"log is missing", func(t *testing.T, p string) { remove(t, p+"/log") }, store.ErrDamaged, "log is missing"},
		{"leases are missing", func(t *testing.T, p string) { remove(t, p+"/leases") }, store.ErrDamaged, "leases is missing"},
		{"log is a file", func(t *testing.T, p string) { remove(t, p+"/log"); write(t, p+"/log", "") }, store.ErrDamaged, "log is not a folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store")
			check(t, os.CopyFS(path, os.DirFS(whole)))
			open(t, path) // without the harm it opens
			c.harm(t, path)
			s, err := Open(path)
			if err == nil {
				t.Error(s.Close())
			}
			if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %v, want %v with %q", err, c.want, c.says)
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		with func(t *testing.T, path string)
		want error // nil: it is created
	}{
		{"nothing there", func(*testing.T, string) {}, nil},
		{"an empty folder", func(t *testing.T, p string) { mkdir(t, p) }, nil},
		{"what a desktop leaves", func(t *testing.T, p string) { write(t, p+"/.DS_Store", "x"); write(t, p+"/desktop.ini", "x") }, nil},
		{"what an interrupted Create left", func(t *testing.T, p string) { mkdir(t, p, "log"); mkdir(t, p, "tmp"); write(t, p+"/README.txt", "") }, nil},
		{"a store", func(t *testing.T, p string) { create(t, p) }, store.ErrExists},
		{"a damaged store", func(t *testing.T, p string) { write(t, p+"/store.json", "") }, store.ErrExists},
		{"a log without its store", func(t *testing.T, p string) { write(t, p+"/log/0000000000/0000000000.entry", "x") }, store.ErrDamaged},
		{"other files", func(t *testing.T, p string) { write(t, p+"/budget.xls", "x") }, ErrNotEmpty},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store")
			c.with(t, path)
			before := tree(t, path)
			s, err := Create(path, organization())
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil {
				closeAtEnd(t, s)
				if s.Info().Organization != organization() {
					t.Errorf("it is of %s", s.Info().Organization)
				}
				return
			}
			for name, content := range before {
				if got := tree(t, path)[name]; got != content {
					t.Errorf("%s was %q and is %q", name, content, got)
				}
			}
		})
	}
	if _, err := Create(filepath.Join(t.TempDir(), "not", "there"), organization()); err == nil {
		t.Error("made more than one folder")
	}
	if _, err := Create(filepath.Join(t.TempDir(), "store"), wire.OrganizationID{}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("no organization: %v", err)
	}
}

// Of several who create a store at once, and use it at once, one is told that
// it is theirs.
func TestCreateRaces(t *testing.T) {
	t.Parallel()
	for range 10 {
		path := filepath.Join(t.TempDir(), "store")
		var won atomic.Int32
		var wait sync.WaitGroup
		for who := range byte(4) {
			wait.Go(func() {
				id := organization()
				id[0] = who
				s, err := Create(path, id)
				switch {
				case err == nil:
					won.Add(1)
					if s.Info().Organization != id {
						t.Errorf("it is of %s", s.Info().Organization)
					}
					if err := errors.Join(s.Append(t.Context(), 0, []byte("genesis")), s.Close()); err != nil {
						t.Error(err)
					}
				case !errors.Is(err, store.ErrExists):
					t.Errorf("got %v, want ErrExists", err)
				}
			})
		}
		wait.Wait()
		if n := won.Load(); n != 1 {
			t.Errorf("%d created it", n)
		}
	}
}

// What reading says of every harm that can come to items. Each store holds
// three entries, three envelopes and a message for one recipient, a blob and
// two versions of a lease.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin") // links and pipes
	to := wire.Sum("underseal/test/index")
	var (
		entry1    = "log/0000000000/0000000001.entry"
		entry2    = "log/0000000000/0000000002.entry"
		envelopes = "envelopes/" + to.String() + "/0000000000/"
		mailbox   = "mailboxes/" + to.String()
		leases    = "leases/lease-bulk/0000000000/"
	)
	const elsewhere = "outside/secret"
	secret := func(p string) string { return filepath.Join(filepath.Dir(p), elsewhere) }
	link := func(name string) func(t *testing.T, p string) {
		return func(t *testing.T, p string) {
			remove(t, filepath.Join(p, name))
			if err := os.Symlink(secret(p), filepath.Join(p, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	blob := func(t *testing.T, p string) string { return match(t, p, "blobs/*/*") }
	letter := func(t *testing.T, p string) string { return match(t, p, mailbox+"/*") }

	whole := filepath.Join(t.TempDir(), "store")
	s := create(t, whole)
	for i := range 3 {
		item := fmt.Appendf(nil, "item %d", i)
		check(t, s.Append(t.Context(), uint64(i), item))
		check(t, s.PutEnvelope(t.Context(), to, item))
	}
	check(t, s.PutMail(t.Context(), to, []byte("mail")))
	blobName, err := s.PutBlob(t.Context(), []byte("blob"))
	check(t, err)
	for v := range uint64(2) {
		_, err := s.SwapLease(t.Context(), store.Lease{Name: "bulk", Version: v})
		check(t, err)
	}

	for _, c := range []struct {
		name string
		harm func(t *testing.T, path string)
		only string // the part that is damaged; the others are well
		want error  // nil is damaged
	}{
		{"gap in the log", func(t *testing.T, p string) { remove(t, p+"/"+entry1) }, "Read", nil},
		{"no genesis", func(t *testing.T, p string) { remove(t, p+"/log/0000000000/0000000000.entry") }, "Read", nil},
		{"a folder of the log is missing", func(t *testing.T, p string) {
			write(t, p+"/log/0000002000/0000002000.entry", "x")
		}, "Read", nil},
		{"log vanished", func(t *testing.T, p string) { remove(t, p+"/log") }, "Read", nil},
		{"log is a link", link("log"), "Read", nil},
		{"log folder is a link", link("log/0000000000"), "Read", nil},
		{"log folder is a file", func(t *testing.T, p string) { remove(t, p+"/log/0000000000"); write(t, p+"/log/0000000000", "x") }, "Read", nil},
		{"empty entry in between", func(t *testing.T, p string) { write(t, p+"/"+entry1, "") }, "Read", nil},
		{"empty entry at the end", func(t *testing.T, p string) { write(t, p+"/"+entry2, "") }, "Read", nil},
		{"entry too large", func(t *testing.T, p string) { write(t, p+"/"+entry2, strings.Repeat("x", wire.MaxEntry+1)) }, "Read", nil},
		{"entry is a folder", func(t *testing.T, p string) { remove(t, p+"/"+entry2); mkdir(t, p, entry2) }, "Read", nil},
		{"entry is a pipe", func(t *testing.T, p string) { remove(t, p+"/"+entry2); mkfifo(t, p+"/"+entry2) }, "Read", nil},
		{"entry is a link that leads out", link(entry2), "Read", nil},
		{"envelope is missing", func(t *testing.T, p string) { remove(t, p+"/"+envelopes+"0000000000.envelope") }, "ListEnvelopes", nil},
		{"envelope too large", func(t *testing.T, p string) {
			write(t, p+"/"+envelopes+"0000000002.envelope", strings.Repeat("x", wire.MaxEnvelope+1))
		}, "ListEnvelopes", nil},
		{"envelopes are a link", link("envelopes/" + to.String()), "ListEnvelopes", nil},
		{"blob changed", func(t *testing.T, p string) { write(t, blob(t, p), "changed") }, "GetBlob", nil},
		{"blob truncated", func(t *testing.T, p string) { write(t, blob(t, p), "") }, "GetBlob", nil},
		{"blob is missing", func(t *testing.T, p string) { remove(t, blob(t, p)) }, "GetBlob", store.ErrNotFound},
		{"blob is a link", func(t *testing.T, p string) { rel, _ := filepath.Rel(p, blob(t, p)); link(rel)(t, p) }, "GetBlob", nil},
		{"message changed", func(t *testing.T, p string) { write(t, letter(t, p), "changed") }, "ListMail", nil},
		{"message too large", func(t *testing.T, p string) { write(t, letter(t, p), strings.Repeat("x", wire.MaxMail+1)) }, "ListMail", nil},
		{"mailbox is a link", link(mailbox), "ListMail", nil},
		{"lease of another name", func(t *testing.T, p string) { replace(t, p+"/"+leases+"0000000001.json", `"bulk"`, `"kulb"`) }, "GetLease", nil},
		{"lease of another version", func(t *testing.T, p string) {
			replace(t, p+"/"+leases+"0000000001.json", `"version": 2`, `"version": 3`)
		}, "GetLease", nil},
		{"lease is nonsense", func(t *testing.T, p string) { write(t, p+"/"+leases+"0000000001.json", "nonsense") }, "GetLease", nil},
		{"lease is empty", func(t *testing.T, p string) { write(t, p+"/"+leases+"0000000001.json", "") }, "GetLease", nil},
		{"lease too large", func(t *testing.T, p string) {
			write(t, p+"/"+leases+"0000000001.json", strings.Repeat(" ", maxLease+1))
		}, "GetLease", nil},
		{"leases are a link", link("leases/lease-bulk"), "GetLease", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store")
			write(t, secret(path), "secret")
			check(t, os.CopyFS(path, os.DirFS(whole)))
			s := open(t, path)
			reads := map[string]func(s *Store) error{
				"Read":          func(s *Store) error { _, err := s.Read(t.Context(), 0, 99); return err },
				"ListEnvelopes": func(s *Store) error { _, _, err := s.ListEnvelopes(t.Context(), to, "", 99); return err },
				"GetBlob":       func(s *Store) error { _, err := s.GetBlob(t.Context(), blobName); return err },
				"ListMail":      func(s *Store) error { _, err := s.ListMail(t.Context(), to, 99); return err },
				"GetLease":      func(s *Store) error { _, err := s.GetLease(t.Context(), "bulk"); return err },
			}
			for name, read := range reads {
				if err := read(s); err != nil {
					t.Fatalf("before the harm, %s: %v", name, err)
				}
			}
			other := open(t, path)
			c.harm(t, path)
			harmed := tree(t, path)
			want := c.want
			if want == nil {
				want = store.ErrDamaged
			}
			for name, read := range reads {
				err := read(other)
				if name != c.only && err != nil {
					t.Errorf("%s is well, got %v", name, err)
				}
				if name == c.only && !errors.Is(err, want) {
					t.Errorf("%s: got %v, want %v", name, err, want)
				}
				if err != nil && strings.Contains(err.Error(), "secret") && !strings.Contains(c.name, "link") {
					t.Errorf("the error tells content: %v", err)
				}
			}
			// Nothing is repaired silently, by reading or by writing.
			for _, err := range []error{
				other.Append(t.Context(), 2, []byte("x")), other.PutEnvelope(t.Context(), to, []byte("item 2")), other.PutMail(t.Context(), to, []byte("mail")),
			} {
				if err != nil && !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrConflict) {
					t.Errorf("got %v", err)
				}
			}
			for name, content := range harmed {
				if now := tree(t, path)[name]; now != content {
					t.Errorf("%s was repaired", name)
				}
			}
			if got := tree(t, filepath.Dir(secret(path))); len(got) != 1 || got["secret"] != "secret" {
				t.Errorf("outside of the store: %q", got)
			}
		})
	}
}

// A cursor remembers that envelopes have been there.
func TestEnvelopesThatVanish(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	var to store.Index
	for i := range 3 {
		check(t, s.PutEnvelope(t.Context(), to, []byte{byte(i)}))
	}
	_, cursor, err := s.ListEnvelopes(t.Context(), to, "", 9)
	check(t, err)
	if none, again, err := s.ListEnvelopes(t.Context(), to, cursor, 9); err != nil || len(none) != 0 || again != cursor {
		t.Fatalf("%d envelopes, cursor %s, %v", len(none), again, err)
	}
	remove(t, match(t, path, "envelopes/*/*/0000000002.envelope"))
	if _, _, err := open(t, path).ListEnvelopes(t.Context(), to, cursor, 9); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}

// An organization has one manifest.
func FuzzManifest(f *testing.F) {
	f.Add(manifest(organization()))
	f.Add([]byte(`{"format":"underseal-store","version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := parseManifest(data)
		known := errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrNewer) || errors.Is(err, store.ErrNotStore)
		if err != nil && (!known || !id.IsZero()) {
			t.Errorf("%q: %s, %v", data, id, err)
		}
		if err == nil && !bytes.Equal(data, manifest(id)) {
			t.Errorf("%q is read as %s", data, id)
		}
	})
}

// Each message has one name.
func FuzzLetter(f *testing.F) {
	f.Add("0000000000-" + organization().String() + mailSuffix)
	f.Fuzz(func(t *testing.T, name string) {
		l, ok := parseLetter(name)
		if again := fmt.Sprintf("%010d-%s.mail", l.order, l.id); ok && again != name {
			t.Errorf("%q is read as %q", name, again)
		}
	})
}
