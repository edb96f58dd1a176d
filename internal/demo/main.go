// Command demo tells the story of two colleagues and an outsider with the real
// program and a real file; `make demo` runs it. Every line that begins with
// "$" is a command that was run just then, and what follows is what it said.
package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: demo UNDERSEAL-BINARY PEOPLE.CSV")
		os.Exit(2)
	}
	if err := tell(context.Background(), os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// story runs the program for several people, each with a home of their own.
type story struct {
	ctx    context.Context
	binary string
	dir    string
	out    io.Writer
	err    error
}

func tell(ctx context.Context, binary, people string, out io.Writer) error {
	dir, err := os.MkdirTemp("", "underseal-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := &story{ctx: ctx, binary: binary, dir: dir, out: out}
	original, err := os.ReadFile(people) // #nosec G304 -- the file to tell the story of
	if err != nil {
		return err
	}
	s.write("passphrase", []byte("correct horse battery staple\n"))
	s.write("people.csv", original)
	defer func() {
		for _, who := range []string{"alice", "bob", "eve"} {
			s.quiet(who, "lock")
		}
	}()
	s.people()
	s.seal(original)
	s.compare(original)
	s.tamper()
	if s.err != nil {
		return s.err
	}
	s.say("\nThat is all. Nothing of it stays on this machine. Your turn:\n\n    bin/underseal setup")
	return nil
}

func (s *story) people() {
	s.title("1. Alice founds a firm in a shared folder and lets Bob in")
	s.run("alice", "identity", "new", "--name", "Alice Officer", "--email", "alice@example.com")
	s.quiet("alice", "unlock")
	s.run("alice", "org", "new", "Example LLP", "--store", "dir:"+s.path("firm"))
	fingerprint := s.value("alice", "fingerprint", "org", "show")
	for _, p := range [][2]string{{"bob", "Bob Member"}, {"eve", "Eve Outsider"}} {
		s.quiet(p[0], "identity", "new", "--name", p[1], "--email", p[0]+"@example.com")
		s.quiet(p[0], "unlock")
		s.quiet(p[0], "org", "join", "--store", "dir:"+s.path("firm"), "--fingerprint", fingerprint)
	}
	s.say("Bob and Eve each made an identity on a machine of their own; both can read the whole folder.")
	s.run("bob", "identity", "card", "--out", "bob.card")
	s.say("Bob reads his safety number to Alice over the phone:")
	s.run("alice", "member", "add", "bob.card", "--role", "member", "--safety-number", s.value("bob", "safety_number", "identity", "show"))
}

func (s *story) seal(original []byte) {
	s.title("2. Alice seals three columns of a file and grants Bob two of them")
	for _, f := range []string{"phone", "home-address", "birthday"} {
		s.run("alice", "field", "new", f)
	}
	s.run("alice", "field", "grant", "phone", "--to", "bob@example.com")
	s.run("alice", "field", "grant", "home-address", "--to", "bob@example.com")
	s.run("alice", "seal", "people.csv", "--out", "sealed.csv", "--record-id", "id",
		"--column", "phone", "--column", "address=home-address", "--column", "birthday")
	s.title("3. Everybody opens what they can")
	s.run("alice", "open", "sealed.csv", "--out", "alice.csv", "--record-id", "id")
	s.run("bob", "open", "sealed.csv", "--out", "bob.csv", "--record-id", "id")
	s.fails("eve", 5, "open", "sealed.csv", "--out", "eve.csv")
	if s.err == nil && !bytes.Equal(original, s.read("alice.csv")) {
		s.fail(fmt.Errorf("what Alice opened is not the file that was sealed"))
		return
	}
	s.say("What Alice opened is byte for byte the file that she sealed (%d bytes).", len(original))
}

// compare shows three rows side by side and checks all of them.
func (s *story) compare(original []byte) {
	if s.err != nil {
		return
	}
	files := [][]map[string]string{s.rows(original), s.rows(s.read("sealed.csv")), s.rows(s.read("alice.csv")), s.rows(s.read("bob.csv"))}
	if s.err != nil {
		return
	}
	s.title("4. Three rows, side by side")
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RECORD\tCOLUMN\tTHE FILE HELD\tTHE SEALED FILE HOLDS\tALICE READS\tBOB READS\tEVE SEES")
	for i := range files[0] {
		for _, column := range []string{"phone", "address", "birthday"} {
			held, sealed, alice, bob := files[0][i][column], files[1][i][column], files[2][i][column], files[3][i][column]
			if want := map[string]string{"phone": held, "address": held, "birthday": sealed}[column]; alice != held || bob != want || held != "" && sealed == held {
				s.fail(fmt.Errorf("row %d, column %s is not what it should be", i+1, column))
				return
			}
			if i < 3 {
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", files[0][i]["id"], column,
					short(held), short(sealed), short(alice), short(bob), short(sealed))
			}
		}
	}
	_ = w.Flush()
	s.say("All %d rows were checked: Bob has phone and address as they were, and birthday as tokens.", len(files[0]))
}

// tamper moves one person's phone number to another, as a thief of the folder
// could.
func (s *story) tamper() {
	if s.err != nil {
		return
	}
	s.title("5. Somebody with the sealed file gives the first person the second one's phone number")
	sealed := s.read("sealed.csv")
	rows := s.rows(sealed)
	if s.err != nil || len(rows) < 2 {
		return
	}
	s.write("tampered.csv", bytes.Replace(sealed, []byte(rows[0]["phone"]), []byte(rows[1]["phone"]), 1))
	s.fails("alice", 7, "open", "tampered.csv", "--out", "tampered-open.csv", "--record-id", "id")
	if _, err := os.Stat(s.path("tampered-open.csv")); err == nil {
		s.fail(fmt.Errorf("a refused file left an output"))
	}
	s.say("Nothing was written.")
}

func (s *story) title(t string) { s.say("\n%s\n%s", t, strings.Repeat("-", len(t))) }

func (s *story) say(format string, args ...any) {
	if s.err == nil {
		_, _ = fmt.Fprintf(s.out, format+"\n", args...)
	}
}

func (s *story) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *story) path(name string) string { return filepath.Join(s.dir, name) }

func (s *story) read(name string) []byte {
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.fail(err)
	}
	return b
}

func (s *story) write(name string, data []byte) {
	if err := os.WriteFile(s.path(name), data, 0o600); err != nil {
		s.fail(err)
	}
}

// rows reads a CSV file as one map for each row.
func (s *story) rows(data []byte) []map[string]string {
	all, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(all) < 2 {
		s.fail(fmt.Errorf("read back: %w", err))
		return nil
	}
	var out []map[string]string
	for _, r := range all[1:] {
		m := map[string]string{}
		for i, name := range all[0] {
			m[name] = r[i]
		}
		out = append(out, m)
	}
	return out
}

func (s *story) command(who string, args []string) *exec.Cmd {
	c := exec.CommandContext(s.ctx, s.binary, args...) // #nosec G204 -- the program that was just built
	c.Dir = s.dir
	c.Env = append(os.Environ(), "UNDERSEAL_HOME="+s.path("home-"+who), "UNDERSEAL_PASSPHRASE_FILE="+s.path("passphrase"))
	return c
}

// run shows a command and what it said.
func (s *story) run(who string, args ...string) { s.expect(who, 0, args) }

// fails is run for a command that has to fail with an exit code.
func (s *story) fails(who string, code int, args ...string) { s.expect(who, code, args) }

func (s *story) expect(who string, code int, args []string) {
	if s.err != nil {
		return
	}
	shown := make([]string, len(args))
	for i, a := range args {
		a = strings.ReplaceAll(a, s.dir+string(filepath.Separator), "")
		if strings.ContainsAny(a, " ") {
			a = `"` + a + `"`
		}
		shown[i] = a
	}
	s.say("\n%s$ underseal %s", who, strings.Join(shown, " "))
	out, err := s.command(who, args).CombinedOutput()
	text := strings.ReplaceAll(string(out), s.dir+string(filepath.Separator), "")
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if !strings.HasPrefix(line, "next: ") {
			s.say("%s", line)
		}
	}
	got := 0
	if err != nil {
		got = -1
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			got = exit.ExitCode()
		}
	}
	if got != code {
		s.fail(fmt.Errorf("underseal %s: exit %d, expected %d", args[0], got, code))
	} else if code != 0 {
		s.say("(exit %d)", code)
	}
}

// quiet runs a command that does not belong to the story.
func (s *story) quiet(who string, args ...string) {
	if out, err := s.command(who, args).CombinedOutput(); err != nil {
		s.fail(fmt.Errorf("underseal %s: %w: %s", args[0], err, out))
	}
}

// value asks a command for one of its JSON values.
func (s *story) value(who, key string, args ...string) string {
	out, err := s.command(who, append(args, "--json")).Output()
	if err != nil {
		s.fail(fmt.Errorf("underseal %s: %w", args[0], err))
		return ""
	}
	var m map[string]any
	if err := json.Unmarshal(out, &m); err != nil {
		s.fail(err)
		return ""
	}
	v, _ := m[key].(string)
	return v
}

// short cuts a cell to what fits beside others. A token is cut in its middle:
// its beginning is the same for a whole column, its end never is.
func short(s string) string {
	const most = 16
	if strings.HasPrefix(s, "us1.") {
		return s[:6] + "…" + s[len(s)-most+7:]
	}
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
