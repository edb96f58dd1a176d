package workspace

import (
	"context"
	"fmt"
	"slices"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// RequestRecovery puts the request of a colleague's fresh device into the log,
// with the reason, for all officers to see. It is the caller who says whose
// device it is; every officer who approves says so again. A request that is
// there already is left as it is.
func (w *Workspace) RequestRecovery(ctx context.Context, f officer.RequestFile, email, reason string) (RequestInfo, error) {
	if err := w.requireOfficer(); err != nil {
		return RequestInfo{}, err
	}
	if f.Organization != w.Organization() {
		return RequestInfo{}, fmt.Errorf("request: %w", officer.ErrOrganization)
	}
	why, err := keyring.NewOpening(officer.TextReason, reason)
	if err != nil {
		return RequestInfo{}, fmt.Errorf("reason: %w", err)
	}
	if err := w.reopenDirectory(ctx); err != nil {
		return RequestInfo{}, err
	}
	id := f.Device.ID()
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireOfficer(); err != nil {
			return nil, err
		}
		m, err := w.PresentByEmail(ctx, email)
		if err != nil {
			return nil, err
		}
		r := w.state.Request(id)
		switch {
		case m.ID == w.me.Member():
			return nil, fmt.Errorf("recovery: %w", ErrSelf)
		case r != nil && r.Ended:
			return nil, ErrRequestEnded
		case r != nil && r.Member != m.ID:
			return nil, fmt.Errorf("request of this device for somebody else: %w", ErrTaken)
		case r != nil:
			return nil, nil
		case w.state.Device(id) != nil:
			return nil, ErrBelongs
		case m.Enrolment() == nil:
			return nil, fmt.Errorf("%.80q: %w", email, ErrNoRecovery)
		}
		key, err := w.directoryKey(ctx)
		if err != nil {
			return nil, err
		}
		return a.RequestRecovery(m.ID, f, why, key)
	})
	if err != nil {
		return RequestInfo{}, err
	}
	return w.Request(ctx, id)
}

// Request is the request of one device, or ErrNoSuch.
func (w *Workspace) Request(ctx context.Context, id officer.DeviceID) (RequestInfo, error) {
	list, err := w.Requests(ctx)
	if err != nil {
		return RequestInfo{}, err
	}
	i := slices.IndexFunc(list, func(r RequestInfo) bool { return r.Device == id })
	if i < 0 {
		return RequestInfo{}, fmt.Errorf("request for recovery: %w", ErrNoSuch)
	}
	return list[i], nil
}

// ApproveRecovery re-seals the caller's share to a requesting device. The
// caller has compared the device's safety number by voice with the colleague
// whose recovery it is. Where that was done before, the share is put into the
// store once more.
func (w *Workspace) ApproveRecovery(ctx context.Context, id officer.DeviceID) (RequestInfo, error) {
	if err := w.requireOfficer(); err != nil {
		return RequestInfo{}, err
	}
	err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireOfficer(); err != nil {
			return nil, err
		}
		r := w.state.Request(id)
		switch {
		case r == nil:
			return nil, fmt.Errorf("request for recovery: %w", ErrNoSuch)
		case r.Ended:
			return nil, ErrRequestEnded
		}
		m := w.state.Member(r.Member)
		owner, ok := m.Enrolment().ShareOf(w.me.Member())
		if !ok {
			return nil, ErrNoShare
		}
		share, err := w.ownShare(ctx, m, owner)
		if err != nil {
			return nil, err
		}
		defer share.Destroy()
		p, err := a.ApproveRecovery(r, owner.Index, share)
		if err != nil {
			return nil, err
		}
		switch i := slices.IndexFunc(r.Approvals, func(a officer.Approval) bool { return a.Index == owner.Index }); {
		case i < 0:
		case r.Approvals[i].By == w.me.Keys().ID():
			p.Operations = nil // the log has it, and the store again
		default:
			return nil, nil // another device of the caller's did
		}
		return p, nil
	})
	if err != nil {
		return RequestInfo{}, err
	}
	return w.Request(ctx, id)
}

// ownShare opens the caller's share of a member's present enrolment.
func (w *Workspace) ownShare(ctx context.Context, m *officer.Member, owner officer.ShareOwner) (*envelope.Key, error) {
	me, e := w.me.Member(), m.Enrolment()
	signing, ok := w.state.SigningKey(e.Author)
	if !ok {
		return nil, ErrKeyMissing
	}
	var found *envelope.Key
	var withheld error
	err := w.eachShare(ctx, w.keys.mine, func(sealed *envelope.Envelope) error {
		c := sealed.Claims()
		want := envelope.Info{
			Context: officer.ShareContext(w.Organization(), m.ID, e.Number, owner.Index), Commitment: owner.Commitment,
			Recipient: envelope.Recipient{Kind: envelope.ToMember, ID: me[:], Key: c.Recipient.Key}, Sender: e.Author,
		}
		if found != nil || !same(c, want) || w.state.MayHoldShare(m.ID, e.Number, owner.Index, me, c.Recipient.Key, c.Sender) != nil {
			return nil //nolint:nilerr // another's, or a forged one
		}
		user, err := w.keys.userByHash(ctx, c.Recipient.Key)
		if err != nil && keyWithheld(err) {
			withheld = err
			return nil // reported where no other share opens
		} else if err != nil {
			return err
		}
		if key, err := sealed.Open(user.Private, signing, want); err == nil {
			found = key
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case found != nil:
		return found, nil
	case withheld != nil:
		return nil, withheld
	}
	return nil, fmt.Errorf("your share: %w", ErrKeyMissing)
}

func same(a, b envelope.Info) bool { return string(a.Encode()) == string(b.Encode()) }

// eachShare calls f for every envelope under an index that says it holds a
// share. What a store holds besides is not an error.
func (w *Workspace) eachShare(ctx context.Context, index officer.Hash, f func(*envelope.Envelope) error) error {
	cursor := ""
	for n := 0; n < maxListed; {
		list, next, err := w.store.ListEnvelopes(ctx, index, cursor, listPage)
		if err != nil {
			return fmt.Errorf("list envelopes: %w", err)
		}
		for _, b := range list {
			e, err := envelope.Parse(b)
			if err != nil || e.Claims().Context.Kind != wire.KindShare {
				continue
			}
			if err := f(e); err != nil {
				return err
			}
		}
		if n += len(list); len(list) == 0 || next == cursor {
			return nil
		}
		cursor = next
	}
	return nil
}
