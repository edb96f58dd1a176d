package workspace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestEveryFaultOfGroups is TestEveryFault for what is done with groups: every
// store call fails once, in every way, and then the same device does it again.
func TestEveryFaultOfGroups(t *testing.T) {
	t.Parallel()
	const bob, carol = "bob@example.com", "carol@example.com"
	operations := map[string]struct {
		do    func(context.Context, *workspace.Workspace) error
		again []error // what it may say where the first attempt came through
		opens map[string]bool
	}{
		"new group": {
			func(ctx context.Context, w *workspace.Workspace) error {
				return w.NewGroup(ctx, "board", []string{carol})
			},
			[]error{workspace.ErrTaken}, map[string]bool{"alice": true, "bob": true, "carol": false},
		},
		"add": {
			func(ctx context.Context, w *workspace.Workspace) error {
				return w.AddToGroup(ctx, "team", carol, belongs)
			},
			nil, map[string]bool{"alice": true, "bob": true, "carol": true},
		},
		"remove": {
			func(ctx context.Context, w *workspace.Workspace) error {
				_, err := w.RemoveFromGroup(ctx, "team", bob)
				return err
			},
			[]error{workspace.ErrNotInGroup}, map[string]bool{"alice": true, "bob": false, "carol": false},
		},
		"rotate": {
			func(ctx context.Context, w *workspace.Workspace) error { return w.RotateGroup(ctx, "team") },
			nil, map[string]bool{"alice": true, "bob": true, "carol": false},
		},
		"grant": {
			func(ctx context.Context, w *workspace.Workspace) error {
				return w.Grant(ctx, "phone", "team", officer.Read)
			},
			nil, map[string]bool{"alice": true, "bob": true, "carol": false},
		},
		"revoke": {
			func(ctx context.Context, w *workspace.Workspace) error {
				_, err := w.Revoke(ctx, "phone", "team")
				return err
			},
			[]error{workspace.ErrNoSuch}, map[string]bool{"alice": true, "bob": false, "carol": false},
		},
	}
	for what, o := range operations {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var f *workspacetest.Firm
			var token string
			fresh := func(t *testing.T) store.Store {
				f, token = team(t)
				return f.Store
			}
			storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
				ctx := t.Context()
				w, err := f.TryOpen("alice", faulty)
				if err == nil {
					err = o.do(ctx, w)
				}
				if fault == nil && err != nil {
					t.Fatal(err)
				}
				if err != nil && !errors.Is(err, storetest.ErrFault) {
					t.Errorf("an error of its own: %v", err)
				}
				again := f.OpenOn("alice", under)
				if err := o.do(ctx, again); err != nil && !isOneOf(err, o.again) {
					t.Errorf("again: %v", err)
				}
				value := seal(t, f.OpenOn("alice", under), "phone", "x")
				whoOpens(t, f, value, o.opens)
				if _, err := opens(t, f.OpenOn("alice", under), token); err != nil {
					t.Errorf("the old value: %v", err)
				}
				if _, err := again.VerifyLog(ctx); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func isOneOf(err error, list []error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// TestEveryFaultOfCatchUp: an officer outside has closed a group and what it is
// granted; whoever goes on is interrupted at every store call.
func TestEveryFaultOfCatchUp(t *testing.T) {
	t.Parallel()
	var f *workspacetest.Firm
	var token string
	fresh := func(t *testing.T) store.Store {
		f, token = team(t)
		must(t, f.Open("alice").AddToGroup(t.Context(), "team", "carol@example.com", belongs))
		_, err := f.Open("dora").RemoveFromGroup(t.Context(), "team", "bob@example.com")
		must(t, err)
		must(t, f.Open("alice").Rotate(t.Context(), "phone")) // past the group, which is closed
		return f.Store
	}
	storetest.EveryFault(t, fresh, func(t *testing.T, faulty, under store.Store, fault *storetest.Fault) {
		ctx := t.Context()
		w, err := f.TryOpen("alice", faulty)
		if err == nil {
			_, err = w.CatchUp(ctx)
		}
		if fault == nil && err != nil || err != nil && !errors.Is(err, storetest.ErrFault) {
			t.Fatal(err)
		}
		if _, err := f.OpenOn("alice", under).CatchUp(ctx); err != nil {
			t.Error(err)
		}
		value := seal(t, f.OpenOn("alice", under), "phone", "x")
		who := map[string]bool{"alice": true, "bob": false, "carol": true, "dora": false}
		whoOpens(t, f, value, who)
		whoOpens(t, f, token, who)
		if p := f.OpenOn("alice", under).Pending(ctx); len(p.Closed)+len(p.Missed) != 0 {
			t.Errorf("still pending: %+v", p)
		}
	})
}
