package officer_test

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// actor is somebody who tries operations: a role, and rights on the resource
// called "field". Each has a device "first" and a device "laptop".
type actor struct {
	name   string
	role   officer.Role
	rights officer.Rights
	place  place // in the group "team"
}

func (a actor) is(r officer.Role) bool    { return a.role == r }
func (a actor) has(r officer.Rights) bool { return a.rights.Has(r) }
func (a actor) officerOr(ok bool) error   { return allow(a.is(officer.RoleOfficer) || ok) }
func (a actor) notGuest(ok bool) error    { return allow(!a.is(officer.RoleGuest) && ok) }
func (a actor) grants(r officer.Rights) error {
	if err := a.notGuest(a.has(officer.Share)); err != nil || a.has(r) {
		return err
	}
	return officer.ErrRights
}

func allow(ok bool) error {
	if ok {
		return nil
	}
	return officer.ErrAuthority
}

func actors() []actor {
	var list []actor
	for _, role := range []officer.Role{officer.RoleOfficer, officer.RoleMember, officer.RoleGuest} {
		for _, rights := range []officer.Rights{0, officer.Read, officer.Read | officer.Write, officer.Read | officer.Share, officer.Read | officer.Write | officer.Share} {
			if role == officer.RoleGuest && rights.Has(officer.Share) {
				continue
			}
			list = append(list, actor{name: fmt.Sprintf("%s%d", role, rights), role: role, rights: rights})
		}
	}
	return list
}

// letters writes rights as a script does.
func letters(r officer.Rights) string {
	s := ""
	for i, c := range "rws" {
		if r.Has(1 << i) {
			s += string(c)
		}
	}
	return s
}

// attempt is one way to use an operation. In its script, ME is the actor and
// CLOSE ends a removal of a device of one's own: it closes "field" where one
// has rights on it. AS names another author device.
type attempt struct {
	what   string
	script string
	want   func(actor) error
}

func always(err error) func(actor) error { return func(actor) error { return err } }

// authorityTable is spec/log.md's table "Authority", and the attempts that show
// each of its cells.
var authorityTable = slices.SortedFunc(
	slices.Values(slices.Concat(resourceAuthority, groupAuthority, memberAuthority, recoveryAuthority, []authorityRow{endedAuthority})),
	func(a, b authorityRow) int { return int(a.number) - int(b.number) },
)

type authorityRow struct {
	number                 officer.OpKind
	officer, member, guest bool
	attempts               []attempt
}

var resourceAuthority = []authorityRow{
	{officer.OpGenesis, false, false, false, []attempt{
		{"one's own card", "GENESIS", always(officer.ErrAuthority)},
	}},
	{officer.OpMemberAdded, true, true, false, []attempt{
		{"an officer", "add new as officer", func(a actor) error { return a.officerOr(false) }},
		{"a member", "add new as member", func(a actor) error { return a.officerOr(false) }},
		{"a guest", "add new as guest", func(a actor) error { return a.officerOr(false) }},
	}},
	{officer.OpDeviceAdded, true, true, true, []attempt{
		{"one's own", "add device ME/new", always(nil)},
		{"another's", "add device other/new", always(officer.ErrAuthority)},
	}},
	{officer.OpDeviceRemoved, true, true, true, []attempt{
		{"one's own other", "remove device ME/laptop; rotate user ME CLOSE", always(nil)},
		{"the author's", "remove device ME/first; rotate user ME CLOSE", always(officer.ErrAuthority)},
		{"another's", "remove device other/laptop; close field", func(a actor) error { return a.officerOr(false) }},
	}},
	{officer.OpUserKey, true, true, true, []attempt{
		{"one's own", "rotate user ME", always(nil)},
		{"another's", "rotate user other", always(officer.ErrAuthority)},
	}},
	{officer.OpKeyCreated, true, true, false, []attempt{
		{"a field", "create field new", func(a actor) error { return a.officerOr(false) }},
		{"the directory", "create directory new", func(a actor) error { return a.officerOr(false) }},
		{"a folder", "create folder new", func(a actor) error { return a.notGuest(true) }},
	}},
	{officer.OpKeyRotated, true, true, false, []attempt{
		{"at any time", "rotate field", func(a actor) error { return a.notGuest(a.has(officer.Share)) }},
		{"after a revocation", "revoke field from other; rotate field", func(a actor) error {
			return a.notGuest(a.has(officer.Share) || a.is(officer.RoleOfficer) && a.has(officer.Read))
		}},
		{"after a removal", "remove device ME/laptop; rotate user ME; rotate field", func(a actor) error {
			return a.notGuest(a.has(officer.Share) || a.is(officer.RoleOfficer) && a.has(officer.Read))
		}},
		{"another than the one owed", "revoke field from other; close field; rotate second", always(officer.ErrAuthority)},
	}},
	{officer.OpKeyClosed, true, true, true, []attempt{
		{"at any time", "close field", func(a actor) error { return a.officerOr(a.has(officer.Share)) }},
		{"after a removal", "remove device ME/laptop; rotate user ME; close field", func(a actor) error { return a.officerOr(a.has(officer.Read)) }},
		{"before a removal", "close field; remove device ME/laptop; rotate user ME", func(a actor) error { return a.officerOr(a.has(officer.Share)) }},
	}},
	{officer.OpGrant, true, true, false, []attempt{
		{"read", "grant field to other r", func(a actor) error { return a.grants(officer.Read) }},
		{"write", "grant field to other rw", func(a actor) error { return a.grants(officer.Read | officer.Write) }},
		{"share", "grant field to other rs", func(a actor) error { return a.grants(officer.Read | officer.Share) }},
		{"all", "grant field to other rws", func(a actor) error { return a.grants(officer.Read | officer.Write | officer.Share) }},
		{"to a guest", "grant field to greta r", func(a actor) error { return a.grants(officer.Read) }},
		{"share to a guest", "grant field to greta rs", func(a actor) error {
			if err := a.notGuest(a.has(officer.Share)); err != nil {
				return err
			}
			return officer.ErrRights
		}},
		{"less to an officer", "grant field to alice rw", func(a actor) error {
			if err := a.grants(officer.Read | officer.Write); err != nil || a.is(officer.RoleOfficer) {
				return err
			}
			return officer.ErrAuthority
		}},
		{"the same to an officer", "grant field to alice rws", func(a actor) error { return a.grants(officer.Read | officer.Write | officer.Share) }},
		{"share, while others share", "grant field to other rs", func(a actor) error { return a.grants(officer.Read | officer.Share) }},
		{"more to oneself", "grant field to ME rws", func(a actor) error { return a.grants(officer.Read | officer.Write | officer.Share) }},
	}},
	{officer.OpRevoke, true, true, false, []attempt{
		{"another's", "revoke field from other; close field", func(a actor) error {
			return a.notGuest(a.is(officer.RoleOfficer) || a.has(officer.Share))
		}},
		{"an officer's", "revoke field from alice; close field", func(a actor) error { return a.officerOr(false) }},
		{"one's own", "revoke field from ME; close field", always(officer.ErrAuthority)},
		{"one's own, closed before", "close field; revoke field from ME", always(officer.ErrAuthority)},
	}},
	{officer.OpDirectory, true, true, false, []attempt{
		{"a new opening", "file field.label under field", func(a actor) error { return a.notGuest(a.has(officer.Read)) }},
		{"in the place of another", "file field.label under field; file field.label under field", func(a actor) error { return a.notGuest(a.has(officer.Share)) }},
		{"of another text", "file second.label under field", func(a actor) error {
			if err := a.notGuest(a.has(officer.Read)); err != nil {
				return err
			}
			return officer.ErrUnknown
		}},
	}},
	{officer.OpKeyResealed, true, true, false, []attempt{
		{"the present epoch", "reseal field to other", func(a actor) error { return a.notGuest(a.has(officer.Read)) }},
		{"an old epoch", "reseal field@1 to other", func(a actor) error { return a.notGuest(a.has(officer.Read)) }},
		{"to a guest", "grant field to greta r; reseal field to greta", func(a actor) error { return a.grants(officer.Read) }},
		{"to who is not granted it", "reseal field to greta", func(a actor) error {
			if err := a.notGuest(a.has(officer.Read)); err != nil {
				return err
			}
			return officer.ErrUnknown
		}},
	}},
}

var endedAuthority = authorityRow{
	officer.OpResourceEnded, true, true, false, []attempt{
		{"a field", "end field", func(a actor) error { return a.officerOr(a.has(officer.Share)) }},
		{"a folder that nobody else holds", "end folder", func(a actor) error { return a.officerOr(false) }},
		{"the directory", "create directory new; end new", func(a actor) error {
			if err := a.officerOr(false); err != nil {
				return err
			}
			return officer.ErrUnknown
		}},
		{"after a revocation", "revoke field from other; end field", func(a actor) error {
			return a.notGuest(a.is(officer.RoleOfficer) || a.has(officer.Share))
		}},
		{"what the entry owes", "remove device ME/laptop; rotate user ME; end field", func(a actor) error {
			return a.officerOr(a.has(officer.Share))
		}},
	},
}

// authorityBase is a state in which every actor may try every operation.
func authorityBase(t *testing.T) *officertest.Org {
	t.Helper()
	o := officertest.New(t, "alice").Do(
		"alice: create field field; create field second; create folder folder",
		"alice: add other as member; add greta as guest; grant field to other r",
		"other: add device other/laptop",
	)
	for _, a := range actors() {
		o.Do(fmt.Sprintf("alice: add %s as %s", a.name, a.role))
		if a.rights != 0 {
			o.Do(fmt.Sprintf("alice: grant field to %s %s", a.name, letters(a.rights)))
		}
		o.Do(fmt.Sprintf("%s: add device %[1]s/laptop", a.name))
	}
	return enrollInBase(placeInGroups(o.Do("alice: rotate field")))
}

// everyAttempt yields attempts with the base that they are made on.
func everyAttempt(bases map[*officertest.Org][]attempt) iter.Seq2[*officertest.Org, attempt] {
	return func(yield func(*officertest.Org, attempt) bool) {
		for base, list := range bases {
			for _, at := range list {
				if !yield(base, at) {
					return
				}
			}
		}
	}
}

// TestAuthority tries every operation in every way by every actor, and holds
// the table against what came of it: a "no" is refused to everybody, a "yes"
// works for somebody.
func TestAuthority(t *testing.T) {
	t.Parallel()
	base := authorityBase(t)
	lax := base.For(t).Do("alice: policy fields=2 groups=2 guests=2", "alice: policy folders=1")
	tried := 0
	for _, row := range authorityTable {
		worked := map[officer.Role]bool{}
		bases := map[*officertest.Org][]attempt{base: row.attempts, lax: laxAttempts[row.number]}
		for base, at := range everyAttempt(bases) {
			for _, a := range actorsOf(row.number) {
				author, ops := attemptOps(base, at, a)
				err := base.For(t).TryOps(author, ops...)
				want := at.want(a)
				if !errors.Is(err, want) || want == nil && err != nil {
					t.Errorf("%s, %s, by %s with %q: %v, want %v", row.number, at.what, a.name, a.rights, err, want)
				}
				if err == nil {
					worked[a.role] = true
				}
				tried++
			}
		}
		for role, may := range map[officer.Role]bool{officer.RoleOfficer: row.officer, officer.RoleMember: row.member, officer.RoleGuest: row.guest} {
			if worked[role] != may {
				t.Errorf("%s by an %s: the table says %v, the attempts %v", row.number, role, may, worked[role])
			}
		}
	}
	if tried < 300 {
		t.Errorf("only %d attempts", tried)
	}
}

func attemptOps(base *officertest.Org, at attempt, a actor) (author string, ops []officer.Operation) {
	if at.script == "GENESIS" {
		return a.name, []officer.Operation{&officer.Genesis{Card: base.Person(a.name).File.Card.Bytes()}}
	}
	closing := ""
	if a.rights != 0 {
		closing = "; close field"
	}
	if script, outside := strings.CutPrefix(at.script, "BLOB "); outside {
		return a.name, []officer.Operation{base.Outside(base.Ops(strings.ReplaceAll(script, "ME", a.name))...)}
	}
	author, script := a.name, strings.NewReplacer("ME", a.name, " CLOSE", closing).Replace(at.script)
	if by, ok := strings.CutPrefix(script, "AS "); ok {
		author, script, _ = strings.Cut(by, " ")
	}
	return author, base.Ops(script)
}

// TestAuthorityIsSpecified compares the table with the one of the spec, and
// both with the operations that there are.
func TestAuthorityIsSpecified(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../spec/log.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### Authority\n")
	section, _, _ = strings.Cut(section, "\n### ")
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| ([^|]+) \| (yes|no) \| (yes|no) \| (yes|no) \|`).FindAllStringSubmatch(section, -1)
	if len(rows) != len(authorityTable) {
		t.Fatalf("%d rows in the spec, %d here", len(rows), len(authorityTable))
	}
	word := map[bool]string{true: "yes", false: "no"}
	for i, row := range authorityTable {
		want := []string{fmt.Sprint(uint8(row.number)), row.number.String(), word[row.officer], word[row.member], word[row.guest]}
		if got := rows[i][1:]; strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("the spec says %q, the table %q", got, want)
		}
	}
}
