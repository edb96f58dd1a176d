package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

const (
	// issuedFile holds the invitations that were made on this device,
	// sealed under its key: their secrets rest nowhere else.
	issuedFile = "invitations.sealed"
	// acceptedFile holds the invitation that this device has answered.
	acceptedFile = "invitation.sealed"

	// maxHint bounds what an inviter notes about an invitation, in bytes.
	maxHint = 256
	// maxFinished is how many invitations are remembered that are spent or
	// expired: enough to look back on.
	maxFinished = 32
)

// issuedWire is CBOR[version, list]; it is sealed as spec/device.md says.
type issuedWire struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	List    []issued
}

// issued is an invitation that was made here.
type issued struct {
	_        struct{} `cbor:",toarray"`
	Line     []byte   // what plan.Invitation.Encode gives
	Role     officer.Role
	Until    uint64 // unix seconds, or 0
	Groups   []officer.GroupID
	Hint     string
	InPerson uint8
	Created  uint64
	// Member is whose card was seen first; zero while none was.
	Member officer.MemberID
	// Contested is 1 once two different answers were seen: the store may not hold
	// them any more, and must not make who invites forget them.
	Contested uint8
}

const issuedParts = 2

func (r issued) open() (*plan.Invitation, error) {
	s := secret.New(r.Line)
	defer s.Destroy()
	inv, err := plan.DecodeInvitation(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", issuedFile, ErrLocal, err)
	}
	return inv, nil
}

// info is what is known without a look into the store.
func (r issued) info(inv *plan.Invitation) InvitationInfo {
	info := InvitationInfo{
		ID: inv.Hash(), Role: r.Role, Groups: r.Groups, Hint: r.Hint, InPerson: r.InPerson == 1, Member: r.Member,
		Created: time.Unix(int64(r.Created), 0).UTC(), Expires: inv.Expires,
	}
	if r.Until != 0 {
		info.Until = timeOf(r.Until)
	}
	return info
}

// loadSealed reads one of this device's sealed files; nil where there is none.
func loadSealed(l Local, d *keyring.Device, name string, v any, parts int) (found bool, err error) {
	b, err := l.Load(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0:
		return false, nil
	case err != nil:
		return false, err
	}
	s, err := d.OpenSealed(name, b)
	if err != nil {
		return false, fmt.Errorf("%s: %w: %w", name, ErrLocal, err)
	}
	defer s.Destroy()
	if err := wire.CheckVersion(s.Expose(), name, parts); err != nil {
		return false, fmt.Errorf("%w: %w", ErrLocal, err)
	}
	if err := wire.Unmarshal(s.Expose(), v, keyring.MaxSealed); err != nil {
		return false, fmt.Errorf("%s: %w: %w", name, ErrLocal, err)
	}
	return true, nil
}

func saveSealed(l Local, d *keyring.Device, name string, v any) error {
	s := secret.Take(wire.MustMarshal(v))
	defer s.Destroy()
	b, err := d.Seal(name, s)
	if err != nil {
		return err
	}
	return l.Save(name, b)
}

func (w *Workspace) loadIssued() ([]issued, error) {
	var f issuedWire
	_, err := loadSealed(w.local, w.me.Keys(), issuedFile, &f, issuedParts)
	return f.List, err
}

// keepIssued remembers an invitation, or what has become of it. Of those that
// nothing can come of any more the oldest are forgotten.
func (w *Workspace) keepIssued(inv *plan.Invitation, rec issued) error {
	old, err := w.loadIssued()
	if err != nil {
		return err
	}
	b := inv.Encode()
	defer b.Destroy()
	rec.Line = b.Expose()
	var list, finished []issued
	found := false
	for _, r := range old {
		if string(r.Line) == string(rec.Line) {
			r, found = rec, true
		}
		list = append(list, r)
		other, err := r.open()
		if err != nil {
			return err
		}
		if w.state.InvitationSpent(other.Hash()) || !w.now().Before(other.Expires) {
			finished = append(finished, r)
		}
		other.Destroy()
	}
	if !found {
		list = append(list, rec)
	}
	forget := map[string]bool{}
	for _, r := range finished[:max(0, len(finished)-maxFinished)] {
		forget[string(r.Line)] = true
	}
	f := issuedWire{Version: wire.Version}
	for _, r := range list {
		if !forget[string(r.Line)] {
			f.List = append(f.List, r)
		}
	}
	err = saveSealed(w.local, w.me.Keys(), issuedFile, f)
	if errors.Is(err, keyring.ErrSealedSize) {
		return ErrInvitations
	}
	return err
}

func (w *Workspace) findIssued(id officer.Hash) (*plan.Invitation, issued, error) {
	if err := w.requireMe(); err != nil {
		return nil, issued{}, err
	}
	list, err := w.loadIssued()
	if err != nil {
		return nil, issued{}, err
	}
	for _, r := range list {
		inv, err := r.open()
		if err != nil {
			return nil, issued{}, err
		}
		if inv.Hash() == id {
			return inv, r, nil
		}
		inv.Destroy()
	}
	return nil, issued{}, fmt.Errorf("invitation: %w", ErrNoSuch)
}

// answeredWire is CBOR[version, hash, organization, inviter, role, expires,
// declined, answer]: the invitation that was answered here, without its secret.
type answeredWire struct {
	_            struct{} `cbor:",toarray"`
	Version      uint64
	Invite       officer.Hash
	Organization officer.OrganizationID
	Inviter      officer.MemberID
	Role         officer.Role
	Expires      uint64
	Declined     uint8
	Answer       []byte // as it is put into the mailbox
}

const answeredParts = 8
