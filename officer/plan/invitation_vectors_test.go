package plan_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/bech32text"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

type invitationVector struct {
	Name, Kind, Rule, Line, Store, Email string
	Secret, Organization, Inviter, Hash  vectortest.Hex
	Invite, Mailbox, Mail, Member        vectortest.Hex
	UserKey                              vectortest.Hex `json:"user_key"`
	Length, Expires, Role, Answer        uint64
	Texts                                []string
}

// TestInvitationVectors reads testdata/vectors/invitation.json, which was made
// without this package.
func TestInvitationVectors(t *testing.T) { //nolint:tparallel // it counts the rules
	t.Parallel()
	invitation := vectortest.Is(plan.ErrInvitation)
	classes := vectortest.Classes{
		"I-1": vectortest.Is(bech32text.ErrMalformed),
		"I-2": func(err error) bool { return invitation(err) && errors.Is(err, wire.ErrMalformed) },
		"I-3": func(err error) bool {
			var v *wire.VersionError
			return invitation(err) && errors.As(err, &v) && v.Version == 2
		},
		"I-4": invitation, "I-5": invitation, "I-6": invitation, "I-7": invitation,
	}
	var rules []string
	for _, v := range vectortest.Load[invitationVector](t, "invitation").Vectors {
		rules = append(rules, v.Rule)
		t.Run(v.Kind+": "+v.Name, func(t *testing.T) {
			inv, err := plan.ParseInvitation(secret.New([]byte(v.Line)))
			if v.Kind == "line" {
				classes.Check(t, v.Rule, err)
				if err == nil {
					v.line(t, inv)
				}
				return
			}
			must(t, err)
			if v.Kind == "message" {
				m, err := inv.OpenMessage(v.Mail)
				classes.Check(t, v.Rule, err)
				texts := []officer.Opening{m.Organization, m.Name, m.Email}
				for i, o := range append(texts, m.Groups...) {
					if err == nil && (i >= len(v.Texts) || o.Text != v.Texts[i] || uint64(m.Role) != v.Role) {
						t.Errorf("%+v", m)
					}
				}
				return
			}
			seed := secret.New(v.UserKey)
			private, err := envelope.NewPrivateKey(seed)
			must(t, err)
			a, err := inv.OpenAnswer(v.Mail, func(h officer.Hash) (*envelope.PrivateKey, error) {
				if h != private.Hash() {
					return nil, plan.ErrInvitation
				}
				return private, nil
			})
			classes.Check(t, v.Rule, err)
			switch {
			case err != nil:
			case a.Declined != (v.Answer == 2):
				t.Errorf("%+v", a)
			case !a.Declined && (a.Card.Card.ID() != vectortest.Array[officer.MemberID](t, v.Member) || a.Card.Email.Text != v.Email):
				t.Errorf("%+v", a.Card)
			}
		})
	}
	classes.Used(t, rules)
}

func (v invitationVector) line(t *testing.T, inv *plan.Invitation) {
	t.Helper()
	if inv.Organization != vectortest.Array[officer.OrganizationID](t, v.Organization) || inv.Inviter != vectortest.Array[officer.MemberID](t, v.Inviter) ||
		inv.Head != (officer.Head{Length: v.Length, Hash: vectortest.Array[officer.Hash](t, v.Hash)}) ||
		uint64(inv.Expires.Unix()) != v.Expires || inv.Store != v.Store || string(inv.Encode().Expose()[4:36]) != string(v.Secret) {
		t.Errorf("terms %+v", inv.Terms)
	}
	if inv.Hash() != vectortest.Array[officer.Hash](t, v.Invite) || inv.Mailbox() != vectortest.Array[officer.Hash](t, v.Mailbox) {
		t.Errorf("invite %s, mailbox %s", inv.Hash(), inv.Mailbox())
	}
}
