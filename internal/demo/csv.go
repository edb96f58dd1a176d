package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// tellCSV tells the story of two colleagues, an outsider and a real file.
func tellCSV(ctx context.Context, binary, people string, out io.Writer) error {
	original, err := os.ReadFile(people) // #nosec G304 -- the file to tell the story of
	if err != nil {
		return err
	}
	s, end, err := begin(ctx, binary, out, "alice", "bob", "eve")
	if err != nil {
		return err
	}
	defer end()
	s.write("people.csv", original)
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
