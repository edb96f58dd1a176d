package workspace

import "errors"

var (
	// ErrNoOrganization: no organization is pinned here yet.
	ErrNoOrganization = errors.New("no organization is pinned on this device")
	// ErrPinned: an organization is pinned already.
	ErrPinned = errors.New("this device already belongs to an organization")
	// ErrRollback: the store holds less than this device has seen.
	ErrRollback = errors.New("the store holds an older log than this device has seen")
	// ErrFork: the store holds another history than this device has seen.
	ErrFork = errors.New("the store holds another history than this device has seen")
	// ErrLog: the store's log does not verify. The officer.EntryError within
	// says where; the same rules refuse what this device would write itself,
	// but that comes without ErrLog.
	ErrLog = errors.New("the log does not verify")
	// ErrStore: the store contradicts itself.
	ErrStore = errors.New("the store contradicts itself")
	// ErrLocal: a file of this device was altered.
	ErrLocal = errors.New("a file of this device was altered or belongs to another device")
	// ErrNotMember: no officer has let this identity in yet.
	ErrNotMember = errors.New("no officer has added you to this organization yet")
	// ErrRemoved: this device was removed from the organization.
	ErrRemoved = errors.New("this device was removed from the organization")
	// ErrKeyMissing: the log grants a key for which the store has no
	// acceptable envelope. It is never made anew (P3).
	ErrKeyMissing = errors.New("the store does not hold the key that you are granted")
	// ErrPassed: the key is one that whoever opened a later epoch did not have, so
	// that no later one leads to it. It comes with ErrKeyMissing.
	ErrPassed = errors.New("its key was missing to who went on past it: only those who have it can seal it again")
	// ErrHistory: whoever opened an epoch sealed to it a history that does not
	// open; it is in the log, and no store can mend it.
	ErrHistory = errors.New("an earlier key was sealed wrongly by whoever opened the next epoch")
	// ErrThisDevice: a device does not remove itself.
	ErrThisDevice = errors.New("this is the device that you are using")
	// ErrDeviceRemoved: the device is no longer one of the organization, and
	// if it is a backup, it restores nobody.
	ErrDeviceRemoved = errors.New("removed from the organization already")
	// ErrNotGranted: the log does not grant this.
	ErrNotGranted = errors.New("not granted to you")
	// ErrNotInGroup: the member is in another group or in none.
	ErrNotInGroup = errors.New("not in the group")
	// ErrSecretMissing: the log has a secret whose value the store does not
	// give. No other value is taken for it.
	ErrSecretMissing = errors.New("the store does not hold the value of the secret")
	// ErrSecretSize: a secret is too long, or empty.
	ErrSecretSize = errors.New("a secret has 1 to 4096 bytes")
	// ErrNoSuch: nobody or nothing of that name can be seen.
	ErrNoSuch = errors.New("no such name in the directory")
	// ErrTaken: the name is in use.
	ErrTaken = errors.New("already taken")
	// ErrAmbiguous: several have that name.
	ErrAmbiguous = errors.New("several have that name")
)
