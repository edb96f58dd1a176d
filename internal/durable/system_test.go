//go:build unix

package durable

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o600) }

// killedEnv tells the child of TestKilled where to write.
const killedEnv = "UNDERSEAL_TEST_KILLED"

// A writer that is killed at any instant leaves the old or the new content.
func TestKilled(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	if dir := os.Getenv(killedEnv); dir != "" {
		writeUntilKilled(dir, size)
		return
	}
	for round := range 5 {
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), killedEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 3 + 7*round {
			if !lines.Scan() {
				t.Fatal("the child ended by itself")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		for _, name := range []string{"replaced", "created-0", "created-1"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if len(data) != size || !bytes.Equal(data, bytes.Repeat(data[:1], size)) {
				t.Errorf("round %d: %s is %d bytes, not one whole content", round, name, len(data))
			}
		}
	}
}

func writeUntilKilled(dir string, size int) {
	for i := 0; ; i++ {
		data := bytes.Repeat([]byte{byte(i)}, size)
		if err := WriteFile(filepath.Join(dir, "replaced"), data, Private); err != nil {
			panic(err)
		}
		if err := CreateFile(filepath.Join(dir, fmt.Sprint("created-", i)), data, Private); err != nil {
			panic(err)
		}
		fmt.Println(i)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := tinyDisk(t)
	path := filepath.Join(dir, "out")
	if err := WriteFile(path, []byte("old"), Private); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 2<<20)
	err := WriteFile(path, big, Private)
	if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	if want := path + ": no space left"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if got := read(t, path); got != "old" {
		t.Errorf("the old content is %q", got)
	}
	onlyFiles(t, dir, "out")

	f, err := Create(filepath.Join(dir, "stream"), Private)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	if _, err := f.Write(big); !errors.Is(err, ErrFull) {
		t.Errorf("Write: got %v, want ErrFull", err)
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, ErrFull) {
		t.Errorf("Write after a failure: got %v, want the same", err)
	}
	if err := f.Commit(false); !errors.Is(err, ErrFull) {
		t.Errorf("Commit after a failure: got %v, want the same", err)
	}
	onlyFiles(t, dir, "out")
}

// tinyDisk is a file system of 1 MiB.
func tinyDisk(t *testing.T) string {
	t.Helper()
	testenv.OnlyOn(t, "linux")
	testenv.Require(t, "root", os.Geteuid() == 0, "run as root to mount a file system of 1 MiB")
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir).CombinedOutput(); err != nil {
		testenv.Require(t, "mount", false, "allow mounting tmpfs: "+strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() {
		if err := exec.Command("umount", dir).Run(); err != nil {
			t.Error("umount:", err)
		}
	})
	return dir
}

func TestDenied(t *testing.T) {
	t.Parallel()
	testenv.Unprivileged(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "file")
		if err := WriteFile(path, []byte("old"), Private); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Error(err)
			}
		})
		for name, err := range map[string]error{
			"WriteFile":  WriteFile(path, []byte("new"), Private),
			"CreateFile": CreateFile(path+"2", []byte("new"), Private),
			"MkdirAll":   MkdirAll(filepath.Join(dir, "sub"), Private),
		} {
			if !errors.Is(err, ErrDenied) || !errors.Is(err, os.ErrPermission) {
				t.Errorf("%s: got %v, want ErrDenied", name, err)
			}
		}
		if got := read(t, path); got != "old" {
			t.Errorf("got %q", got)
		}
		onlyFiles(t, dir, "file")
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile(path, 10); !errors.Is(err, ErrDenied) {
			t.Errorf("ReadFile: got %v, want ErrDenied", err)
		}
	})
}
