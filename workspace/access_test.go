package workspace_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestAccess: who opens what, which way and since when.
func TestAccess(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := firmOfGroups(t)
	must(t, f.Open("alice").Grant(ctx, "case", "bob@example.com", officer.Read)) // a second way
	w := f.Open("alice")
	list, err := w.AccessOf(ctx, id(f, "bob"))
	must(t, err)
	ways := map[string]officer.Rights{}
	for _, a := range list {
		key := w.Thing(ctx, a.Resource).Text
		if a.Through != nil {
			key += " by group"
		}
		ways[key] = a.Rights
		if a.Since == 0 || a.Since >= w.State().Head().Length || !a.Time.Equal(workspacetest.Clock()) || a.Member.EmailText != "bob@example.com" || a.Expired {
			t.Errorf("%s: %+v", key, a)
		}
	}
	want := map[string]officer.Rights{"directory": rw, "ssn": rw, "case": officer.Read, "case by group": rw, "will": rws}
	if len(ways) != len(want) {
		t.Errorf("%v", ways)
	}
	for k, r := range want {
		if ways[k] != r {
			t.Errorf("%s: %s, want %s", k, ways[k], r)
		}
	}
	c, err := w.Field(ctx, "case")
	must(t, err)
	readers, err := w.AccessTo(ctx, c.ID)
	if err != nil || len(readers) != 5 { // alice twice, bob twice, carol
		t.Errorf("%d ways to read case, %v", len(readers), err)
	}
	through, err := w.AccessThrough(ctx, w.State().Groups()[0].ID)
	if err != nil || len(through) != 1 || through[0].Resource.ID != c.ID || through[0].Rights != rw {
		t.Errorf("%+v, %v", through, err)
	}

	for name, kind := range map[string]workspace.ThingKind{
		"BOB@example.com": workspace.ThingMember, "team": workspace.ThingGroup, "ssn": workspace.ThingField, "directory": workspace.ThingDirectory,
	} {
		got, err := w.Things(ctx, name, "")
		if err != nil || len(got) != 1 || got[0].Kind != kind || got[0].Ended {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if _, err := w.Things(ctx, name, workspace.ThingSecret); !errors.Is(err, workspace.ErrNoSuch) {
			t.Errorf("a secret %s: %v", name, err)
		}
	}
	must(t, w.NewField(ctx, "team"))
	if got, err := w.Things(ctx, "team", ""); err != nil || len(got) != 2 {
		t.Errorf("two of a name: %+v, %v", got, err)
	}
	_, err = w.RemoveMember(ctx, id(f, "bob"), workspace.Consent{})
	must(t, err)
	if list, err := w.AccessOf(ctx, id(f, "bob")); err != nil || len(list) != 0 {
		t.Errorf("removed, and opens %+v, %v", list, err)
	}
	if got, err := w.Things(ctx, "bob@example.com", ""); err != nil || len(got) != 1 || !got[0].Ended {
		t.Errorf("removed: %+v, %v", got, err)
	}
	will, err := w.Field(ctx, "will")
	must(t, err)
	if o := w.Openers(will.ID); len(o) != 1 || o[0] != id(f, "dora") {
		t.Errorf("will waits for %v", o)
	}
	for what, err := range map[string]error{
		"a member":   second(w.AccessOf(ctx, officer.MemberID{1})),
		"a resource": second(w.AccessTo(ctx, officer.ResourceID{1})),
		"a group":    second(w.AccessThrough(ctx, officer.GroupID{1})),
		"a name":     second(w.Things(ctx, "fax", "")),
	} {
		if !errors.Is(err, workspace.ErrNoSuch) {
			t.Errorf("%s that is not there: %v", what, err)
		}
	}
}

func second[A any](_ A, err error) error { return err }
