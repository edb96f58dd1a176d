package dirstore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
)

// killedEnv tells a child which store to write to, and as whom.
const killedEnv = "UNDERSEAL_TEST_KILLED"

// Several processes write to one store and are killed in the middle of it.
// Everything that they were told is written is there, in whole; what they were
// at is there in whole or not at all; and others go on. Attack 51.
func TestKilledWriters(t *testing.T) {
	t.Parallel()
	if at := os.Getenv(killedEnv); at != "" {
		who, path, _ := strings.Cut(at, ":")
		writeUntilKilled(t, who, path)
		return
	}
	const rounds, processes = 4, 2
	path := filepath.Join(t.TempDir(), "store")
	s := create(t, path)
	var acknowledged []step
	for round := range rounds {
		var killed []*killedWriter
		for p := range processes {
			killed = append(killed, startWriter(t, fmt.Sprintf("%d-%d", round, p), path))
		}
		for i, k := range killed {
			acknowledged = append(acknowledged, k.kill(t, 2+5*i+3*round)...)
		}
		checkAcknowledged(t, open(t, path), acknowledged)
	}
	if len(acknowledged) < rounds*processes {
		t.Fatalf("only %d writes were acknowledged", len(acknowledged))
	}
	entries, err := s.Read(t.Context(), 0, 1_000_000)
	check(t, err)
	check(t, s.Append(t.Context(), uint64(len(entries)), []byte("the others go on")))
	for name, content := range tree(t, path) {
		if strings.HasPrefix(name, tempDir) {
			continue
		}
		if content == "" {
			t.Errorf("%s is empty", name)
		}
	}
}

// step is one round of writes that a child was told are done.
type step struct {
	who   string
	count int
	at    uint64 // of its log entry
}

// payload is long, so that a part of it could be seen.
func payload(who string, count int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%s/%d;", who, count), 400)
}

func writeUntilKilled(t *testing.T, who, path string) {
	s := open(t, path)
	ctx := context.Background()
	var at uint64
	for count := 0; ; count++ {
		data := payload(who, count)
		for {
			newer, err := s.Read(ctx, at, 1000)
			check(t, err)
			at += uint64(len(newer))
			err = s.Append(ctx, at, data)
			if err == nil {
				break
			}
			if !errors.Is(err, store.ErrConflict) {
				t.Fatal(err)
			}
		}
		check(t, s.PutEnvelope(ctx, store.Index{}, data))
		_, err := s.PutBlob(ctx, data)
		check(t, err)
		check(t, s.PutMail(ctx, store.Index{}, data))
		_, err = s.SwapLease(ctx, store.Lease{Name: who, Version: uint64(count)})
		check(t, err)
		fmt.Println("done", count, at)
	}
}

type killedWriter struct {
	who   string
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func startWriter(t *testing.T, who, path string) *killedWriter {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWriters$")
	cmd.Env = append(os.Environ(), killedEnv+"="+who+":"+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	return &killedWriter{who, cmd, bufio.NewScanner(out)}
}

// kill waits for some steps, kills the child, and returns all that it said.
func (k *killedWriter) kill(t *testing.T, after int) []step {
	t.Helper()
	var steps []step
	for k.lines.Scan() {
		fields := strings.Fields(k.lines.Text())
		if len(fields) != 3 || fields[0] != "done" {
			said := k.lines.Text()
			for k.lines.Scan() {
				said += "\n" + k.lines.Text()
			}
			t.Fatalf("the child says %s", said)
		}
		count, err := strconv.Atoi(fields[1])
		check(t, err)
		at, err := strconv.ParseUint(fields[2], 10, 64)
		check(t, err)
		if steps = append(steps, step{k.who, count, at}); len(steps) == after {
			check(t, k.cmd.Process.Kill())
		}
	}
	if err := k.cmd.Wait(); err == nil || len(steps) < after {
		t.Fatalf("the child ended by itself after %d steps: %v", len(steps), err)
	}
	return steps
}

func checkAcknowledged(t *testing.T, s *Store, steps []step) {
	t.Helper()
	entries, err := s.Read(t.Context(), 0, 1_000_000)
	check(t, err)
	envelopes, _, err := s.ListEnvelopes(t.Context(), store.Index{}, "", 1_000_000)
	check(t, err)
	mail, err := s.ListMail(t.Context(), store.Index{}, 1_000_000)
	check(t, err)
	filed, mailed := map[string]bool{}, map[string]bool{}
	for _, e := range envelopes {
		filed[string(e)] = true
	}
	for _, m := range mail {
		mailed[string(m.Data)] = true
	}
	versions := map[string]uint64{}
	for _, step := range steps {
		data := payload(step.who, step.count)
		if step.at >= uint64(len(entries)) || !bytes.Equal(entries[step.at], data) {
			t.Errorf("%+v: its entry is not at its position", step)
		}
		if !filed[string(data)] || !mailed[string(data)] {
			t.Errorf("%+v: envelope there: %v; message there: %v", step, filed[string(data)], mailed[string(data)])
		}
		versions[step.who] = max(versions[step.who], uint64(step.count)+1)
	}
	for who, version := range versions {
		if l, err := s.GetLease(t.Context(), who); err != nil || l.Version < version {
			t.Errorf("lease %s: version %d, %v; want at least %d", who, l.Version, err, version)
		}
	}
}

// A full disk fails what is written and keeps what was; when there is space
// again, everything goes on. Attack 51.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := tinyDisk(t)
	path := filepath.Join(disk, "store")
	s := create(t, path)
	var count uint64
	entry := func() []byte { return bytes.Repeat([]byte{byte(count + 1)}, 32<<10) }
	var full error
	for full == nil && count < 100 {
		if full = s.Append(t.Context(), count, entry()); full == nil {
			count++
		}
	}
	if !errors.Is(full, store.ErrFull) || count < 10 {
		t.Fatalf("after %d entries: %v, want ErrFull", count, full)
	}
	// To the last page, so that nothing fits at all.
	ballast := filepath.Join(disk, "ballast")
	_ = os.WriteFile(ballast, make([]byte, 1<<20), 0o600) // it fails, full
	for name, err := range map[string]error{
		"Append":      s.Append(t.Context(), count, entry()),
		"PutEnvelope": s.PutEnvelope(t.Context(), store.Index{}, []byte("x")),
		"PutMail":     s.PutMail(t.Context(), store.Index{}, []byte("x")),
		"PutBlob":     second(s.PutBlob(t.Context(), []byte("x"))),
		"SwapLease":   second(s.SwapLease(t.Context(), store.Lease{Name: "bulk"})),
		"Create":      second(Create(filepath.Join(disk, "another"), organization())),
	} {
		if !errors.Is(err, store.ErrFull) {
			t.Errorf("%s: got %v, want ErrFull", name, err)
		}
	}
	readAll := func() {
		t.Helper()
		got, err := open(t, path).Read(t.Context(), 0, 1000)
		if err != nil || uint64(len(got)) != count {
			t.Fatalf("%d entries, want %d, %v", len(got), count, err)
		}
		for i, e := range got {
			if !bytes.Equal(e, bytes.Repeat([]byte{byte(i + 1)}, 32<<10)) {
				t.Errorf("entry %d has changed", i)
			}
		}
	}
	readAll()
	for name := range tree(t, path) {
		if strings.HasPrefix(name, tempDir) {
			t.Errorf("%s was left behind", name)
		}
	}
	check(t, os.Remove(ballast))
	check(t, s.PutEnvelope(t.Context(), store.Index{}, []byte("x")))
	another, err := Create(filepath.Join(disk, "another"), organization()) // interrupted above
	check(t, err)
	closeAtEnd(t, another)
	readAll()
}

func second[T any](_ T, err error) error { return err }

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

// A member who may read the folder and not write to it reads everything and is
// told so when writing; one who may not even read is told that.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	testenv.Unprivileged(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store")
		s := create(t, path)
		check(t, s.Append(t.Context(), 0, []byte("entry")))
		check(t, s.PutEnvelope(t.Context(), store.Index{}, []byte("envelope")))
		check(t, s.PutMail(t.Context(), store.Index{}, []byte("mail")))
		blob, err := s.PutBlob(t.Context(), []byte("blob"))
		check(t, err)
		l, err := s.SwapLease(t.Context(), store.Lease{Name: "bulk"})
		check(t, err)

		allow := func(bits os.FileMode) {
			t.Helper()
			check(t, exec.CommandContext(t.Context(), "chmod", "-R", fmt.Sprintf("%o", bits), path).Run())
		}
		allow(0o555)
		t.Cleanup(func() { check(t, exec.Command("chmod", "-R", "755", path).Run()) })
		before := tree(t, path)
		s = open(t, path)
		id := wire.Hash{}
		if mail, err := s.ListMail(t.Context(), store.Index{}, 9); err != nil || len(mail) != 1 {
			t.Errorf("%d messages, %v", len(mail), err)
		} else {
			id = mail[0].ID
		}
		for name, err := range map[string]error{
			"Read":              second(s.Read(t.Context(), 0, 9)),
			"GetBlob":           second(s.GetBlob(t.Context(), blob)),
			"GetLease":          second(s.GetLease(t.Context(), "bulk")),
			"PutBlob again":     second(s.PutBlob(t.Context(), []byte("blob"))),
			"PutMail again":     s.PutMail(t.Context(), store.Index{}, []byte("mail")),
			"PutEnvelope again": s.PutEnvelope(t.Context(), store.Index{}, []byte("envelope")),
		} {
			check(t, err)
			_ = name
		}
		for name, err := range map[string]error{
			"Append":      s.Append(t.Context(), 1, []byte("new")),
			"PutEnvelope": s.PutEnvelope(t.Context(), store.Index{}, []byte("new")),
			"PutMail":     s.PutMail(t.Context(), store.Index{}, []byte("new")),
			"DeleteMail":  s.DeleteMail(t.Context(), store.Index{}, id),
			"PutBlob":     second(s.PutBlob(t.Context(), []byte("new"))),
			"SwapLease":   second(s.SwapLease(t.Context(), l)),
			"Create":      second(Create(filepath.Join(path, "below"), organization())),
		} {
			if !errors.Is(err, store.ErrReadOnly) || !errors.Is(err, os.ErrPermission) {
				t.Errorf("%s: got %v, want ErrReadOnly", name, err)
			}
		}
		if after := tree(t, path); len(after) != len(before) {
			t.Errorf("%d files, and %d before", len(after), len(before))
		}

		check(t, os.Chmod(path, 0))
		_, err = Open(path)
		if !errors.Is(err, store.ErrReadOnly) || !strings.Contains(fmt.Sprint(err), "cannot be read by this user") {
			t.Errorf("unreadable: got %v", err)
		}
	})
}
