package plan

import (
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// RenewUserKey makes the next user key of the author's member, for all their
// devices. It opens a user key that was closed because an officer removed a
// device of theirs.
func (a Author) RenewUserKey(cur *keyring.UserKey) (*Plan, error) {
	d := a.State.Device(a.Device.ID())
	if d == nil || d.Removed {
		return nil, officer.ErrAuthor
	}
	p := &Plan{}
	next, err := a.rotateUserKey(p, a.State.Member(d.Member), cur, officer.DeviceID{})
	if err != nil {
		return nil, err
	}
	next.Destroy()
	return p, nil
}
