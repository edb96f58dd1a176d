package officer_test

import (
	"testing"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// endedBase has a field that came to its end, one that goes on, and everybody
// who could want something of them.
func endedBase(t *testing.T) *officertest.Org {
	t.Helper()
	return officertest.New(t, "alice").Do(
		"alice: add olga as officer; add bob as member; add carol as member; add greta as guest",
		"alice: create directory people; create field ssn at 12; create field phone at 13",
		"alice: grant ssn to bob rws; grant ssn to greta r; grant phone to bob rws; grant phone to carol rw",
		"bob: create folder case; grant case to greta r",
		"bob: add device bob/laptop",
		"greta: add device greta/laptop",
		"alice: end ssn",
	)
}

func TestResourceEnded(t *testing.T) {
	t.Parallel()
	base := endedBase(t)
	if r := base.Resource("ssn"); !r.Ended || !r.Epoch().Closed || len(r.Grants) != 3 {
		t.Fatalf("the end left %+v", r)
	}
	check(t, base,
		refusal{"alice: rotate ssn", officer.ErrEnded},
		refusal{"alice: close ssn", officer.ErrEpoch},
		refusal{"alice: grant ssn to carol r", officer.ErrEnded},
		refusal{"bob: grant ssn to greta r", officer.ErrEnded}, // what they have
		refusal{"alice: reseal ssn to bob", officer.ErrEnded},
		refusal{"alice: file ssn.label under ssn", officer.ErrEpoch},
		refusal{"alice: end ssn", officer.ErrEnded},
		refusal{"alice: create field ssn at 12", officer.ErrDuplicate},
		// Its label can still be shown to those who read the directory.
		refusal{"alice: file ssn.label under people", nil},
		// Its end is like any other operation: for those who may, and once.
		refusal{"alice: end people", officer.ErrUnknown},
		refusal{"alice: end nothing", officer.ErrUnknown},
		refusal{"carol: end phone", officer.ErrAuthority},
		refusal{"greta: end case", officer.ErrAuthority},
		refusal{"bob: end phone", nil},
		refusal{"olga: end case", nil},
		refusal{"alice: end phone; end phone", officer.ErrEnded},
		refusal{"alice: close phone; end phone", nil},
		refusal{"alice: rotate phone; end phone", nil},
		refusal{"alice: end phone; rotate phone", officer.ErrEnded},
		refusal{"alice: create field tax; grant tax to bob r; end tax", nil},
	)
}

// Its key stays with those who were granted it, unless it is taken from them.
func TestEndedKeepsItsReaders(t *testing.T) {
	t.Parallel()
	base := endedBase(t)
	alice := base.Person("alice").Device(officertest.FirstDevice).ID()
	holds := func(o *officertest.Org, name string) error {
		p := o.Person(name)
		return o.State.MayHold(o.ResourceID("ssn"), 1, p.ID(), pubkey.Hash(p.File.Card.UserKey()), alice)
	}
	for _, name := range []string{"alice", "bob", "greta"} {
		accepted(t, name, holds(base, name))
	}
	refused(t, "carol", holds(base, "carol"), officer.ErrRights)
	check(t, base,
		refusal{"olga: revoke ssn from greta", nil},
		refusal{"bob: revoke ssn from greta", nil},
		refusal{"bob: revoke ssn from bob", officer.ErrAuthority},
		refusal{"bob: revoke ssn from alice", officer.ErrAuthority},
		refusal{"carol: revoke ssn from greta", officer.ErrAuthority},
		refusal{"olga: revoke ssn from carol", officer.ErrUnknown},
	)
	base.Do("olga: revoke ssn from greta")
	refused(t, "greta, after the revocation", holds(base, "greta"), officer.ErrRights)
	base.Do("olga: revoke ssn from bob; revoke ssn from alice")
	check(t, base, refusal{"olga: grant ssn to olga rs", officer.ErrAuthority})
}

// Nobody who shares it is needed to bring a resource to its end, and nobody
// shares it afterwards who did not.
func TestOrphanedEnds(t *testing.T) {
	t.Parallel()
	base := orphanedBase(t).Do("olga: revoke fax from bob; close fax")
	check(t, base, refusal{"alice: end fax; grant fax to alice rws", officer.ErrEnded})
	base.Do("olga: end fax")
	check(t, base,
		refusal{"alice: grant fax to alice rws", officer.ErrEnded},
		refusal{"olga: revoke fax from carol", nil},
	)
}

// An end pays what an entry owes, and nothing is owed for what has ended: a
// device is removed though its member was granted it.
func TestEndedIsOwedNothing(t *testing.T) {
	t.Parallel()
	base := endedBase(t)
	check(t, base,
		refusal{"bob: remove device bob/laptop; rotate user bob; rotate phone; rotate case", nil},
		refusal{"olga: remove device bob/laptop; close phone; close case", nil},
		refusal{"greta: remove device greta/laptop; rotate user greta; close case", nil},
		refusal{"olga: remove device greta/laptop", officer.ErrIncomplete}, // for case
		refusal{"olga: remove device bob/laptop; end phone; end case", nil},
		refusal{"olga: remove device bob/laptop; end phone", officer.ErrIncomplete},
		refusal{"bob: remove device bob/laptop; rotate user bob; end phone; end case", nil},
		refusal{"greta: remove device greta/laptop; rotate user greta; end case", officer.ErrAuthority},
		refusal{"alice: revoke phone from carol; end phone", nil},
		refusal{"alice: end phone; revoke phone from carol", nil},
		refusal{"alice: revoke phone from carol; rotate phone; revoke phone from bob; end phone", nil},
		// An officer who reads it may not open an epoch of it by revoking.
		refusal{"alice: grant phone to olga r", nil},
	)
	base.Do("alice: grant phone to olga r", "alice: end phone")
	refused(t, "rotated for a revocation", base.Try("olga: revoke phone from carol; rotate phone"), officer.ErrAuthority)
}

// A binding belongs to one resource at a time; its end frees it.
func TestBindings(t *testing.T) {
	t.Parallel()
	base := endedBase(t)
	check(t, base,
		refusal{"alice: create field new at 13", officer.ErrDuplicate},
		refusal{"bob: create folder new at 13", officer.ErrDuplicate},
		refusal{"alice: create field new at 12", nil},
		refusal{"alice: create field new at 12; create field other at 12", officer.ErrDuplicate},
		refusal{"alice: create field new at 12; end new; create field other at 12", nil},
		refusal{"alice: create field new at 13; end phone", officer.ErrDuplicate},
		refusal{"alice: end phone; create field new at 13", nil},
		// What is no place may be of many.
		refusal{"alice: create field new; create field other", nil},
	)
	cached := base.Fork()
	cached.State = through(t, base.State)
	check(t, cached,
		refusal{"alice: create field new at 12", nil},
		refusal{"alice: create field new at 13", officer.ErrDuplicate},
	)
	base.Do("alice: create field new at 12")
	for _, o := range []*officertest.Org{base, base.Fork()} {
		o.State = through(t, o.State) // the cache knows what is taken, and what is free again
		check(t, o,
			refusal{"alice: create field other at 12", officer.ErrDuplicate},
			refusal{"alice: create field other at 14", nil},
		)
		// Ended twice over, the first one's end frees nothing of the second's.
		check(t, o, refusal{"alice: end ssn", officer.ErrEnded})
		o.Do("alice: end new")
	}
	check(t, base, refusal{"alice: create field other at 12", nil})
}
