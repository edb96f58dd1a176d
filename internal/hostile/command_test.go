package hostile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// The attacks of this file go through the built command, against store folders
// and sealed files that somebody altered.

const people = "id,name,phone,ssn\n" +
	"1,Ada,202-224-0001,078-05-1120\n" +
	"2,Bea,202-224-0002,219-09-9999\n" +
	"3,Cid,202-224-0003,457-55-5462\n"

// command is the built program with the homes of several people.
type command struct {
	t      *testing.T
	binary string
	dir    string
}

func newCommand(t *testing.T) *command {
	t.Helper()
	c := &command{t: t, dir: t.TempDir()}
	c.binary = filepath.Join(c.dir, "underseal")
	build := exec.Command("go", "build", "-o", c.binary, "github.com/underseal/underseal/cmd/underseal")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	c.write("passphrase", "correct horse battery staple\n")
	c.write("people.csv", people)
	return c
}

func (c *command) path(name string) string { return filepath.Join(c.dir, name) }

func (c *command) write(name, data string) {
	c.t.Helper()
	must(c.t, os.WriteFile(c.path(name), []byte(data), 0o600))
}

func (c *command) read(name string) string {
	c.t.Helper()
	b, err := os.ReadFile(c.path(name))
	must(c.t, err)
	return string(b)
}

// try runs the program as somebody and returns exit code and output.
func (c *command) try(who string, args ...string) (int, string) {
	c.t.Helper()
	x := exec.Command(c.binary, args...)
	x.Dir = c.dir
	x.Env = append(os.Environ(), "UNDERSEAL_HOME="+c.path("home-"+who), "UNDERSEAL_PASSPHRASE_FILE="+c.path("passphrase"))
	out, err := x.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), string(out)
	}
	must(c.t, err)
	return 0, string(out)
}

func (c *command) run(who string, args ...string) string {
	c.t.Helper()
	code, out := c.try(who, args...)
	if code != 0 {
		c.t.Fatalf("%s %s: exit %d: %s", who, strings.Join(args, " "), code, out)
	}
	return out
}

// value is one value of a command's JSON.
func (c *command) value(who, key string, args ...string) string {
	c.t.Helper()
	var m map[string]any
	must(c.t, json.Unmarshal([]byte(c.run(who, append(args, "--json")...)), &m))
	s, ok := m[key].(string)
	if !ok || s == "" {
		c.t.Fatalf("no %s", key)
	}
	return s
}

func (c *command) person(who string) {
	c.t.Helper()
	c.run(who, "identity", "new", "--name", who, "--email", who+"@example.com")
	c.run(who, "unlock")
	c.t.Cleanup(func() { c.run(who, "lock") })
}

// firm is Alice's organization with Bob, who may read phone but not ssn.
func (c *command) firm() {
	c.t.Helper()
	c.person("alice")
	c.person("bob")
	c.run("alice", "org", "new", "Example LLP", "--store", "dir:"+c.path("firm"))
	c.run("bob", "org", "join", "--store", "dir:"+c.path("firm"), "--fingerprint", c.value("alice", "fingerprint", "org", "show"))
	c.run("bob", "identity", "card", "--out", "bob.card")
	c.run("alice", "member", "add", "bob.card", "--role", "member", "--safety-number", c.value("bob", "safety_number", "identity", "show"))
	c.run("alice", "field", "new", "phone")
	c.run("alice", "field", "new", "ssn")
	c.run("alice", "field", "grant", "phone", "--to", "bob@example.com", "--rights", "read")
	c.run("alice", "seal", "people.csv", "--out", "sealed.csv", "--record-id", "id", "--column", "phone", "--column", "ssn")
}

// files lists the files below a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			out = append(out, p)
		}
		return err
	}))
	if len(out) < 10 {
		t.Fatalf("only %d files in the store", len(out))
	}
	return out
}

// TestTamperedStoreFolder alters every file of a store folder in every way
// that a thief of the folder might, and then has Bob open a file. He gets what
// he should get, or a refusal that says so; never something else (attacks 1,
// 8, 10, 11, 15 to 18, 37, 39, 58 on the whole program).
func TestTamperedStoreFolder(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	c := newCommand(t)
	c.firm()
	c.run("bob", "open", "sealed.csv", "--out", "good.csv", "--record-id", "id") // without the attack
	good := c.read("good.csv")
	if !strings.Contains(good, "202-224-0003") || strings.Contains(good, "078-05-1120") {
		t.Fatalf("bob reads\n%s", good)
	}
	all := files(t, c.path("firm"))
	home := c.path("home-bob")
	pin, err := os.ReadFile(filepath.Join(home, "organization.pin"))
	must(t, err)
	cache, err := os.ReadFile(filepath.Join(home, "organization.cache"))
	must(t, err)
	attacks := map[string]func(b []byte, other []byte) []byte{
		"first bit":  func(b, _ []byte) []byte { b[0] ^= 0x80; return b },
		"middle bit": func(b, _ []byte) []byte { b[len(b)/2] ^= 1; return b },
		"last bit":   func(b, _ []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut":        func(b, _ []byte) []byte { return b[:len(b)/2] },
		"empty":      func([]byte, []byte) []byte { return nil },
		"longer":     func(b, _ []byte) []byte { return append(b, 0) },
		"another's":  func(_, other []byte) []byte { return other },
		"gone":       nil,
	}
	refused, fine := 0, 0
	for i, p := range all {
		saved, err := os.ReadFile(p)
		must(t, err)
		other, err := os.ReadFile(all[(i+1)%len(all)])
		must(t, err)
		for what, attack := range attacks {
			must(t, os.RemoveAll(p))
			if attack != nil {
				must(t, os.WriteFile(p, attack(bytes.Clone(saved), other), 0o600))
			}
			for _, cached := range []bool{true, false} {
				must(t, os.WriteFile(filepath.Join(home, "organization.pin"), pin, 0o600))
				must(t, os.WriteFile(filepath.Join(home, "organization.cache"), cache, 0o600))
				if !cached {
					must(t, os.Remove(filepath.Join(home, "organization.cache")))
				}
				code, out := c.try("bob", "open", "sealed.csv", "--out", "got.csv", "--record-id", "id")
				label := fmt.Sprintf("%s, %s, cached %v: exit %d", strings.TrimPrefix(p, c.dir), what, cached, code)
				if code == 0 {
					fine++
					if got := c.read("got.csv"); got != good {
						t.Errorf("%s: opened to something else:\n%s", label, got)
					}
					must(t, os.Remove(c.path("got.csv")))
					continue
				}
				refused++
				if _, err := os.Stat(c.path("got.csv")); err == nil {
					t.Errorf("%s: left an output", label)
				}
				if code < 3 || !strings.Contains(out, "hint: ") || strings.Contains(out, "panic") || strings.Contains(out, "202-224") {
					t.Errorf("%s: %s", label, out)
				}
			}
		}
		must(t, os.WriteFile(p, saved, 0o600))
	}
	t.Logf("%d files: %d refusals, %d without effect for bob", len(all), refused, fine)
	if refused == 0 || fine == 0 {
		t.Error("the attacks did not reach what they were to reach")
	}
	c.run("bob", "open", "sealed.csv", "--out", "again.csv", "--record-id", "id")
	if c.read("again.csv") != good {
		t.Error("something was lost")
	}
}

// TestTamperedFile alters a sealed file: attacks 19, 20, 26 and 27 on the
// whole program. Every one is refused by name of file, row, record and column,
// leaves no output, and is passed over with --keep-going.
func TestTamperedFile(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	c := newCommand(t)
	c.firm()
	sealed := c.read("sealed.csv")
	rows := strings.Split(sealed, "\n")
	cell := func(row, col int) string { return strings.Split(rows[row], ",")[col] }
	c.run("alice", "open", "sealed.csv", "--out", "good.csv", "--record-id", "id") // without the attack
	if c.read("good.csv") != people {
		t.Fatal("not what was sealed")
	}
	flip := func(s string, at int) string {
		b := []byte(s)
		if b[at] == 'A' {
			b[at] = 'B'
		} else {
			b[at] = 'A'
		}
		return string(b)
	}
	tok := cell(1, 2)
	if !strings.HasPrefix(tok, "us1.") || len(tok) < 100 {
		t.Fatalf("not a token: %s", tok)
	}
	attacks := map[string]string{
		"19 another field's":    strings.Replace(sealed, tok, cell(1, 3), 1),
		"20 another record's":   strings.Replace(sealed, tok, cell(2, 2), 1),
		"26 version":            strings.Replace(sealed, tok, flip(tok, 5), 1),
		"26 key id":             strings.Replace(sealed, tok, flip(tok, 10), 1),
		"26 record tag":         strings.Replace(sealed, tok, flip(tok, 20), 1),
		"26 nonce":              strings.Replace(sealed, tok, flip(tok, 40), 1),
		"26 ciphertext":         strings.Replace(sealed, tok, flip(tok, 70), 1),
		"26 authentication tag": strings.Replace(sealed, tok, flip(tok, len(tok)-3), 1),
		"27 cut":                strings.Replace(sealed, tok, tok[:len(tok)-4], 1),
		"27 longer":             strings.Replace(sealed, tok, tok+"AAAA", 1),
		"27 padding":            strings.Replace(sealed, tok, tok+"=", 1),
		"27 space":              strings.Replace(sealed, tok, tok+" ", 1),
		"27 line break":         strings.Replace(sealed, tok, "\""+tok[:60]+"\n"+tok[60:]+"\"", 1),
		"27 standard alphabet":  strings.Replace(sealed, tok, tok[:60]+"+"+tok[61:], 1),
		"27 upper case":         strings.Replace(sealed, tok, "us1."+strings.ToUpper(tok[4:]), 1),
		"20 ids exchanged":      strings.Replace(strings.Replace(strings.Replace(sealed, "\n1,", "\nx,", 1), "\n2,", "\n1,", 1), "\nx,", "\n2,", 1),
	}
	for what, data := range attacks {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			if data == sealed {
				t.Fatal("nothing was altered")
			}
			c := &command{t: t, binary: c.binary, dir: c.dir}
			bad, opened := what+".csv", what+"-open.csv"
			c.write(bad, data)
			args := []string{"open", bad, "--out", opened, "--record-id", "id"}
			if strings.HasPrefix(what, "19") {
				args = append(args, "--column", "phone", "--column", "ssn")
			}
			code, out := c.try("alice", args...)
			if code != 7 || !strings.Contains(out, "hint: ") {
				t.Errorf("exit %d: %s", code, out)
			}
			for _, part := range []string{bad, "row 1", `record "`, `column "phone"`} {
				if !strings.Contains(out, part) {
					t.Errorf("does not name %s: %s", part, out)
				}
			}
			if strings.Contains(out, "202-224") || strings.Contains(out, "078-05") {
				t.Errorf("a value is shown: %s", out)
			}
			if _, err := os.Stat(c.path(opened)); err == nil {
				t.Error("left an output")
			}
			code, out = c.try("alice", append(args, "--keep-going", "--force")...)
			if code != 7 || !strings.Contains(out, `column "phone"`) {
				t.Errorf("--keep-going: exit %d: %s", code, out)
			}
			if got := c.read(opened); !strings.Contains(got, "202-224-0003") {
				t.Errorf("--keep-going did not open the rest:\n%s", got)
			}
		})
	}
}
