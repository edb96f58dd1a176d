package main

import (
	"context"
	"crypto/subtle"
	"strings"
	"unicode"

	"github.com/underseal/underseal/officer"
)

// insteadYes is given where nobody can be asked.
const insteadYes = "give --yes when you know what it does"

// canConfirm tells, before anything is done for it, that nobody could be asked
// in the end.
func (a *app) canConfirm(yes bool) error {
	if yes {
		return nil
	}
	if _, err := a.prompt(); err != nil {
		return withHint(err, insteadYes)
	}
	return nil
}

// confirm asks a question that has to be answered with yes, unless it was by a
// flag.
func (a *app) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	return a.confirmOr(ctx, insteadYes, question)
}

// confirmOr asks a question that has to be answered with yes; instead says what
// to give where nobody can be asked.
func (a *app) confirmOr(ctx context.Context, instead, question string) error {
	p, err := a.prompt()
	if err != nil {
		return withHint(err, instead)
	}
	ok, err := p.Confirm(ctx, question)
	if err == nil && !ok {
		err = errNotConfirmed
	}
	return err
}

// compareSafetyNumber compares the digits that were given, or shows those of a
// member and asks. The question is of the program's own words alone (attack 5).
func (a *app) compareSafetyNumber(ctx context.Context, id officer.MemberID, digits, question string) error {
	return a.compareDigits(ctx, id, digits, errSafetyNumber, "safety number:", question)
}

// compareDigits compares the digits that were given with the safety number of an
// id, a member's or a device's, and returns differ where they are others; or it
// shows the number under a heading and asks.
func (a *app) compareDigits(ctx context.Context, id officer.MemberID, digits string, differ error, heading, question string) error {
	if digits != "" {
		if subtle.ConstantTimeCompare(plainDigits(digits), plainDigits(officer.SafetyNumber(id))) != 1 {
			return differ
		}
		return nil
	}
	lines := safetyLines(id)
	return a.confirmOr(ctx, "compare the safety number by voice and give it: --safety-number \"DIGITS\"",
		heading+"\n\n    "+lines[0]+"\n    "+lines[1]+"\n\n"+question)
}

// plainDigits leaves out what people put between groups of digits.
func plainDigits(s string) []byte {
	return []byte(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, s))
}
