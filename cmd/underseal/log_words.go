package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/underseal/underseal/internal/term"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

// jsonOperation is an operation for programs: what it is, the ids that it
// names, and the sentence for people.
type jsonOperation struct {
	Kind       string     `json:"kind"`
	Text       string     `json:"text"`
	Member     string     `json:"member,omitempty"`
	Members    []string   `json:"members,omitempty"`
	Device     string     `json:"device,omitempty"`
	Group      string     `json:"group,omitempty"`
	Resource   string     `json:"resource,omitempty"`
	Epoch      uint64     `json:"epoch,omitempty"`
	Generation uint64     `json:"generation,omitempty"`
	Role       string     `json:"role,omitempty"`
	Rights     []string   `json:"rights,omitempty"`
	Expires    *time.Time `json:"expires,omitempty"`
	Invitation string     `json:"invitation,omitempty"`
	Number     uint64     `json:"number,omitempty"`
	Count      uint64     `json:"count,omitempty"`
}

// auditor says in words what operations do.
type auditor struct {
	*words
	labels map[officer.GroupID]string
	owner  map[officer.DeviceID]officer.MemberID
}

func newAuditor(ctx context.Context, w *workspace.Workspace) *auditor {
	x := &auditor{newWords(ctx, w), map[officer.GroupID]string{}, map[officer.DeviceID]officer.MemberID{}}
	for _, g := range w.State().Groups() {
		if label, ok := w.Text(ctx, g.Label, officer.TextGroup); ok {
			x.labels[g.ID] = term.Escape(label)
		}
	}
	for _, m := range w.State().Members() {
		for _, id := range m.Devices {
			x.owner[id] = m.ID
		}
	}
	return x
}

func (x *auditor) group(id officer.GroupID) string {
	if label, ok := x.labels[id]; ok {
		return "group " + label
	}
	return "group " + id.String()[:shortID]
}

func (x *auditor) resource(id officer.ResourceID) string {
	if s, ok := x.fields[id]; ok {
		return s
	}
	return "resource " + id.String()[:shortID]
}

// theDevice names a device with its owner.
func (x *auditor) theDevice(id officer.DeviceID) string {
	s := "device " + id.String()[:shortID]
	if m, ok := x.owner[id]; ok {
		s += " of " + x.member(m)
	}
	return s
}

func (x *auditor) to(o *jsonOperation, p officer.Principal) string {
	if id, ok := p.Member(); ok {
		o.Member = id.String()
		return x.member(id)
	}
	id, ok := p.Group()
	if !ok {
		return "somebody"
	}
	o.Group = id.String()
	return x.group(id)
}

func (x *auditor) cardOf(o *jsonOperation, card []byte) {
	if c, err := officer.ParseCard(card); err == nil {
		o.Member, o.Device = c.ID().String(), c.Device().ID().String()
	}
}

// describe turns an operation into words and into what programs read.
//
// Every operation that the log can have needs its sentence here, or in a
// function of its own file that describe asks, as it asks describeGroup. Whoever
// adds an operation adds one, and an example of it to allOperations in
// log_words_test.go; until then TestEveryOperationHasASentence fails.
func (x *auditor) describe(op officer.Operation) jsonOperation {
	o := jsonOperation{Kind: op.Kind().String()}
	for _, say := range []func(*jsonOperation, officer.Operation) string{
		x.describeMember, x.describeResource, x.describeGroup, x.describeRule, x.describeRecovery,
	} {
		if o.Text = say(&o, op); o.Text != "" {
			return o
		}
	}
	o.Text = o.Kind
	return o
}

func (x *auditor) describeMember(o *jsonOperation, op officer.Operation) string {
	switch op := op.(type) {
	case *officer.Genesis:
		x.cardOf(o, op.Card)
		return "founded the organization"
	case *officer.MemberAdded:
		x.cardOf(o, op.Card)
		o.Role, o.Expires = op.Role.String(), expiry(op.Expires)
		if len(op.Invite) > 0 {
			o.Invitation = fmt.Sprintf("%x", op.Invite)
		}
		return fmt.Sprintf("added %s as %s%s%s", x.card(op.Card), op.Role, untilWords(o.Expires), invited(op.Invite))
	case *officer.MemberRemoved:
		o.Member = op.Member.String()
		return "removed " + x.member(op.Member)
	case *officer.RoleChanged:
		o.Member, o.Role, o.Expires = op.Member.String(), op.Role.String(), expiry(op.Expires)
		return fmt.Sprintf("made %s %s%s", x.member(op.Member), op.Role, untilWords(o.Expires))
	case *officer.DeviceAdded:
		o.Member = op.Member.String()
		what := "a device"
		if r, err := officer.ParseDeviceRecord(op.Device); err == nil {
			o.Device = r.ID().String()
			what = "device " + o.Device[:shortID]
			if r.Kind != officer.DeviceInstallation {
				what = "a " + kindOf(r.Kind) + " backup, " + what + ","
			}
		}
		return fmt.Sprintf("added %s of %s", what, x.member(op.Member))
	case *officer.DeviceRemoved:
		o.Device = op.Device.String()
		if m, ok := x.owner[op.Device]; ok {
			o.Member = m.String()
		}
		return "removed " + x.theDevice(op.Device)
	case *officer.UserKeyRotated:
		o.Member, o.Generation = op.Member.String(), op.Generation
		return fmt.Sprintf("changed the user key of %s, generation %d", x.member(op.Member), op.Generation)
	}
	return ""
}

func (x *auditor) describeResource(o *jsonOperation, op officer.Operation) string {
	key := func(id officer.ResourceID, epoch uint64) string {
		o.Resource, o.Epoch = id.String(), epoch
		return x.resource(id)
	}
	switch op := op.(type) {
	case *officer.KeyCreated:
		return "made " + key(op.Resource, 1)
	case *officer.KeyRotated:
		return fmt.Sprintf("changed the key of %s, epoch %d%s", key(op.Resource, op.Epoch), op.Epoch, leftOut(op.From))
	case *officer.KeyClosed:
		return fmt.Sprintf("closed %s after epoch %d", key(op.Resource, op.Epoch), op.Epoch)
	case *officer.Grant:
		o.Rights = rightsList(op.Rights)
		return fmt.Sprintf("let %s %s %s", x.to(o, op.Principal), rightsInWords(op.Rights), key(op.Resource, 0))
	case *officer.Revoke:
		return fmt.Sprintf("took %s away from %s", key(op.Resource, 0), x.to(o, op.Principal))
	case *officer.KeyResealed:
		return fmt.Sprintf("sealed epoch %d of %s again to %s", op.Epoch, key(op.Resource, op.Epoch), x.to(o, op.Principal))
	case *officer.ResourceEnded:
		return "ended " + key(op.Resource, 0)
	case *officer.Directory:
		o.Count = uint64(len(op.Items))
		return fmt.Sprintf("sealed %s for the readers of %s", count(int64(len(op.Items)), "name", "names"), key(op.Resource, op.Epoch))
	}
	return ""
}

func (x *auditor) describeGroup(o *jsonOperation, op officer.Operation) string {
	group := func(id officer.GroupID, epoch uint64) string {
		o.Group, o.Epoch = id.String(), epoch
		return x.group(id)
	}
	switch op := op.(type) {
	case *officer.GroupCreated:
		names := []string{}
		for _, m := range op.Members {
			o.Members = append(o.Members, m.Member.String())
			names = append(names, x.member(m.Member)+managing(m.Rights))
		}
		return fmt.Sprintf("made %s of %s", group(op.Group, 1), strings.Join(names, ", "))
	case *officer.GroupMemberAdded:
		o.Member, o.Rights = op.Member.String(), rightsList(op.Rights)
		return fmt.Sprintf("let %s into %s%s", x.member(op.Member), group(op.Group, 0), managing(op.Rights))
	case *officer.GroupMemberRemoved:
		o.Member = op.Member.String()
		return fmt.Sprintf("took %s out of %s", x.member(op.Member), group(op.Group, 0))
	case *officer.GroupRotated:
		return fmt.Sprintf("changed the key of %s, epoch %d%s", group(op.Group, op.Epoch), op.Epoch, leftOut(op.From))
	case *officer.GroupClosed:
		return fmt.Sprintf("closed %s after epoch %d", group(op.Group, op.Epoch), op.Epoch)
	case *officer.GroupResealed:
		o.Member = op.Member.String()
		return fmt.Sprintf("sealed epoch %d of %s again to %s", op.Epoch, group(op.Group, op.Epoch), x.member(op.Member))
	}
	return ""
}

func (x *auditor) describeRule(o *jsonOperation, op officer.Operation) string {
	switch op := op.(type) {
	case *officer.Policy:
		o.Count = uint64(len(op.Cosigned))
		return fmt.Sprintf("set the policy: fields by %ss, folders by %ss, groups by %ss, guests let in by %ss; at least %s; %s; %s%s",
			op.Fields, op.Folders, op.Groups, op.Guests, count(int64(min(op.Officers, 255)), "officer", "officers"),
			recoveryWords(op.Recovery), documentWords(op.Names),
			some(int64(len(op.Cosigned)), "; signed by %d more"))
	case *officer.InvitationWithdrawn:
		o.Invitation = op.Invite.String()
		return "withdrew invitation " + o.Invitation[:shortID]
	case *officer.OperationsBlob:
		o.Count = op.Count
		return fmt.Sprintf("with %s that ride outside the entry:", count(int64(min(op.Count, 1<<20)), "more operation", "more operations"))
	}
	return ""
}

func (x *auditor) describeRecovery(o *jsonOperation, op officer.Operation) string {
	of := func(m officer.MemberID, number uint64) string {
		o.Member, o.Number = m.String(), number
		return x.member(m)
	}
	switch op := op.(type) {
	case *officer.RecoveryEnrolled:
		names := []string{}
		for _, s := range op.Shares {
			o.Members = append(o.Members, s.Officer.String())
			names = append(names, x.member(s.Officer))
		}
		o.Generation, o.Count = op.Generation, op.Threshold
		return fmt.Sprintf("enrolled %s for recovery by %d of %s", of(op.Member, op.Number), op.Threshold, strings.Join(names, ", "))
	case *officer.RecoveryEnded:
		return fmt.Sprintf("ended enrolment %d of %s for recovery", op.Number, of(op.Member, op.Number))
	case *officer.RecoveryRequested:
		who := of(op.Member, op.Number)
		what := "a device"
		if r, err := officer.ParseDeviceRecord(op.Device); err == nil {
			o.Device = r.ID().String()
			what = "device " + o.Device[:shortID]
		}
		return fmt.Sprintf("asked to recover %s on %s", who, what)
	case *officer.RecoveryApproved:
		o.Device = op.Device.String()
		return fmt.Sprintf("approved to recover %s on device %s, with share %d", of(op.Member, op.Number), o.Device[:shortID], op.Index)
	case *officer.RecoveryFinished:
		o.Device = op.Device.String()
		return fmt.Sprintf("recovered %s on device %s", of(op.Member, op.Number), o.Device[:shortID])
	}
	return ""
}

func recoveryWords(threshold uint64) string {
	if threshold == 0 {
		return "nobody enrols for recovery"
	}
	return fmt.Sprintf("recovery by at least %d officers", threshold)
}

func documentWords(names uint64) string {
	if names == 0 {
		return "names of documents are hidden"
	}
	return "names of documents stay readable"
}

func invited(invite []byte) string {
	if len(invite) == 0 {
		return ""
	}
	return ", who answered an invitation"
}

func managing(r officer.Rights) string {
	if r.Has(officer.Share) {
		return " (manages)"
	}
	return ""
}

// leftOut tells of an epoch whose history begins before the one before it.
func leftOut(from uint64) string {
	if from == 0 {
		return ""
	}
	return fmt.Sprintf(" (leads back to epoch %d)", from)
}

func expiry(seconds uint64) *time.Time {
	if seconds == 0 || seconds > 253402300799 { // later ones cannot be printed
		return nil
	}
	t := time.Unix(int64(seconds), 0).UTC()
	return &t
}

func untilWords(t *time.Time) string {
	if t == nil {
		return ""
	}
	return " until " + day(*t)
}
