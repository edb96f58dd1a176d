package hostile_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// TestWorldOperationsAgain appends every operation that the log has once more:
// signed by everybody who is gone, who is not in yet and who never was, by a
// member, and by an officer (attacks 4, 7, 14 to 16, 18).
func TestWorldOperationsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.f.Open("alice").State()
	append1 := func(d *keyring.Device, op officer.Operation) (*officer.State, error) {
		b, err := officer.Entry{
			Organization: s.Organization(), Sequence: s.Head().Length, Previous: s.Head().Hash, Time: workspacetest.Clock(), Author: d.ID(), Operations: []officer.Operation{op},
		}.Sign(d.Sign)
		if err != nil {
			return nil, nil //nolint:nilnil,nilerr // the first operation fits no later entry
		}
		return s.Apply(b)
	}
	nobody := map[string]*keyring.Device{"gwen": w.gwen.Me.Keys(), "mallory": workspacetest.NewPerson(t, "mallory").Me.Keys()}
	for _, who := range []string{"eve", "frank", "carol", "bob's desk"} {
		nobody[who] = w.f.People[who].Me.Keys()
	}
	refused, accepted := map[string]int{}, map[string]int{}
	for at, b := range w.v.Entries {
		e, err := officer.DecodeEntry(b)
		must(t, err)
		for _, op := range e.Operations {
			for who, d := range nobody {
				if _, err := append1(d, op); !errors.Is(err, officer.ErrAuthor) {
					t.Errorf("%s of entry %d by %s: %v", op.Kind(), at, who, err)
				}
				refused[who]++
			}
			for _, who := range []string{"alice", "bob"} {
				next, err := append1(w.f.People[who].Me.Keys(), op)
				if err != nil || next == nil {
					refused[who]++
					continue
				}
				accepted[who]++
				keys, total := made(next, 0), 0
				for _, r := range next.Resources() {
					total += len(r.Epochs)
				}
				for _, g := range next.Groups() {
					total += len(g.Epochs)
				}
				for _, m := range next.Members() {
					total += len(m.UserKeys)
				}
				if len(keys) != total || total != len(made(s, 0)) {
					t.Errorf("%s of entry %d by %s: %d keys of %d commitments", op.Kind(), at, who, total, len(keys))
				}
			}
		}
		if _, err := s.Apply(b); !errors.Is(err, officer.ErrChain) {
			t.Errorf("entry %d again: %v", at, err)
		}
	}
	if refused["eve"] < 60 || refused["bob"] < 40 || refused["alice"] < 40 {
		t.Errorf("too few operations: %v", refused)
	}
	t.Logf("refused %v, accepted without a new key %v, wrong 0", refused, accepted)
}

// TestWorldRemovalsInPart takes every key that a removal replaced or closed out
// of its entry, which its author signs anew (attacks 58, 60).
func TestWorldRemovalsInPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signers := map[officer.DeviceID]*keyring.Device{}
	for _, p := range w.f.People {
		signers[p.Me.Keys().ID()] = p.Me.Keys()
	}
	parts := map[string]int{}
	for at, b := range w.v.Entries {
		e, err := officer.DecodeEntry(b)
		must(t, err)
		removal := ""
		for _, op := range e.Operations {
			switch op.Kind() {
			case officer.OpDeviceRemoved, officer.OpMemberRemoved, officer.OpGroupMemberRemoved, officer.OpRevoke, officer.OpRecoveryFinished:
				removal = op.Kind().String()
			}
		}
		if removal == "" {
			continue
		}
		before, err := officer.ReplayWith(func(name officer.Hash) ([]byte, error) { return w.v.GetBlob(t.Context(), name) }, w.f.ID, w.v.Entries[:at])
		must(t, err)
		_, err = before.Apply(b) // without the attack
		must(t, err)
		for i, op := range e.Operations {
			switch op.Kind() {
			case officer.OpKeyRotated, officer.OpKeyClosed, officer.OpGroupRotated, officer.OpGroupClosed, officer.OpUserKey:
			default:
				continue
			}
			part := e
			part.Operations = slices.Delete(slices.Clone(e.Operations), i, i+1)
			b, err := part.Sign(signers[e.Author].Sign)
			must(t, err)
			_, err = before.Apply(b)
			// A key that the rest of the entry builds on is missed before the end.
			if err == nil || op.Kind() != officer.OpUserKey && !errors.Is(err, officer.ErrIncomplete) {
				t.Errorf("entry %d, %s without %s: %v", at, removal, op.Kind(), err)
			}
			parts[removal]++
		}
	}
	if parts[officer.OpMemberRemoved.String()] < 6 || parts[officer.OpRecoveryFinished.String()] < 2 || parts[officer.OpDeviceRemoved.String()] < 2 {
		t.Errorf("too few parts: %v", parts)
	}
	t.Logf("refused %v, wrong 0", parts)
}

// attempt is a change that somebody makes.
type attempt struct {
	who string
	do  func(w *workspace.Workspace) error
}

// TestWorldChangedUnderAttack makes changes on a store that keeps back, or
// replaces, what their author needs. What is done in spite of it is whole: who
// is gone has none of the new keys, somebody who belongs has each of them, and
// nobody has lost a value (attacks 3, 6, 10, 11, 50, 60).
func TestWorldChangedUnderAttack(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	w := newWorld(t)
	ctx, truth := t.Context(), w.views(t)
	bob := w.f.People["bob"].Me
	acts := map[string]attempt{
		"rotate":         {"alice", func(o *workspace.Workspace) error { return o.Rotate(ctx, "ssn") }},
		"grant":          {"alice", func(o *workspace.Workspace) error { return o.Grant(ctx, "ssn", email("carol"), readWrite) }},
		"rotate a group": {"alice", func(o *workspace.Workspace) error { return o.RotateGroup(ctx, "team") }},
		"leave a group":  {"alice", func(o *workspace.Workspace) error { return second(o.RemoveFromGroup(ctx, "team", email("carol"))) }},
		"remove bob": {"alice", func(o *workspace.Workspace) error {
			return second(o.RemoveMember(ctx, bob.Member(), workspace.Consent{}))
		}},
		"catch up":        {"dora", func(o *workspace.Workspace) error { return second(o.CatchUp(ctx)) }},
		"rotate the will": {"bob's phone", func(o *workspace.Workspace) error { return o.Rotate(ctx, "will") }},
		"remove the phone": {"bob", func(o *workspace.Workspace) error {
			return second(o.RemoveDevice(ctx, w.f.People["bob's phone"].Me.Keys().ID()))
		}},
		"a secret": {"alice", func(o *workspace.Workspace) error {
			return o.PutSecret(ctx, "clio", secret.New([]byte("the third secret")), nil)
		}},
	}
	ways := map[string]func(l [][]byte) [][]byte{
		"nothing":    func(l [][]byte) [][]byte { return l },
		"all":        func([][]byte) [][]byte { return nil },
		"the newest": func(l [][]byte) [][]byte { return l[:len(l)*2/3] },
		"the oldest": func(l [][]byte) [][]byte { return l[len(l)/3:] },
		"forged": func(l [][]byte) (out [][]byte) {
			for _, b := range l {
				out = append(out, junk(t, b, 3, bob.Keys()))
			}
			return out
		},
	}
	done := map[string]int{}
	for _, what := range slices.Sorted(maps.Keys(acts)) {
		act := acts[what]
		for way, change := range ways {
			if !everyWay() && (way == "the oldest" || way == "forged") {
				continue
			}
			what := what + ", kept back: " + way
			bad := w.v.clone()
			for _, i := range indexes(bad.Envelopes) {
				if slices.Contains(w.readersOf(t, i), act.who) {
					bad.Envelopes[i] = change(bad.Envelopes[i])
				}
			}
			p := *w.f.People[act.who]
			p.Home = w.homes[act.who].Clone()
			o, err := workspace.Open(ctx, p.Config(bad))
			must(t, err)
			err = act.do(o)
			switch {
			case err == nil:
				done[way]++
			case way == "nothing" || !isAny(err, refusals()):
				t.Errorf("%s: %v", what, err)
			}
			for i, list := range w.v.Envelopes { // the store gives back what it has
				for _, b := range list {
					must(t, bad.PutEnvelope(ctx, i, b))
				}
			}
			w.checkWhole(t, what, truth, bad)
		}
	}
	t.Logf("done in spite of it: %v of %d each", done, len(acts))
	if done["nothing"] != len(acts) || done["all"] == len(acts) {
		t.Error("the attacks did not reach what they were to reach")
	}
}

// checkWhole checks what somebody's change has made of the firm.
func (w *world) checkWhole(t *testing.T, what string, truth map[string]view, after *vault) {
	t.Helper()
	from := uint64(len(w.v.Entries))
	s, err := officer.ReplayWith(func(name officer.Hash) ([]byte, error) { return after.GetBlob(t.Context(), name) }, w.f.ID, after.Entries)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	var gone, here []*keyring.Unlocked
	for name, p := range w.f.People {
		switch d := s.Device(p.Me.Keys().ID()); {
		case name == "eve" || name == "frank" || name == "carol" || name == "bob's desk":
			gone = append(gone, p.Me)
		case !d.Removed:
			here = append(here, p.Me)
		}
	}
	if later := made(s, from); len(later) > 0 {
		ex, all := newHunter(t, nil, gone...), newHunter(t, nil, here...)
		ex.hunt(t, after, s)
		all.hunt(t, after, s)
		for c, key := range later {
			if ex.keys[c] != nil {
				t.Errorf("%s: who is gone has the new key of %s", what, key)
			}
			if all.keys[c] == nil {
				t.Errorf("%s: nobody has the new key of %s", what, key)
			}
		}
	}
	for _, name := range []string{"alice", "carol's laptop"} {
		if s.Device(w.f.People[name].Me.Keys().ID()).Removed {
			continue
		}
		v := w.look(t, name, after.clone(), w.homes[name].Clone())
		for ask, want := range truth[name] {
			if strings.HasPrefix(ask, "token ") && want.err == nil && v[ask].text != want.text && !(strings.HasPrefix(what, "leave a group") && name != "alice") {
				t.Errorf("%s: %s has lost %s: %v", what, name, ask, v[ask].err)
			}
		}
	}
}

// TestWorldSealsToTheLogsKeys: whatever a store keeps, every envelope that a
// change makes is to a key that the verified log names now, of somebody who is
// granted it (attacks 1, 3, 6).
func TestWorldSealsToTheLogsKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	after := w.v.clone()
	p := *w.f.People["alice"]
	p.Home = w.homes["alice"].Clone()
	o, err := workspace.Open(t.Context(), p.Config(after))
	must(t, err)
	must(t, o.Rotate(t.Context(), "ssn"))
	must(t, o.RotateGroup(t.Context(), "team"))
	must(t, second(o.RemoveFromGroup(t.Context(), "team", email("carol"))))
	s := o.State()
	present := map[store.Index]officer.Hash{}
	for _, m := range s.Members() {
		if !m.Removed {
			to := plan.MemberRecipient(m.ID, m.UserKey().Public)
			present[to.Index()] = to.Key
		}
	}
	for _, g := range s.Groups() {
		to := plan.GroupRecipient(g.ID, g.Epoch().Public)
		present[to.Index()] = to.Key
	}
	n := 0
	for i, list := range after.Envelopes {
		for _, b := range list {
			if slices.ContainsFunc(w.v.Envelopes[i], func(have []byte) bool { return bytes.Equal(have, b) }) {
				continue
			}
			e, err := envelope.Parse(b)
			must(t, err)
			if e.Claims().Recipient.Key != present[i] {
				t.Errorf("sealed to another key than the present one of a recipient of kind %d", e.Claims().Recipient.Kind)
			}
			n++
		}
	}
	if n < 8 {
		t.Errorf("only %d envelopes", n)
	}
}
