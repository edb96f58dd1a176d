package officer

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestAuthorityTable holds the tables role × operation of spec/log.md and
// spec/log-reserved.md against the program's.
func TestAuthorityTable(t *testing.T) {
	t.Parallel()
	var page []byte
	for _, name := range []string{"log.md", "log-reserved.md"} {
		b, err := os.ReadFile("../spec/" + name)
		if err != nil {
			t.Fatal(err)
		}
		page = append(page, b...)
	}
	row := regexp.MustCompile(`(?m)^\| ([0-9]+) \| ([^|]+) \| (yes|no) \| (yes|no) \| (yes|no) \|`)
	rows := row.FindAllStringSubmatch(string(page), -1)
	if len(rows) != 32 {
		t.Fatalf("%d rows, want 32", len(rows))
	}
	seen := map[int]bool{}
	for _, r := range rows {
		number, err := strconv.Atoi(r[1])
		if err != nil || number < 1 || number > len(rows) || seen[number] {
			t.Fatalf("a row of operation %s", r[1])
		}
		seen[number] = true
		op := OpKind(number)
		known := newOperation(op) != nil
		if known && op.String() != r[2] {
			t.Errorf("operation %d is %q in the specification", op, r[2])
		}
		for j, role := range []Role{RoleOfficer, RoleMember, RoleGuest} {
			// What is reserved is refused whoever asks.
			if want := known && r[3+j] == "yes"; authority(role, op) != want {
				t.Errorf("%s, %s: the program says %t, the specification %s", role, op, !want, r[3+j])
			}
		}
	}
}
