package hostile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// view is what a device shows to its person, by what was asked for: an answer,
// or an error.
type view map[string]answer

type answer struct {
	text string
	err  error
}

// look opens the firm on a store from a device's home, and asks for everything.
func (w *world) look(t *testing.T, who string, st store.Store, home *workspacetest.Local) view {
	t.Helper()
	ctx, v := t.Context(), view{}
	p := *w.f.People[who]
	p.Home = home
	o, err := workspace.Open(ctx, p.Config(st))
	if err != nil {
		return view{"open": {err: err}}
	}
	s := o.State()
	v["open"] = answer{text: fmt.Sprint(s.Head())}
	v["policy"] = answer{text: fmt.Sprint(o.Policy())}
	v["organization"] = answer{text: o.OrganizationName(ctx)}
	for _, m := range o.Members(ctx) {
		v["member "+m.ID.String()] = answer{text: m.NameText}
		v["email "+m.ID.String()] = answer{text: m.EmailText}
		v["role "+m.ID.String()] = answer{text: fmt.Sprint(m.Role, m.Removed, m.UserKey().Generation, len(m.Devices))}
	}
	for _, i := range o.Fields(ctx) {
		v["field "+i.ID.String()] = answer{text: i.LabelText}
		v["epoch "+i.ID.String()] = answer{text: fmt.Sprint(i.Epoch().Number, i.Epoch().Closed, i.Mine)}
		if i.Epoch().Closed && i.Mine.Has(officer.Share) {
			continue // who shares it would open the next epoch
		}
		k, err := o.WriteKeyOf(ctx, i.ID)
		v["write "+i.ID.String()] = answer{err: err}
		if err == nil {
			v["write "+i.ID.String()] = answer{text: fmt.Sprint(k.ID())}
		}
	}
	for _, g := range o.Groups(ctx) {
		v["group "+g.ID.String()] = answer{text: g.NameText}
		v["group epoch "+g.ID.String()] = answer{text: fmt.Sprint(g.Epoch().Number, g.Epoch().Closed, len(g.People))}
	}
	ring, _, err := o.Ring(ctx)
	v["ring"] = answer{text: "a ring", err: err}
	for n, x := range w.tokens {
		if err != nil {
			break
		}
		value, binding, err := ring.Open(x.token, x.record)
		v[fmt.Sprint("token ", n)] = answer{text: fmt.Sprint(string(value.Data), binding), err: err}
	}
	w.lookAtMail(t, who, o, v)
	return v
}

// lookForMail opens the firm as look does, and asks for what comes by mailboxes
// alone.
func (w *world) lookForMail(t *testing.T, who string, st store.Store, home *workspacetest.Local) view {
	t.Helper()
	v := view{}
	p := *w.f.People[who]
	p.Home = home
	o, err := workspace.Open(t.Context(), p.Config(st))
	if err != nil {
		return view{"open": {err: err}}
	}
	v["open"] = answer{text: fmt.Sprint(o.State().Head())}
	w.lookAtMail(t, who, o, v)
	return v
}

// lookAtMail asks for what comes by mailboxes.
func (w *world) lookAtMail(t *testing.T, who string, o *workspace.Workspace, v view) {
	t.Helper()
	ctx := t.Context()
	sec, err := o.Secret(ctx, "clio")
	v["secret"] = answer{err: err}
	if err == nil {
		v["secret"] = answer{text: string(sec.Expose())}
	}
	seen, err := o.CompareHeads(ctx)
	v["sightings"] = answer{fmt.Sprint(len(seen)), err}
	if who == "alice" {
		list, err := o.Invitations(ctx)
		v["invitations"] = answer{err: err} // none: a home may have lost them
		for _, i := range list {
			v["invitations"] = answer{text: i.ID.String()}
			v["invited"] = answer{text: i.Member.String()}
			if i.Member == (officer.MemberID{}) {
				v["invited"] = answer{err: workspace.ErrInvitationOpen}
			}
			// What an officer is shown is what can be confirmed, and nobody else.
			if m := i.Card.Card; i.Status == workspace.InvitationAccepted && m.ID() != w.gwen.Me.Member() {
				t.Errorf("somebody else than gwen has accepted: %s", m.ID())
			}
		}
	}
	if who == "omar" {
		p, err := o.Pairing()
		if err != nil {
			v["pairing"] = answer{err: err}
			return
		}
		defer p.Close()
		a, err := p.Answer(ctx)
		if err == nil && a == nil {
			err = workspace.ErrPairingNothing
		}
		v["pairing"] = answer{err: err}
		if err == nil {
			v["pairing"] = answer{text: fmt.Sprint(a.Words, a.Label)}
		}
	}
}

// refusals are the errors that an attack may end in.
func refusals() []error {
	return []error{
		workspace.ErrLog, workspace.ErrFork, workspace.ErrRollback, workspace.ErrStore, workspace.ErrLocal, workspace.ErrNoOrganization,
		workspace.ErrKeyMissing, workspace.ErrNoSuch, workspace.ErrSecretMissing, workspace.ErrNotGranted, officer.ErrClosed,
		workspace.ErrInvitationOpen, workspace.ErrInvitationLost, workspace.ErrInvitationContested, workspace.ErrInvitationWithdrawn,
		workspace.ErrNoPairing, workspace.ErrPairingNothing, workspace.ErrPairingAltered, workspace.ErrPairingTwice,
		fieldcrypt.ErrUnknownKey, store.ErrNotFound, wire.ErrMalformed,
	}
}

// verdict counts what came of attacks.
type verdict struct{ refused, fine, wrong int }

func (v *verdict) add(o verdict) { v.refused += o.refused; v.fine += o.fine; v.wrong += o.wrong }

// judge holds a view against the true one: every answer is the true one, or an
// error that says what it is, or, of a text, nothing.
func judge(t *testing.T, what string, truth, got view) (r verdict) {
	t.Helper()
	for ask, a := range got {
		want, known := truth[ask]
		switch {
		case a.err != nil:
			var version *wire.VersionError
			if !isAny(a.err, refusals()) && !errors.As(a.err, &version) && (want.err == nil || a.err.Error() != want.err.Error()) {
				t.Errorf("%s: %s: an error of no kind: %v", what, ask, a.err)
			}
			if want.err == nil {
				r.refused = 1
			}
		case a.text == "" && known:
			if want.text != "" || want.err != nil {
				r.refused = 1
			}
		case !known || want.err != nil || a.text != want.text:
			t.Errorf("%s: %s: %q instead of %q, %v", what, ask, a.text, want.text, want.err)
			r.wrong = 1
		}
		if a.err != nil && (strings.Contains(a.err.Error(), " of ssn") || strings.Contains(a.err.Error(), "second secret")) {
			t.Errorf("%s: %s: a value is in the error %v", what, ask, a.err)
		}
	}
	if r.refused == 0 && r.wrong == 0 {
		r.fine = 1
	}
	return r
}

func isAny(err error, list []error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// same holds a view against the true one when nobody attacks any more.
func same(t *testing.T, what string, truth, got view) {
	t.Helper()
	if err := got["open"].err; err != nil {
		t.Errorf("%s: everything is lost: %v", what, err)
		return
	}
	for ask, want := range truth {
		if a := got[ask]; a.text != want.text || (a.err == nil) != (want.err == nil) {
			t.Errorf("%s: %s is lost: %q, %v instead of %q, %v", what, ask, a.text, a.err, want.text, want.err)
		}
	}
}
