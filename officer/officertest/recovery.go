package officertest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// EscrowKey is the escrow key of a person's enrolment. It is no scalar, and
// shares of it do not give it back: replay does not look.
func (o *Org) EscrowKey(name string, number uint64) *datakey.Key {
	return dataKey(officer.EscrowContext(o.ID, o.Person(name).ID(), number), "escrow", name, fmt.Sprint(number))
}

// ShareKey is one share of it.
func (o *Org) ShareKey(name string, number, index uint64) *datakey.Key {
	return dataKey(officer.ShareContext(o.ID, o.Person(name).ID(), number, index), "share", name, fmt.Sprint(number), fmt.Sprint(index))
}

// Reason is the text that a request for a device commits to.
func (o *Org) Reason(device string) officer.Opening {
	return NewOpening(officer.TextReason, "everything was stolen", device)
}

func (o *Org) recoveryOp(w []string) (officer.Operation, error) {
	name, number, err := o.enrolment(w[1])
	if err != nil {
		return nil, err
	}
	person, label, _ := strings.Cut(name, "/")
	member := o.Person(person).ID()
	switch {
	case shape(w, "enroll _ _ with _"):
		return o.enroll(w[1], w[2], strings.Split(w[4], ","))
	case shape(w, "unenroll _"):
		return &officer.RecoveryEnded{Member: member, Number: number}, nil
	case shape(w, "request _"):
		d := o.Person(person).Device(label)
		record := d.Record.Encode()
		return &officer.RecoveryRequested{
			Member: member, Number: number, Device: record, Acceptance: d.Accept(o.ID, officer.MemberID{}), Reason: o.Reason(name).Commitment(),
		}, nil
	case shape(w, "approve _ by _"):
		op := &officer.RecoveryApproved{Member: member, Device: o.Author(name).ID(), Number: number, Index: 1}
		if m := o.State.Member(member); m != nil && m.Enrolment() != nil {
			if x, ok := m.Enrolment().ShareOf(o.Person(w[3]).ID()); ok {
				op.Index = x.Index
			}
		}
		return op, nil
	case shape(w, "finish _"):
		return &officer.RecoveryFinished{Member: member, Device: o.Author(name).ID(), Number: number}, nil
	default:
		return nil, fmt.Errorf("no such operation")
	}
}

// enrolment reads PERSON[/LABEL][@NUMBER]; without a number it is the present
// enrolment.
func (o *Org) enrolment(word string) (string, uint64, error) {
	name, n, err := numbered(word)
	if err != nil || n != 0 {
		return name, n, err
	}
	person, _, _ := strings.Cut(name, "/")
	n = 1
	if m := o.State.Member(o.Person(person).ID()); m != nil {
		n = max(1, uint64(len(m.Enrolments)))
	}
	return name, n, nil
}

func (o *Org) enroll(word, threshold string, holders []string) (officer.Operation, error) {
	name, number, err := numbered(word)
	if err != nil {
		return nil, err
	}
	t, err := strconv.ParseUint(threshold, 10, 64)
	if err != nil {
		return nil, err
	}
	name, rotated := strings.CutSuffix(name, "+")
	p, generation := o.Person(name), uint64(1)
	if m := o.State.Member(p.ID()); m != nil {
		generation = m.UserKey().Generation
		if number == 0 {
			number = uint64(len(m.Enrolments)) + 1
		}
	}
	if rotated {
		generation++
	}
	escrow, user := o.EscrowKey(name, max(number, 1)), p.UserKey(o.ID, generation)
	op := &officer.RecoveryEnrolled{Member: p.ID(), Number: number, Threshold: t, Commitment: escrow.Commitment(), Generation: generation}
	commitment := user.Commitment()
	if op.Sealed, err = escrow.Seal(wire.LabelEscrow, user.Raw().Expose(), commitment[:]); err != nil {
		return nil, err
	}
	for i, holder := range holders {
		index := uint64(i) + 1
		op.Shares = append(op.Shares, officer.ShareOwner{
			Officer: o.Person(holder).ID(), Index: index, Commitment: o.ShareKey(name, max(number, 1), index).Commitment(),
		})
	}
	return op, nil
}
