package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// DeviceInfo is a device with what the caller may read of it.
type DeviceInfo struct {
	*officer.Device
	// LabelText is "" where the caller may not read it.
	LabelText string
	// This is the device that asks.
	This bool
	// AddedTime and RemovedTime are what the authors' clocks said; zero for
	// what has not been. RemovedBy is zero likewise.
	AddedTime, RemovedTime time.Time
	RemovedBy              officer.DeviceID
}

// Backup tells whether the device's secret is written down.
func (d DeviceInfo) Backup() bool { return d.Record.Kind != officer.DeviceInstallation }

// Devices lists the devices of a member in the order in which they were added,
// the removed ones among them.
func (w *Workspace) Devices(ctx context.Context, member officer.MemberID) ([]DeviceInfo, error) {
	m := w.state.Member(member)
	if m == nil {
		return nil, fmt.Errorf("member: %w", ErrNoSuch)
	}
	entries, err := w.entriesFrom(ctx, m.Added)
	if err != nil {
		return nil, err
	}
	list := make([]DeviceInfo, 0, len(m.Devices))
	for _, id := range m.Devices {
		list = append(list, w.deviceInfo(ctx, w.state.Device(id), func(at uint64) officer.Entry { return entries[at-m.Added] }))
	}
	return list, nil
}

func (w *Workspace) deviceInfo(ctx context.Context, d *officer.Device, entry func(uint64) officer.Entry) DeviceInfo {
	i := DeviceInfo{Device: d, This: d.ID == w.me.Keys().ID(), AddedTime: entry(d.Added).Time}
	if i.LabelText, _ = w.Text(ctx, d.Record.Label, officer.TextDevice); i.LabelText == "" && i.This {
		i.LabelText = w.me.DeviceLabel().Text
	}
	if d.Removed {
		i.RemovedTime, i.RemovedBy = entry(d.RemovedAt).Time, entry(d.RemovedAt).Author
	}
	return i
}

// Alarm is what somebody does who has lost a device, and what a thief of one
// does first (attack 62): one device of a member removed another, or replaced
// the member's user key without removing any; or brought in one more, which is
// there still; or an officer asked to recover the member.
type Alarm struct {
	Member  officer.MemberID
	By      officer.DeviceID
	Removed officer.DeviceID // zero, and Added too: the user key was replaced
	// Added is a device, an installation or a backup, that By paired, restored or
	// wrote down.
	Added officer.DeviceID
	// Requested, unless it is zero, is a fresh device for which a recovery was
	// asked, by an officer's.
	Requested officer.DeviceID
	Time      time.Time // as the author's clock had it
}

// Alarms lists what happened since a time with the caller's own devices, and
// for an officer with everybody's, in the order of the log. Whoever was removed
// can ask as well.
//
// What an entry says of its time is its author's word, and a thief sets a clock
// back. So it is older than since only where somebody who is believed, an
// officer who is not its author or this device, has written after it, and
// before since.
func (w *Workspace) Alarms(ctx context.Context, since time.Time) ([]Alarm, error) {
	var members []*officer.Member
	if m := w.state.Member(w.me.Member()); m == nil {
		return nil, nil
	} else if members = []*officer.Member{m}; m.Role == officer.RoleOfficer && w.Me() != nil {
		members = w.state.Members()
	}
	// What happened is read from the state: an operation may ride in a blob, and
	// an entry may do something to several members.
	type act struct {
		at uint64
		of officer.MemberID
	}
	acts := map[act][]Alarm{}
	from := w.state.Head().Length
	for _, m := range members {
		note := func(at uint64, a Alarm) {
			a.Member = m.ID
			acts[act{at, m.ID}], from = append(acts[act{at, m.ID}], a), min(from, at)
		}
		takenOver := w.takenOver(m)
		for _, id := range m.Devices {
			switch d := w.state.Device(id); {
			case d.Removed && !takenOver[d.RemovedAt]:
				note(d.RemovedAt, Alarm{Removed: id})
			case !d.Removed && w.state.Request(id) == nil && id != m.Devices[0]:
				note(d.Added, Alarm{Added: id})
			}
		}
		for _, k := range m.UserKeys[1:] {
			if !slices.ContainsFunc(acts[act{k.Sequence, m.ID}], func(a Alarm) bool { return a.Removed != officer.DeviceID{} }) {
				note(k.Sequence, Alarm{})
			}
		}
	}
	requests := map[uint64][]*officer.RecoveryRequest{}
	for _, r := range w.state.Requests() {
		if slices.ContainsFunc(members, func(m *officer.Member) bool { return m.ID == r.Member }) {
			requests[r.Sequence], from = append(requests[r.Sequence], r), min(from, r.Sequence)
		}
	}
	if len(acts) == 0 && len(requests) == 0 {
		return nil, nil
	}
	entries, err := w.entriesSince(ctx, from, since)
	if err != nil {
		return nil, err
	}
	var list []Alarm
	for _, e := range entries {
		by := w.state.Device(e.Author)
		for _, r := range requests[e.Sequence] {
			list = append(list, Alarm{Member: r.Member, By: by.ID, Requested: r.Device, Time: e.Time})
		}
		for _, a := range acts[act{e.Sequence, by.Member}] { // an officer's removal is what an officer does
			a.By, a.Time = by.ID, e.Time
			list = append(list, a)
		}
	}
	return list, nil
}

// takenOver are the entries by which a recovery has put one device into the place
// of all others.
func (w *Workspace) takenOver(m *officer.Member) map[uint64]bool {
	at := map[uint64]bool{}
	for _, id := range m.Devices {
		if w.state.Request(id) != nil {
			at[w.state.Device(id).Added] = true
		}
	}
	return at
}

// recentEntries is how many entries are read first, from the head; then twice as
// many.
const recentEntries = 64

// entriesSince are the entries from a position on that are not from before a time,
// whatever their authors say. It reads the log from its head, and not beyond a
// part all of which is from before, by everybody's clock and that of somebody who
// is believed: one clock that was wrong once hides nothing.
func (w *Workspace) entriesSince(ctx context.Context, from uint64, since time.Time) (list []officer.Entry, err error) {
	own, before := false, map[officer.MemberID]bool{} // who has written later, and before since
	past := false
	head := w.state.Head()
	for n := uint64(recentEntries); head.Length > from && !past; n *= 2 {
		var part []officer.Entry
		start := max(from, head.Length-min(n, head.Length))
		if err := w.walk(ctx, head, start, func(e officer.Entry, _ officer.Hash) { part = append(part, e) }); err != nil {
			return nil, err
		}
		head = officer.Head{Length: start, Hash: part[0].Previous}
		past = own || len(before) > 1
		for _, e := range slices.Backward(part) {
			d := w.state.Device(e.Author)
			if !e.Time.Before(since) {
				past, list = false, append(list, e)
				continue
			}
			if !own && (len(before) == 0 || len(before) == 1 && before[d.Member]) {
				list = append(list, e)
			}
			own = own || d.ID == w.me.Keys().ID()
			if w.state.Member(d.Member).Role == officer.RoleOfficer {
				before[d.Member] = true
			}
		}
	}
	slices.Reverse(list)
	return list, nil
}

// DeviceID is the device that asks.
func (w *Workspace) DeviceID() officer.DeviceID { return w.me.Keys().ID() }

// AddDevice gives the caller's member one more device, an installation or a
// backup, which is unlocked here and so agrees. The present user key is sealed
// to it first; earlier ones open by its history. label is filed for those who
// read the directory, if the caller does. A device that is there already is
// left as it is. It fails with ErrExpired for a guest whose time is over.
func (w *Workspace) AddDevice(ctx context.Context, d *keyring.Device, label officer.Opening) error {
	if err := w.requireMe(); err != nil {
		return err
	}
	return w.addDevice(ctx, d.Record(), plan.Acceptance(w.Organization(), w.Me().ID, d), label)
}

// addDevice is AddDevice for a device whose secret is elsewhere; acceptance is
// its agreement.
func (w *Workspace) addDevice(ctx context.Context, record officer.DeviceRecord, acceptance []byte, label officer.Opening) error {
	if label.Kind != officer.TextDevice || label.Commitment() != record.Label {
		return fmt.Errorf("device label: %w", officer.ErrOpening)
	}
	if w.Me().Role == officer.RoleOfficer { // without it the label could not be filed
		if err := w.reopenDirectory(ctx); err != nil && !keyWithheld(err) {
			return err
		}
	}
	return w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireMe(); err != nil {
			return nil, err
		}
		m := w.Me()
		if w.Expired(m) {
			return nil, ErrExpired
		}
		switch there := w.state.Device(record.ID()); {
		case there == nil:
		case there.Removed:
			return nil, fmt.Errorf("device: %w", ErrDeviceRemoved)
		case there.Member == m.ID:
			return nil, nil
		}
		user, err := w.keys.user(ctx, m.UserKey().Generation)
		if err != nil {
			return nil, err
		}
		p, err := a.AddDevice(m.ID, record, acceptance, user)
		if err != nil {
			return nil, err
		}
		if dir := w.state.Directory(); dir == nil || dir.Epoch().Closed {
			return p, nil
		}
		switch key, err := w.directoryKey(ctx); {
		case err == nil:
			labels := []officer.Opening{label}
			// Of a first device the log has the commitment alone.
			if own := w.me.DeviceLabel(); own.Text != "" && len(w.state.Openings(own.Commitment())) == 0 {
				labels = append(labels, own)
			}
			return p, p.AddOpenings(key, labels...)
		case keyWithheld(err): // a label is not worth a device
			return p, nil
		default:
			return nil, err
		}
	})
}

// keyWithheld tells that a key is not to be had, from a store that fails.
func keyWithheld(err error) bool {
	return errors.Is(err, ErrNotGranted) || errors.Is(err, ErrKeyMissing) || errors.Is(err, ErrHistory) || errors.Is(err, officer.ErrClosed)
}

// RenewUserKey makes the caller's next user key if the present one is closed: an
// officer has removed a device of theirs, and nothing is sealed to them until
// then. What was rotated meanwhile, colleagues who share it seal to them with
// their next change, see [Workspace.CatchUp]. Who was enrolled into recovery is so
// again afterwards, unless too few officers hold shares: then Me().Enrolment() is
// nil, and they enrol themself.
func (w *Workspace) RenewUserKey(ctx context.Context) error {
	if err := w.requireMe(); err != nil {
		return err
	}
	renewed := false
	err := w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireMe(); err != nil {
			return nil, err
		}
		if renewed = w.Me().KeyClosed; !renewed {
			return nil, nil
		}
		user, err := w.keys.user(ctx, w.Me().UserKey().Generation)
		if err != nil {
			return nil, err
		}
		return a.RenewUserKey(user)
	})
	if err == nil && renewed {
		w.keys.relist()
	}
	return err
}
