package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// clioStory is a story with a Clio in it.
type clioStory struct {
	*story
	cliosim           string // the simulator's program
	matters, contacts int
	api               clioAPI
	before            everything
	stop              func()
}

const (
	aliceEmail = "alice@harbor.example"
	bobEmail   = "bob@harbor.example"
)

// shared is the field that Alice lets Bob read.
const shared = "Hearing date"

// tellClio tells the story of a firm and its Clio account of so many records.
func tellClio(ctx context.Context, binary, cliosim string, matters, contacts int, out io.Writer) error {
	base, end, err := begin(ctx, binary, out, "alice", "bob")
	if err != nil {
		return err
	}
	defer end()
	s := &clioStory{story: base, cliosim: cliosim, matters: matters, contacts: contacts, stop: func() {}}
	defer func() { s.stop() }()
	s.people()
	s.account()
	s.connect()
	s.look()
	s.enableShared()
	s.enableRest()
	s.verify()
	s.compare()
	s.undo()
	if s.err != nil {
		return s.err
	}
	s.say("\ninterrupted, resumed, verified, undone\n\nNothing of it stays on this machine. Your turn, with your own Clio (doc/clio-setup.md):\n\n    bin/underseal setup")
	return nil
}

func (s *clioStory) people() {
	s.title("1. A firm: Alice, its security officer, and Bob")
	s.quiet("alice", "identity", "new", "--name", "Alice Archer", "--email", aliceEmail)
	s.quiet("alice", "unlock", "--for", "1h")
	s.quiet("alice", "org", "new", "Harbor & Partners", "--store", "dir:"+s.path("firm"))
	fingerprint := s.value("alice", "fingerprint", "org", "show")
	s.quiet("bob", "identity", "new", "--name", "Bob Brandt", "--email", bobEmail)
	s.quiet("bob", "unlock", "--for", "1h")
	s.quiet("bob", "org", "join", "--store", "dir:"+s.path("firm"), "--fingerprint", fingerprint)
	s.quiet("bob", "identity", "card", "--out", "bob.card")
	s.quiet("alice", "member", "add", "bob.card", "--role", "member", "--safety-number", s.value("bob", "safety_number", "identity", "show"))
	s.run("alice", "member", "list")
}

// rateLimit is for the demo alone: Clio allows 50 requests a minute.
const rateLimit = "100000"

// account starts a Clio on this machine.
func (s *clioStory) account() {
	if s.err != nil {
		return
	}
	s.title("2. Their Clio account, on a simulator on this machine")
	data := s.path("clio.db")
	seed := exec.CommandContext(s.ctx, s.cliosim, "seed", "--data", data, "--matters", strconv.Itoa(s.matters), "--contacts", strconv.Itoa(s.contacts)) // #nosec G204 -- the program that was just built
	if out, err := seed.CombinedOutput(); err != nil {
		s.fail(fmt.Errorf("seed: %w: %s", err, out))
		return
	}
	serve := exec.CommandContext(s.ctx, s.cliosim, "serve", "--data", data, "--rate-limit", rateLimit, "--auto-approve", aliceEmail) // #nosec G204 -- as above
	out, err := serve.StdoutPipe()
	if err == nil {
		err = serve.Start()
	}
	if err != nil {
		s.fail(err)
		return
	}
	s.stop = func() {
		_ = serve.Process.Kill()
		_ = serve.Wait() // it was killed
	}
	var at struct{ Address string }
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &at)
	}
	if err != nil {
		s.fail(fmt.Errorf("the simulator's address: %w", err))
		return
	}
	s.api = clioAPI{ctx: s.ctx, base: at.Address}
	var tokens struct {
		Access string `json:"access_token"`
	}
	if err := s.api.do(http.MethodPost, "/_sim/token", map[string]any{"email": aliceEmail, "app": "underseal-simulated"}, &tokens); err != nil {
		s.fail(err)
		return
	}
	s.api.token = tokens.Access
	if s.before, err = s.api.everything(); err != nil {
		s.fail(err)
		return
	}
	s.say("%d records, %d custom fields, one of every type, with values in a dozen scripts, and the three\n"+
		"ways in which Clio's own interface says \"nothing\".", len(s.before.records), len(s.before.fields))
	s.say("The simulator's rate limit is raised for this demo: Clio itself allows 50 requests a minute,\n" +
		"so that to seal all of this takes an hour and forty minutes there.")
}

// connect plays Alice's browser: it opens the address that the program prints.
func (s *clioStory) connect() {
	if s.err != nil {
		return
	}
	s.title("3. Alice connects it, and sees its fields")
	s.write("secret.txt", []byte("simulated-secret\n"))
	args := []string{"clio", "connect", "--base-url", s.api.base, "--client-id", "underseal-simulated", "--client-secret-file", "secret.txt", "--no-browser", "--port", "0"}
	s.prompt("alice", args)
	c := s.command("alice", args)
	said, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		s.fail(err)
		return
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "http://") {
			s.say("  http://…/oauth/authorize?… (Alice's browser opens it; she signs in and allows it)")
			if err := open(s.ctx, line); err != nil {
				s.fail(err)
			}
		} else if !strings.HasPrefix(line, "next: ") {
			s.say("%s", line)
		}
	}
	if err := c.Wait(); err != nil {
		s.fail(fmt.Errorf("underseal clio connect: %w", err))
	}
}

// open follows an address as a browser does.
func open(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func (s *clioStory) look() { s.run("alice", "clio", "fields") }

// enableShared seals one field that Bob may read as well.
func (s *clioStory) enableShared() {
	s.title("4. She seals one field for herself and Bob, and starts on all others")
	s.run("alice", "clio", "enable", shared, "--to", bobEmail, "--yes")
}

// enableRest seals all other fields, and is killed in the middle.
func (s *clioStory) enableRest() {
	if s.err != nil {
		return
	}
	args := []string{"clio", "enable"}
	for _, f := range s.before.fields {
		if f.Name != shared {
			args = append(args, f.Name)
		}
	}
	args = append(args, "--yes")
	s.prompt("alice", args)
	job := s.interrupt(append(args, "--json"), len(s.before.records)*2/5)
	if s.err != nil {
		return
	}
	s.say("… killed (SIGKILL) when %d of %d records were done.", len(s.before.records)*2/5, len(s.before.records))
	s.run("alice", "job", "list")
	s.run("alice", "job", "resume", job)
}

// interrupt kills a job when it has met so many records, and tells its id.
func (s *clioStory) interrupt(args []string, records int) (job string) {
	c := s.command("alice", args)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		s.fail(err)
		return ""
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Call, Job string
			Records   int
		}
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Call == "enable" && e.Records >= records {
			job = e.Job
			break
		}
	}
	if err := c.Process.Kill(); err != nil {
		s.fail(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() >= 0 || job == "" {
		s.fail(fmt.Errorf("the job was to be killed in the middle: %w", err))
	}
	return job
}

func (s *clioStory) verify() {
	s.title("5. Every value is read again and checked")
	s.run("alice", "clio", "verify")
}

// cell is a value of a report that somebody makes from Clio.
type cell struct{ record, field, value string }

// compare shows what Clio stores, what Alice reads and what Bob reads: a report
// from Clio, opened by both. All of it is checked, a value of each field shown.
func (s *clioStory) compare() {
	if s.err != nil {
		return
	}
	s.title("6. A report from Clio, opened by each")
	after, err := s.api.everything()
	if err != nil {
		s.fail(err)
		return
	}
	report, want, err := s.report(after)
	if err != nil {
		s.fail(err)
		return
	}
	s.write("report.jsonl", report)
	s.quiet("alice", "open", "report.jsonl", "--out", "alice.jsonl")
	s.run("bob", "open", "report.jsonl", "--out", "bob.jsonl")
	stored, alice, bob := s.cells("report.jsonl"), s.cells("alice.jsonl"), s.cells("bob.jsonl")
	if s.err != nil {
		return
	}
	for i, w := range want {
		key := w.record + "\x00" + w.field
		bobs := stored[key]
		if w.field == shared {
			bobs = w.value
		}
		if !strings.HasPrefix(stored[key], "us1.") || alice[key] != w.value || bob[key] != bobs {
			s.fail(fmt.Errorf("value %d, of %s, is not what it should be", i, w.field))
			return
		}
	}
	s.say("")
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RECORD\tFIELD\tWHAT CLIO STORES\tWHAT ALICE READS\tWHAT BOB READS")
	for _, c := range chosen(want) {
		key := c.record + "\x00" + c.field
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.record, c.field, short(stored[key]), short(alice[key]), short(bob[key]))
	}
	_ = w.Flush()
	s.say("All %d values were checked: Clio stores tokens alone, Alice reads each as it was,\nBob the field %s and nothing else.", len(want), shared)
}

// chosen are the cells that are shown: one for each field, from as few records
// as have them.
func chosen(cells []cell) []cell {
	var list []cell
	for _, c := range cells {
		if !slices.ContainsFunc(list, func(l cell) bool { return l.field == c.field }) {
			list = append(list, c)
		}
	}
	return list
}

// report makes a report of the account as it is now, as JSON Lines with a
// member for each field, and what each held before.
func (s *clioStory) report(after everything) (text []byte, want []cell, err error) {
	twins, err := s.twinsOf()
	if err != nil {
		return nil, nil, err
	}
	now := map[string]clioRecord{}
	for _, r := range after.records {
		now[r.key()] = r
	}
	for _, r := range s.before.records {
		line := map[string]string{"record": r.key(), "name": r.called()}
		for _, f := range s.before.fields {
			was := r.value(f.ID)
			if len(was) == 0 || string(was) == "null" {
				continue
			}
			holder := f.ID
			if twin := twins[f.ID]; twin != 0 {
				holder = twin
			}
			var stored string
			if err := json.Unmarshal(now[r.key()].value(holder), &stored); err != nil {
				return nil, nil, fmt.Errorf("%s, %s: no text is stored", r.key(), f.Name)
			}
			line[f.Name] = stored
			want = append(want, cell{r.key(), f.Name, plain(was)})
		}
		b, err := json.Marshal(line)
		if err != nil {
			return nil, nil, err
		}
		text = append(append(text, b...), '\n')
	}
	return text, want, nil
}

// plain is a JSON value as a report shows it.
func plain(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

// twinsOf are the fields that hold the tokens of others.
func (s *clioStory) twinsOf() (map[int64]int64, error) {
	out, err := s.command("alice", []string{"clio", "fields", "--no-counts", "--json"}).Output()
	if err != nil {
		return nil, fmt.Errorf("underseal clio fields: %w", err)
	}
	var all struct {
		Fields []struct {
			ID   int64 `json:"id,string"`
			Twin int64 `json:"twin,string"`
		}
	}
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, err
	}
	twins := map[int64]int64{}
	for _, f := range all.Fields {
		twins[f.ID] = f.Twin
	}
	return twins, nil
}

// cells reads a report; an opened value may be any JSON.
func (s *clioStory) cells(name string) map[string]string {
	all := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(s.read(name)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line map[string]json.RawMessage
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			s.fail(fmt.Errorf("%s: %w", name, err))
			return nil
		}
		for field, v := range line {
			all[plain(line["record"])+"\x00"+field] = plain(v)
		}
	}
	return all
}

// undo takes both jobs back and compares what the API gives with what it gave
// before.
func (s *clioStory) undo() {
	if s.err != nil {
		return
	}
	s.title("7. All of it taken back")
	var all struct {
		Jobs []struct{ ID, Direction string }
	}
	out, err := s.command("alice", []string{"job", "list", "--json"}).Output()
	if err == nil {
		err = json.Unmarshal(out, &all)
	}
	if err != nil {
		s.fail(err)
		return
	}
	for _, j := range all.Jobs {
		s.run("alice", "job", "undo", j.ID, "--yes")
	}
	if s.err != nil {
		return
	}
	after, err := s.api.everything()
	if err != nil {
		s.fail(err)
		return
	}
	was, err := s.before.text()
	if err != nil {
		s.fail(err)
		return
	}
	is, err := after.text()
	if err != nil || is != was {
		s.fail(fmt.Errorf("the account is not as it was: %s", firstDifference(was, is)))
		return
	}
	s.say("\nClio's API gives what it gave before: %d fields, %d records, %d bytes, the same.", len(after.fields), len(after.records), len(is))
}

// firstDifference names the line at which two texts part.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d: %s; now %s", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}
