package durable

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/testenv"
)

func TestWriteFileReplacesInWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"first", "", "a longer third", "4"} {
		if err := WriteFile(path, []byte(content), Private); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != content {
			t.Fatalf("got %q, want %q", got, content)
		}
	}
	onlyFiles(t, filepath.Dir(path), "file")
}

func TestCreateFileNeverReplaces(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := CreateFile(path, []byte("first"), Private); err != nil {
		t.Fatal(err)
	}
	err := CreateFile(path, []byte("second"), Private)
	if !errors.Is(err, ErrExists) || !errors.Is(err, fs.ErrExist) {
		t.Fatalf("got %v, want ErrExists", err)
	}
	if want := path + ": already exists"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if got := read(t, path); got != "first" {
		t.Errorf("got %q, want the first", got)
	}
	onlyFiles(t, filepath.Dir(path), "file")
}

func TestFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		before    string // "" is no file
		end       func(*File) error
		want      string
		wantErr   error
		wantClean bool
	}{
		{"commit", "", func(f *File) error { return f.Commit(false) }, "new", nil, true},
		{"commit over", "old", func(f *File) error { return f.Commit(true) }, "new", nil, true},
		{"commit over nothing", "", func(f *File) error { return f.Commit(true) }, "new", nil, true},
		{"commit beside", "old", func(f *File) error { return f.Commit(false) }, "old", ErrExists, true},
		{"abort", "old", func(f *File) error { f.Abort(); return nil }, "old", nil, true},
		{"abort twice", "old", func(f *File) error { f.Abort(); f.Abort(); return nil }, "old", nil, true},
		{"commit after abort", "old", func(f *File) error { f.Abort(); return f.Commit(true) }, "old", errDone, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "out")
			if c.before != "" {
				if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f, err := Create(path, Private)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Abort()
			for _, part := range []string{"n", "", "ew"} {
				if _, err := f.Write([]byte(part)); err != nil {
					t.Fatal(err)
				}
			}
			if c.before == "" {
				if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Fatalf("visible before Commit: %v", err)
				}
			}
			if err := c.end(f); !errors.Is(err, c.wantErr) {
				t.Fatalf("got %v, want %v", err, c.wantErr)
			}
			if got := read(t, path); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if _, err := f.Write([]byte("x")); !errors.Is(err, errDone) {
				t.Errorf("write after the end: %v", err)
			}
			if err := f.Commit(true); !errors.Is(err, errDone) {
				t.Errorf("commit after the end: %v", err)
			}
			onlyFiles(t, filepath.Dir(path), "out")
		})
	}
}

func TestRefusesWhatIsNoRegularFile(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	for name, plant := range map[string]func(path string) error{
		"directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"link":      func(p string) error { return os.Symlink("elsewhere", p) },
		"link to a file": func(p string) error {
			if err := os.WriteFile(filepath.Join(filepath.Dir(p), "precious"), []byte("precious"), 0o600); err != nil {
				return err
			}
			return os.Symlink("precious", p)
		},
		"pipe": mkfifo,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "out")
			f, err := Create(path, Private) // nothing there yet
			if err != nil {
				t.Fatal(err)
			}
			defer f.Abort()
			if err := plant(path); err != nil {
				t.Fatal(err)
			}
			if err := f.Commit(true); !errors.Is(err, ErrNotRegular) {
				t.Errorf("Commit: got %v, want ErrNotRegular", err)
			}
			if err := WriteFile(path, []byte("x"), Private); !errors.Is(err, ErrNotRegular) {
				t.Errorf("WriteFile: got %v, want ErrNotRegular", err)
			}
			precious := filepath.Join(filepath.Dir(path), "precious")
			if name == "link to a file" && read(t, precious) != "precious" {
				t.Error("written through the link")
			}
		})
	}
}

func TestReadFileIsBounded(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := mkfifo(filepath.Join(dir, "pipe")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		limit int64
		want  string
		err   error
	}{
		{"file", 5, "12345", nil},
		{"link", 6, "12345", nil},
		{"file", 4, "", ErrTooLarge},
		{"pipe", 5, "", ErrNotRegular},
		{".", 5, "", ErrNotRegular},
		{"absent", 5, "", fs.ErrNotExist},
	} {
		got, err := ReadFile(filepath.Join(dir, c.name), c.limit)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s, at most %d: got %q, %v", c.name, c.limit, got, err)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	// What the umask of this process leaves of everything.
	probe := filepath.Join(t.TempDir(), "probe")
	if err := os.WriteFile(probe, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	umasked := mode(t, probe)
	for _, c := range []struct {
		name      string
		mode      Mode
		file, dir fs.FileMode
	}{
		{"private", Private, 0o600, fs.ModeDir | 0o700},
		{"shared", Shared, umasked, fs.ModeDir | umasked | umasked>>2&0o111},
		{"inherited", Inherited, 0o660, fs.ModeDir | fs.ModeSetgid | 0o770},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(t.TempDir(), "root")
			if err := os.Mkdir(root, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(root, 0o770|fs.ModeSetgid); err != nil {
				t.Fatal(err)
			}
			d, err := OpenDir(root, "tmp", c.mode)
			if err != nil {
				t.Fatal(err)
			}
			defer closeDir(t, d)
			if err := d.Mkdir("sub"); err != nil {
				t.Fatal(err)
			}
			if err := d.Mkdir("sub"); err != nil {
				t.Fatal("again:", err)
			}
			if err := d.Create("sub/file", []byte("x")); err != nil {
				t.Fatal(err)
			}
			if got := mode(t, filepath.Join(root, "sub", "file")); got != c.file {
				t.Errorf("file %v, want %v", got, c.file)
			}
			for _, name := range []string{"sub", "tmp"} {
				got := mode(t, filepath.Join(root, name))
				if c.mode != Inherited {
					got &^= fs.ModeSetgid // the system passes it on by itself
				}
				if got != c.dir {
					t.Errorf("%s %v, want %v", name, got, c.dir)
				}
			}
		})
	}
}

func TestMkdirAll(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b", "c")
	for range 2 {
		if err := MkdirAll(deep, Private); err != nil {
			t.Fatal(err)
		}
	}
	if runtime.GOOS != "windows" {
		if got := mode(t, filepath.Join(root, "a")); got != fs.ModeDir|0o700 {
			t.Errorf("mode %v", got)
		}
	}
	if err := CreateFile(filepath.Join(root, "file"), nil, Private); err != nil {
		t.Fatal(err)
	}
	if err := MkdirAll(filepath.Join(root, "file", "below"), Private); err == nil {
		t.Error("made a directory below a file")
	}
}

// A directory of ours follows no link out of it, wherever the link stands.
func TestDirStaysInside(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	base := t.TempDir()
	root, outside := filepath.Join(base, "root"), filepath.Join(base, "outside")
	for _, dir := range []string{root, outside} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"abs": outside, "rel": "../outside", "file": "../outside/secret"} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	d, err := OpenDir(root, "", Private)
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, d)
	for _, name := range []string{"abs/secret", "rel/secret", "../outside/secret", "file", filepath.Join(outside, "secret")} {
		if _, err := d.Read(name, 100); !errors.Is(err, ErrOutside) {
			t.Errorf("read %s: got %v, want ErrOutside", name, err)
		}
		if err := d.Write(name, []byte("x")); err == nil {
			t.Errorf("wrote %s", name)
		}
		if err := d.Create(name+"2", []byte("x")); err == nil && name != "file" {
			t.Errorf("created %s2", name)
		}
	}
	for _, name := range []string{"abs", "rel", "..", "../outside"} {
		if _, err := d.Names(name); err == nil {
			t.Errorf("listed %s", name)
		}
		if s, err := d.Sub(name); err == nil {
			closeDir(t, s)
			t.Errorf("opened %s", name)
		}
		if err := d.Mkdir(name + "/new"); err == nil {
			t.Errorf("made %s/new", name)
		}
	}
	onlyFiles(t, outside, "secret")
	if got := read(t, filepath.Join(outside, "secret")); got != "secret" {
		t.Errorf("got %q", got)
	}
}

func TestRemoveStale(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := OpenDir(dir, "", Private)
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, d)
	now := time.Now()
	old, young := tempName(), tempName()
	for name, age := range map[string]time.Duration{old: 2 * time.Hour, young: 0, "entry": 2 * time.Hour, ".underseal-not": 2 * time.Hour} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.RemoveStale(".", now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, dir, young, "entry", ".underseal-not")
	names, err := d.Names(".")
	if err != nil || len(names) != 2 {
		t.Errorf("names %q, %v: the temporary file must not be listed", names, err)
	}
	if err := d.RemoveStale("absent", now); err != nil {
		t.Error(err)
	}
}

// A Sub's errors name files as seen from where it was opened.
func TestSubErrors(t *testing.T) {
	t.Parallel()
	d := open(t)
	if err := d.Mkdir("a"); err != nil {
		t.Fatal(err)
	}
	sub, err := d.Sub("a")
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, sub)
	if err := sub.Create("file", []byte("x")); err != nil {
		t.Fatal(err)
	}
	_, absent := sub.Read("absent", 1)
	_, large := sub.Read("file", 0)
	for want, err := range map[string]error{
		"a/file: already exists":              sub.Create("file", nil),
		"a/file: larger than allowed":         large,
		"a/absent: no such file or directory": absent,
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// Errors name the file that the caller meant, not the temporary one.
func TestErrorsNameTheFile(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	err := WriteFile(filepath.Join(missing, "out.csv"), nil, Private)
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), missing+": ") {
		t.Errorf("got %v", err)
	}
	for _, path := range []string{"", missing + string(filepath.Separator)} {
		if _, err := Create(path, Private); err == nil {
			t.Errorf("created %q", path)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "(no file)"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func closeDir(t *testing.T, d *Dir) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// onlyFiles fails unless dir holds exactly these names, in any order.
func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	missing := len(want)
	for _, e := range entries {
		got.WriteString(" " + e.Name())
		for _, w := range want {
			if w == e.Name() {
				missing--
			}
		}
	}
	if missing != 0 || len(entries) != len(want) {
		t.Errorf("%s holds%s; want %s", dir, got.String(), strings.Join(want, " "))
	}
}
