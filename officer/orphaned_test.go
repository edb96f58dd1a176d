package officer_test

import (
	"testing"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// orphanedBase has a field "fax" that bob, no officer, shares alone: alice
// made it and gave share up.
func orphanedBase(t *testing.T) *officertest.Org {
	t.Helper()
	return officertest.New(t, "alice").Do(
		"alice: add olga as officer; add bob as member; add carol as member; add dave as member; add greta as guest",
		"alice: create field fax; grant fax to bob rws; grant fax to carol rw; grant fax to greta r",
		"carol: add device carol/laptop",
		"alice: grant fax to alice rw",
	)
}

// Nobody but an officer takes anything from an officer, or who was granted
// share once could not be dislodged.
func TestOfficersKeepTheirRights(t *testing.T) {
	t.Parallel()
	base := orphanedBase(t)
	check(t, base,
		refusal{"bob: revoke fax from alice; rotate fax", officer.ErrAuthority},
		refusal{"bob: grant fax to alice r", officer.ErrAuthority},
		refusal{"bob: grant fax to alice rs", officer.ErrAuthority}, // without write
		refusal{"bob: grant fax to alice rw", nil},
		refusal{"bob: grant fax to alice rws", nil},
		refusal{"bob: revoke fax from carol; rotate fax", nil},
		refusal{"bob: grant fax to carol r", nil},
		refusal{"bob: revoke fax from olga; rotate fax", officer.ErrAuthority}, // not granted either
		refusal{"olga: revoke fax from alice; close fax", nil},
		refusal{"bob: grant fax to bob rw", officer.ErrLast},
		refusal{"bob: grant fax to carol rws; grant fax to bob rw", nil},
	)
}

// An officer takes a resource from its last sharer, and gives share back to
// somebody who reads it.
func TestOrphaned(t *testing.T) {
	t.Parallel()
	base := orphanedBase(t)
	check(t, base, // while bob shares
		refusal{"olga: grant fax to carol rws", officer.ErrAuthority},
		refusal{"alice: grant fax to alice rws", officer.ErrAuthority},
		refusal{"olga: revoke fax from bob", officer.ErrIncomplete},
		refusal{"olga: revoke fax from bob; close fax; grant fax to carol rws", nil},
		refusal{"alice: revoke fax from bob; rotate fax; grant fax to alice rws; grant fax to dave r", nil},
	)
	base.Do("olga: revoke fax from bob; close fax")
	if !base.Resource("fax").Orphaned() {
		t.Fatal("somebody shares it")
	}
	check(t, base,
		refusal{"olga: grant fax to carol rws", nil},
		refusal{"olga: grant fax to alice rws", nil},
		refusal{"alice: grant fax to alice rws", nil},
		refusal{"olga: grant fax to carol rws; grant fax to alice rws", officer.ErrAuthority}, // orphaned no more
		// Share alone: nobody reads or writes more by it, or less.
		refusal{"olga: grant fax to carol rs", officer.ErrAuthority},
		refusal{"olga: grant fax to carol rw", officer.ErrAuthority},
		refusal{"olga: grant fax to carol r", officer.ErrAuthority},
		refusal{"alice: grant fax to alice rw", officer.ErrAuthority},
		refusal{"alice: grant fax to alice r", officer.ErrAuthority},
		refusal{"olga: grant fax to dave rs", officer.ErrAuthority},
		refusal{"olga: grant fax to olga rs", officer.ErrAuthority},
		refusal{"olga: grant fax to greta rs", officer.ErrRights},
		// By officers alone.
		refusal{"carol: grant fax to carol rws", officer.ErrAuthority},
		refusal{"carol: rotate fax", officer.ErrAuthority},
		refusal{"greta: grant fax to carol rws", officer.ErrAuthority},
		// What is given back is not taken in the same entry.
		refusal{"olga: grant fax to carol rws; revoke fax from carol", officer.ErrLast},
		refusal{"olga: remove device carol/laptop; grant fax to carol rws", officer.ErrClosed},
		refusal{"olga: revoke fax from carol; revoke fax from alice; revoke fax from greta", nil},
	)
	senders := func() int {
		for _, g := range base.Resource("fax").Grants {
			if id, _ := g.Principal.Member(); id == base.Person("carol").ID() {
				return len(g.Senders)
			}
		}
		return -1
	}
	before := senders()
	base.Do("olga: grant fax to carol rws")
	if base.Resource("fax").Orphaned() || base.Rights("fax", "carol") != officer.Read|officer.Write|officer.Share {
		t.Error("share is not given back")
	}
	if n := senders(); n != before || n < 1 {
		t.Errorf("%d senders, %d before: who gives share back sends no key", n, before)
	}
	base.Do("carol: rotate fax; grant fax to dave r")
}

// The directory can always be an officer's again, whoever was granted share.
func TestDirectoryStaysTheOfficers(t *testing.T) {
	t.Parallel()
	base := officertest.New(t, "alice").Do(
		"alice: add bob as member; create directory people; grant people to bob rws",
		"alice: grant people to alice r",
	)
	check(t, base,
		refusal{"bob: revoke people from alice; rotate people", officer.ErrAuthority},
		refusal{"alice: grant people to alice rs", officer.ErrAuthority},
		refusal{"alice: revoke people from bob; rotate people; grant people to alice rs", nil},
		refusal{"alice: revoke people from bob; close people; grant people to alice rs", nil},
	)
}
