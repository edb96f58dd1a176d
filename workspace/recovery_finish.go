package workspace

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// ThresholdError says that too few shares are there to recover anybody. Nothing
// was recovered.
type ThresholdError struct {
	Have, Need int          // shares that are right, and the threshold
	Wrong      []WrongShare // those that are not
	Missing    []WrongShare // approved, and not in the store
}

// WrongShare names a share by its index, and the officer who sent it: a device
// that is being recovered cannot read names.
type WrongShare struct {
	Index   uint64
	Officer officer.MemberID
}

func (s WrongShare) String() string {
	return fmt.Sprintf("share %d, of the officer with the safety number %s", s.Index, officer.SafetyNumber(s.Officer))
}

func (e *ThresholdError) Error() string {
	b := fmt.Sprintf("%d of the %d shares that it takes are there", e.Have, e.Need)
	for _, part := range []struct {
		what string
		list []WrongShare
	}{{"wrong", e.Wrong}, {"kept back by the store", e.Missing}} {
		if len(part.list) > 0 {
			var names []string
			for _, s := range part.list {
				names = append(names, s.String())
			}
			b += "; " + part.what + ": " + strings.Join(names, ", ")
		}
	}
	return b
}

// Unwrap makes errors.Is hold for ErrShares, and for ErrWrongShare if there is
// one.
func (e *ThresholdError) Unwrap() []error {
	if len(e.Wrong) > 0 {
		return []error{ErrShares, ErrWrongShare}
	}
	return []error{ErrShares}
}

// Recovered is who a device has become.
type Recovered struct {
	// Identity is this device's from now on, in the place of the one that it
	// was made with; the secret stays. The caller keeps it and opens the
	// organization with it.
	Identity *keyring.Identity
	Member   MemberInfo
	// Removed are the member's devices from before.
	Removed []officer.DeviceID
	// Wrong are shares that were not needed, and not right.
	Wrong []WrongShare
	// Unenrolled tells that the member has to enrol again: too few officers are
	// left who could have been enrolled with.
	Unenrolled bool
}

// FinishRecovery has this device take over the member whose recovery enough
// officers have approved: it puts the shares together, and one entry makes it
// the member's only device, with every key replaced or closed that the member
// could reach, and the next escrow. With a *ThresholdError nothing has
// happened. Where an attempt that failed had got into the log, it goes on from
// there; a device that is the member's already gets its identity again.
func (w *Workspace) FinishRecovery(ctx context.Context) (Recovered, error) {
	id := w.me.Keys().ID()
	r := w.state.Request(id)
	switch d := w.state.Device(id); {
	case d != nil && d.Removed:
		return Recovered{}, ErrRemoved
	case d != nil && r == nil:
		return Recovered{}, ErrBelongs
	case r == nil:
		return Recovered{}, ErrNoRequest
	case d == nil && r.Ended:
		return Recovered{}, ErrRequestEnded
	}
	m := w.state.Member(r.Member)
	card, err := w.cardOf(ctx, m)
	if err != nil {
		return Recovered{}, err
	}
	as := newWorkspace(Config{
		Store: w.store, Local: w.local, Now: w.now, Escrow: w.split,
		Identity: keyring.Written(w.me.Keys(), officer.CardFile{Card: card}),
	})
	as.pin, as.state = w.pin, w.state
	as.keys = newKeys(as)
	defer as.Close()
	out := Recovered{}
	if w.state.Device(id) == nil {
		if err := as.takeOver(ctx, r, &out); err != nil {
			return Recovered{}, err
		}
		w.state, w.pin = as.state, as.pin
		w.keys.relist()
	}
	for _, d := range as.Me().Devices {
		if as.state.Device(d).Removed {
			out.Removed = append(out.Removed, d)
		}
	}
	out.Unenrolled = as.Me().Enrolment() == nil
	return out, as.identify(ctx, card, w.me.DeviceLabel(), &out)
}

// takeOver writes the entry of a recovery. It is the member's workspace, on a
// device that is nobody's yet.
func (w *Workspace) takeOver(ctx context.Context, r *officer.RecoveryRequest, out *Recovered) error {
	if w.split == nil {
		return plan.ErrNoEscrow
	}
	w.recovering = true
	defer func() { w.recovering = false }()
	err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		r = a.State.Request(r.Device)
		if w.state.Device(r.Device) != nil { // a lost answer
			return nil, nil
		}
		if r.Ended {
			return nil, ErrRequestEnded
		}
		shares, wrong, err := w.collect(ctx, r)
		defer func() {
			for _, s := range shares {
				s.Destroy()
			}
		}()
		if err != nil {
			return nil, err
		}
		out.Wrong = wrong
		cur, err := plan.OpenEscrow(a.State, r, w.split, shares)
		if err != nil {
			return nil, err
		}
		w.keys.users[w.Me().UserKey().Generation] = cur
		return a.FinishRecovery(r, cur, w.held(ctx))
	})
	if err == nil {
		w.keys.relist()
	}
	return err
}

// collect opens the shares that were re-sealed to this device and checks each
// against its commitment; fewer than the threshold are a *ThresholdError.
func (w *Workspace) collect(ctx context.Context, r *officer.RecoveryRequest) (shares map[uint64]*envelope.Key, wrong []WrongShare, err error) {
	e := w.state.Member(r.Member).Enrolment()
	shares = map[uint64]*envelope.Key{}
	bad := map[uint64]bool{}
	err = w.eachShare(ctx, w.keys.device, func(sealed *envelope.Envelope) error {
		for _, a := range r.Approvals {
			owner, _ := e.Share(a.Index)
			want := envelope.Info{
				Context: officer.ShareContext(w.Organization(), r.Member, r.Number, a.Index), Commitment: owner.Commitment,
				Recipient: plan.DeviceRecipient(r.Record), Sender: a.By,
			}
			c := sealed.Claims()
			unlike := c
			unlike.Commitment = want.Commitment
			if shares[a.Index] != nil || !same(unlike, want) || w.state.MayRecover(r.Device, r.Number, a.Index, c.Sender) != nil {
				continue
			}
			signing, _ := w.state.SigningKey(a.By)
			key, err := sealed.Open(w.me.Keys().Encryption(), signing, want)
			if err == nil && w.split.Valid(key.Raw()) {
				shares[a.Index] = key
				continue
			}
			// Only what the officer signed is held against them.
			if _, err = sealed.Open(w.me.Keys().Encryption(), signing, c); err == nil || signed(err) {
				bad[a.Index] = true
			}
		}
		return nil
	})
	if err != nil {
		return shares, nil, err
	}
	short := &ThresholdError{Have: len(shares), Need: int(e.Threshold)}
	for _, a := range r.Approvals {
		owner, _ := e.Share(a.Index)
		switch s := (WrongShare{a.Index, owner.Officer}); {
		case shares[a.Index] != nil:
		case bad[a.Index]:
			short.Wrong = append(short.Wrong, s)
		default:
			short.Missing = append(short.Missing, s)
		}
	}
	if short.Have < short.Need {
		return shares, nil, short
	}
	return shares, short.Wrong, nil
}

// signed tells whether an envelope that does not open was signed by its sender.
func signed(err error) bool {
	var open *envelope.OpenError
	return errors.As(err, &open) && open.Reason > envelope.ReasonSignature
}

// identify makes the identity of a device that was recovered.
func (w *Workspace) identify(ctx context.Context, card *officer.Card, label officer.Opening, out *Recovered) error {
	file, first, err := w.openCard(ctx, card)
	if err != nil {
		return err
	}
	out.Member = MemberInfo{Member: w.Me(), NameText: file.Name.Text, EmailText: file.Email.Text}
	out.Identity, err = keyring.PairedInstallation(file, first, w.me.Keys(), label)
	return err
}
