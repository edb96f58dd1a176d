package main

import (
	"reflect"
	"strings"
	"testing"
)

// What doc/cli.md promises of groups, and of grants to them.
type (
	docGroupMember struct {
		Email   string `json:"email"`
		Member  string `json:"member"`
		Manages bool   `json:"manages"`
	}
	docGroupGrant struct {
		Kind     string   `json:"kind"`
		Label    string   `json:"label"`
		Resource string   `json:"resource"`
		Rights   []string `json:"rights"`
	}
	docGroup struct {
		Name     string           `json:"name"`
		Group    string           `json:"group"`
		Epoch    int              `json:"epoch"`
		Closed   bool             `json:"closed"`
		Ended    bool             `json:"ended"`
		Orphaned bool             `json:"orphaned"`
		Members  []docGroupMember `json:"members"`
		Grants   []docGroupGrant  `json:"grants"`
	}
	docGroupTop struct {
		Schema int `json:"schema_version"`
		docGroup
	}
	docGroups struct {
		Schema int        `json:"schema_version"`
		Groups []docGroup `json:"groups"`
	}
	docGroupRemoval struct {
		Schema    int      `json:"schema_version"`
		Group     string   `json:"group"`
		Name      string   `json:"name"`
		Member    string   `json:"member"`
		Email     string   `json:"email"`
		Rotated   []string `json:"rotated"`
		Closed    []string `json:"closed"`
		Keeps     []string `json:"keeps"`
		Envelopes int      `json:"envelopes"`
		Skipped   int      `json:"skipped"`
		docValuesLeft
		Done bool `json:"done"`
	}
	docGroupAddition struct {
		Schema  int             `json:"schema_version"`
		Group   string          `json:"group"`
		Name    string          `json:"name"`
		Member  string          `json:"member"`
		Email   string          `json:"email"`
		Manages bool            `json:"manages"`
		Opens   []docGroupGrant `json:"opens"`
		Opened  []docGroupGrant `json:"opens_already"`
		Done    bool            `json:"done"`
	}
	docCaughtUp struct {
		Schema  int      `json:"schema_version"`
		Opened  []string `json:"opened"`
		Sealed  int      `json:"sealed"`
		Waiting []string `json:"waiting"`
		Missed  []string `json:"missed"`
	}
	docFieldOfGroup struct {
		Schema   int      `json:"schema_version"`
		Label    string   `json:"label"`
		Resource string   `json:"resource"`
		Epoch    int      `json:"epoch"`
		Closed   bool     `json:"closed"`
		Ended    bool     `json:"ended"`
		Mine     []string `json:"my_rights"`
		Grants   []struct {
			Email  string   `json:"email"`
			Member string   `json:"member"`
			Name   string   `json:"group_name,omitempty"`
			Group  string   `json:"group,omitempty"`
			Rights []string `json:"rights"`
		} `json:"grants"`
	}
)

var groupDocs = []any{docGroupTop{}, docGroupAddition{}, docGroups{}, docGroupRemoval{}, docCaughtUp{}, docFieldOfGroup{}}

func TestGroupJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	if list := jsonOf[docGroups](w, "alice", "group", "list"); len(list.Groups) != 0 {
		t.Errorf("%+v", list)
	}
	g := jsonOf[docGroupTop](w, "alice", "group", "new", "Litigation")
	if g.Name != "Litigation" || g.Epoch != 1 || g.Closed || g.Ended || g.Orphaned || len(g.Members) != 1 || !g.Members[0].Manages || len(g.Grants) != 0 {
		t.Errorf("%+v", g)
	}
	if p := jsonOf[docGroupAddition](w, "alice", "group", "add", "Litigation", emailOf("bob"), "--dry-run"); p.Done || p.Manages || p.Email != emailOf("bob") || p.Group != g.Group || len(p.Opens)+len(p.Opened) != 0 {
		t.Errorf("%+v", p)
	}
	g = jsonOf[docGroupTop](w, "alice", "group", "add", "Litigation", emailOf("bob"))
	if len(g.Members) != 2 || g.Members[1].Email != emailOf("bob") || g.Members[1].Manages {
		t.Errorf("%+v", g)
	}
	f := jsonOf[docFieldOfGroup](w, "alice", "field", "grant", "birthday", "--to-group", "Litigation")
	if len(f.Grants) != 2 || f.Grants[1].Group != g.Group || f.Grants[1].Name != "Litigation" || f.Grants[1].Email != "" || f.Grants[1].Member != "" {
		t.Errorf("%+v", f)
	}
	g = jsonOf[docGroupTop](w, "bob", "group", "list", "litigation")
	if len(g.Grants) != 1 || g.Grants[0].Kind != "field" || g.Grants[0].Label != "birthday" || !reflect.DeepEqual(g.Grants[0].Rights, []string{"read", "write"}) {
		t.Errorf("%+v", g)
	}
	if g := jsonOf[docGroupTop](w, "alice", "group", "rotate", "Litigation"); g.Epoch != 2 {
		t.Errorf("%+v", g)
	}
	plan := jsonOf[docGroupRemoval](w, "alice", "group", "remove", "Litigation", emailOf("bob"), "--dry-run")
	done := jsonOf[docGroupRemoval](w, "alice", "group", "remove", "Litigation", emailOf("bob"), "--yes")
	if plan.Done || !done.Done || !reflect.DeepEqual(done.Rotated, []string{"group Litigation", "field birthday"}) || len(done.Closed) != 0 || done.Envelopes != 3 {
		t.Errorf("planned %+v, done %+v", plan, done)
	}
	plan.Done = true
	if !reflect.DeepEqual(plan, done) {
		t.Errorf("planned %+v, done %+v", plan, done)
	}
	if c := jsonOf[docCaughtUp](w, "alice", "org", "catch-up"); c.Sealed != 0 || len(c.Opened)+len(c.Waiting)+len(c.Missed) != 0 {
		t.Errorf("%+v", c)
	}
	doc := contract(t)
	for _, v := range []any{docGroupTop{}, docGroups{}, docGroupRemoval{}, docCaughtUp{}, docFieldOfGroup{}} {
		for _, name := range membersOf(reflect.TypeOf(v)) {
			if !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("doc/cli.md does not name `%s` of %T", name, v)
			}
		}
	}
}

// TestGroupFailures is bad input: one error with its hint, and nothing changed.
func TestGroupFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found()
	w.run("alice", "group", "new", "Litigation", "--member", emailOf("bob"))
	w.run("alice", "group", "new", "Probate")
	before := w.run("alice", "org", "show", "--json").stdout
	for _, c := range []struct {
		class class
		who   string
		args  []string
		text  string
	}{
		{classInput, "alice", []string{"group", "new", "LITIGATION"}, "already taken"},
		{classInput, "alice", []string{"group", "new", emailOf("bob")}, "already taken"},
		{classInput, "alice", []string{"group", "new", "a\nb"}, "name: "},
		{classInput, "alice", []string{"group", "new", strings.Repeat("x", 2000)}, "name: "},
		{classInput, "alice", []string{"group", "new", "Tax", "--member", emailOf("eve")}, "no such name"},
		{classDenied, "bob", []string{"group", "new", "Tax"}, "may not do this"},
		{classInput, "alice", []string{"group", "add", "Tax", emailOf("bob")}, `group "Tax": no such name`},
		{classInput, "alice", []string{"group", "add", "Probate", emailOf("eve")}, "no such name"},
		{classDenied, "bob", []string{"group", "add", "Probate", emailOf("bob")}, "not granted to you"},
		{classInput, "alice", []string{"group", "remove", "Probate", emailOf("bob"), "--yes"}, "not in the group"},
		{classDenied, "alice", []string{"group", "remove", "Probate", emailOf("alice"), "--yes"}, "to themself"},
		{classDenied, "bob", []string{"group", "remove", "Litigation", emailOf("alice"), "--yes"}, "may not do this"},
		{classDenied, "bob", []string{"group", "rotate", "Litigation"}, "not granted to you"},
		{classUsage, "alice", []string{"group", "remove", "Litigation", emailOf("bob")}, ""},
		{classInput, "alice", []string{"field", "grant", "phone", "--to-group", "Tax"}, "no such name"},
		{classUsage, "alice", []string{"field", "grant", "phone", "--to", emailOf("bob"), "--to-group", "Probate"}, ""},
		{classUsage, "alice", []string{"field", "revoke", "phone"}, ""},
		{classDenied, "alice", []string{"group", "add", "Probate", emailOf("alice"), "--manages=false"}, "nobody would be left"},
	} {
		w.fails(c.class, c.who, c.args, c.text)
	}
	if after := w.run("alice", "org", "show", "--json").stdout; after != before {
		t.Errorf("something was changed: %s, %s", before, after)
	}
	// A group of nobody: another officer takes out the only one who is in it.
	w.run("alice", "member", "role", emailOf("bob"), "--role", "officer")
	before = w.run("alice", "org", "show", "--json").stdout
	w.fails(classDenied, "bob", []string{"group", "remove", "Probate", emailOf("alice"), "--yes"}, "nobody would be left")
	if after := w.run("alice", "org", "show", "--json").stdout; after != before {
		t.Errorf("something was changed: %s, %s", before, after)
	}
}
