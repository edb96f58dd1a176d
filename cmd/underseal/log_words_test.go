package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/underseal/underseal/officer"
)

// allOperations has one of each kind. What a new operation needs besides an
// example here stands above auditor.describe.
func allOperations() []officer.Operation {
	return []officer.Operation{
		&officer.Genesis{}, &officer.MemberAdded{Role: officer.RoleGuest, Expires: 1893456000, Invite: make([]byte, 32)},
		&officer.MemberRemoved{}, &officer.RoleChanged{Role: officer.RoleOfficer},
		&officer.DeviceAdded{}, &officer.DeviceRemoved{}, &officer.UserKeyRotated{Generation: 2},
		&officer.KeyCreated{}, &officer.KeyRotated{Epoch: 3, From: 1}, &officer.KeyClosed{Epoch: 1}, &officer.KeyResealed{Epoch: 1},
		&officer.Grant{Rights: officer.Read | officer.Write}, &officer.Revoke{}, &officer.Directory{}, &officer.ResourceEnded{},
		&officer.GroupCreated{Members: []officer.GroupMemberItem{{Rights: officer.Read | officer.Share}}},
		&officer.GroupMemberAdded{Rights: officer.Read}, &officer.GroupMemberRemoved{},
		&officer.GroupRotated{Epoch: 2}, &officer.GroupClosed{Epoch: 1}, &officer.GroupResealed{Epoch: 1},
		&officer.Policy{Fields: officer.RoleOfficer, Folders: officer.RoleMember, Groups: officer.RoleOfficer, Guests: officer.RoleOfficer, Officers: 2, Recovery: 2},
		&officer.RecoveryEnrolled{Threshold: 2, Shares: make([]officer.ShareOwner, 3)}, &officer.RecoveryEnded{Number: 1}, &officer.RecoveryRequested{},
		&officer.RecoveryApproved{Index: 1}, &officer.RecoveryFinished{},
		&officer.InvitationWithdrawn{}, &officer.OperationsBlob{Count: 2},
	}
}

// TestEveryOperationHasASentence: an audit feed that shows an operation by its
// number, or not at all, is none.
func TestEveryOperationHasASentence(t *testing.T) {
	t.Parallel()
	x := &auditor{words: &words{}}
	sentences := map[string]string{} // by kind
	for _, op := range allOperations() {
		o := x.describe(op)
		if o.Text == "" || o.Text == o.Kind || strings.Contains(o.Text, "%!") || strings.ContainsFunc(o.Text, unicode.IsControl) {
			t.Errorf("%s: %q", o.Kind, o.Text)
		}
		if sentences[o.Kind] != "" {
			t.Errorf("%s: two examples", o.Kind)
		}
		sentences[o.Kind] = o.Text
	}
	for _, kind := range operationKinds() {
		if sentences[kind] == "" {
			t.Errorf("%s has no sentence: add one to describe in log_words.go, and an example to allOperations", kind)
		}
	}
	if len(sentences) < 29 {
		t.Errorf("only %d kinds", len(sentences))
	}
	for kind, want := range map[string]string{
		"member added":   "added an unreadable card as guest until 2030-01-01, who answered an invitation",
		"policy":         "set the policy: fields by officers, folders by members, groups by officers, guests let in by officers; at least 2 officers; recovery by at least 2 officers; names of documents are hidden",
		"key rotated":    "changed the key of resource 00000000, epoch 3 (leads back to epoch 1)",
		"group created":  "made group 00000000 of member 00000000 (manages)",
		"device removed": "removed device 00000000",
	} {
		if sentences[kind] != want {
			t.Errorf("%s: %q", kind, sentences[kind])
		}
	}
}
