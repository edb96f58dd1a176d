package officer_test

import (
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// A lower threshold takes as many officers as it was, for one place in the log.
func TestPolicyThreshold(t *testing.T) {
	t.Parallel()
	base := officertest.New(t, "alice").Do(
		"alice: add olga as officer; add omar as officer; add bob as member",
		"olga: add device olga/laptop",
		"alice: policy officers=3 recovery=3",
	)
	check(t, base,
		refusal{"alice: policy recovery=2", officer.ErrAuthority},
		refusal{"alice: policy recovery=0", officer.ErrAuthority},
		refusal{"alice: policy recovery=2 by=olga", officer.ErrAuthority},
		refusal{"alice: policy recovery=2 by=olga,olga/laptop", officer.ErrAuthority},
		refusal{"alice: policy recovery=2 by=olga,alice", officer.ErrAuthority},
		refusal{"alice: policy recovery=2 by=olga,bob", officer.ErrAuthority},
		refusal{"alice: policy recovery=2 by=olga,omar", nil},
		refusal{"alice: policy recovery=3 by=bob", officer.ErrAuthority},
		refusal{"alice: policy recovery=4", officer.ErrOperation},
		refusal{"alice: policy recovery=1", officer.ErrOperation},
		refusal{"alice: policy officers=2", officer.ErrOperation},
		refusal{"alice: policy officers=4", officer.ErrLast},
		refusal{"alice: remove olga", officer.ErrLast},
		refusal{"alice: make alice member", officer.ErrLast},
		refusal{"alice: make bob officer; remove olga", nil},
		refusal{"alice: policy fields=3", officer.ErrOperation},
		refusal{"alice: policy folders=0", officer.ErrOperation},
		refusal{"alice: policy names=2", officer.ErrOperation},
	)
	// What officers signed for one place does not count for the next.
	signed := base.Op("policy recovery=2 by=olga,omar")
	base.Do("bob: rotate user bob")
	refused(t, "signatures for an earlier place", base.For(t).TryOps("alice", signed), officer.ErrAuthority)
	other := officertest.NewWith(t, "alice", "Other LLP").Do("alice: add olga as officer; add omar as officer", "alice: policy officers=3 recovery=3")
	refused(t, "signatures for another organization", other.TryOps("alice", base.Op("policy recovery=2 by=olga,omar")), officer.ErrAuthority)
	base.Do("alice: policy recovery=0 by=olga,omar", "alice: policy recovery=2")
	if p := base.State.Policy(); p.Recovery != 2 || len(p.Cosigned) != 0 {
		t.Errorf("policy %+v", p)
	}
}

// An invitation is answered once, and not after it was withdrawn (attack 14).
func TestInvitationsOnce(t *testing.T) {
	t.Parallel()
	base := officertest.New(t, "alice").Do("alice: add bob as member answering one; withdraw two")
	check(t, base,
		refusal{"alice: add carol as member answering one", officer.ErrDuplicate},
		refusal{"alice: add carol as member answering two", officer.ErrDuplicate},
		refusal{"alice: withdraw one", officer.ErrDuplicate},
		refusal{"alice: withdraw two", officer.ErrDuplicate},
		refusal{"alice: withdraw three; add carol as member answering three", officer.ErrDuplicate},
		refusal{"alice: add carol as member answering three; withdraw four", nil},
	)
	// By a member too, who may have made it; by a guest never.
	base.Do("alice: add greta as guest")
	check(t, base,
		refusal{"bob: withdraw three", nil},
		refusal{"bob: withdraw one", officer.ErrDuplicate},
		refusal{"greta: withdraw three", officer.ErrAuthority},
	)
	spent := base.Op("withdraw two").(*officer.InvitationWithdrawn).Invite
	if fresh := base.Op("withdraw three").(*officer.InvitationWithdrawn).Invite; !base.State.InvitationSpent(spent) || base.State.InvitationSpent(fresh) {
		t.Error("which invitations are spent")
	}
}
