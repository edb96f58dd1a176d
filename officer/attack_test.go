package officer_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// The attacks that the log itself has to defeat, by their numbers. Each test
// shows first that the same steps without the attack succeed.

// refused fails the test unless err is want.
func refused(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func accepted(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s, without an attack: %v", what, err)
	}
}

func replays(org officer.OrganizationID, log [][]byte) error {
	_, err := officer.Replay(org, log)
	return err
}

// Attack 8: the keys of an organization are overwritten right after it was
// made. Its id commits to them.
func TestAttack8GenesisCommitsToKeys(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: add bob as member")
	accepted(t, "replay", replays(o.ID, o.Log))

	mallory := officertest.New(t, "mallory") // the same name, nonce and time, other keys
	refused(t, "another founder", replays(o.ID, mallory.Log), officer.ErrOrganization)
	refused(t, "another founder before the same entries", replays(o.ID, [][]byte{mallory.Log[0], o.Log[1]}), officer.ErrOrganization)
	refused(t, "the same entries for whoever believes the id", replays(mallory.ID, [][]byte{mallory.Log[0], o.Log[1]}), officer.ErrChain)

	// Alice's card with keys of the store's choice does not carry her signature.
	genesis, err := officer.DecodeEntry(o.Log[0])
	accepted(t, "decode", err)
	op := *genesis.Operations[0].(*officer.Genesis)
	op.Card = bytes.Replace(op.Card, o.Person("alice").File.Card.UserKey(), o.Person("mallory").File.Card.UserKey(), 1)
	forged := genesis
	forged.Operations = []officer.Operation{&op}
	b := o.Sign("alice", forged)
	refused(t, "a card with another user key", replays(officer.OrganizationOf(b), [][]byte{b}), officer.ErrCard)
	forged.Operations = genesis.Operations
	b = o.Sign("mallory", forged)
	refused(t, "signed by another", replays(officer.OrganizationOf(b), [][]byte{b}), officer.ErrSignature)
	forged.Author = o.Author("mallory").ID()
	b = o.Sign("mallory", forged)
	refused(t, "written by another's device", replays(officer.OrganizationOf(b), [][]byte{b}), officer.ErrGenesis)

	// A second founding is nothing that an entry can do.
	refused(t, "founded again", o.TryOps("alice", &op), officer.ErrAuthority)
	for name, ops := range map[string][]officer.Operation{
		"no genesis":       {o.Op("create field phone")},
		"genesis and more": {genesis.Operations[0], o.Op("create field phone")},
	} {
		first := genesis
		first.Operations = ops
		b := o.Sign("alice", first)
		refused(t, name, replays(officer.OrganizationOf(b), [][]byte{b}), officer.ErrGenesis)
	}
}

// Attack 10: an empty answer is a fault, never a new beginning.
func TestAttack10EmptyList(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: create field phone")
	accepted(t, "replay", replays(o.ID, o.Log))

	refused(t, "no log", replays(o.ID, nil), officer.ErrEmpty)
	refused(t, "an empty log", replays(o.ID, [][]byte{}), officer.ErrEmpty)
	refused(t, "an empty entry", replays(o.ID, [][]byte{{}}), officer.ErrOrganization)
	refused(t, "an empty entry later", replays(o.ID, append(slices.Clone(o.Log), []byte{})), wire.ErrMalformed)
	_, err := new(officer.State).Apply(o.Log...)
	refused(t, "a state that no replay made", err, officer.ErrEmpty)
	_, err = officer.DecodeCache(nil)
	refused(t, "an empty cache", err, officer.ErrCache)
	// Nothing new is no entry: the same state, not an empty one.
	same, err := o.State.Apply()
	if accepted(t, "nothing new", err); same.Head() != o.State.Head() || same.Resource(o.ResourceID("phone")) == nil {
		t.Error("nothing new changed the state")
	}
}

// Attack 11: a stale log verifies, because it was true once. Its head is
// older, and every key that was rotated since then has another epoch and id.
func TestAttack11StaleLog(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do(
		"alice: add bob as member; create field phone; grant phone to bob r",
		"alice: revoke phone from bob; rotate phone",
		"alice: grant phone to bob r",
		"alice: revoke phone from bob; rotate phone",
	)
	accepted(t, "replay", replays(o.ID, o.Log))
	stale, err := officer.Replay(o.ID, o.Log[:2])
	accepted(t, "stale replay", err)
	if stale.Head().Length >= o.State.Head().Length {
		t.Error("the head does not show that the log is stale")
	}
	was, is := stale.Resource(o.ResourceID("phone")).Epoch(), o.Resource("phone").Epoch()
	if was.Number != 1 || is.Number != 3 || [8]byte(was.Commitment[:8]) == [8]byte(is.Commitment[:8]) {
		t.Errorf("epochs %d and %d do not show the rotation", was.Number, is.Number)
	}
	if !o.Resource("phone").Epochs[0].Closed || !o.Resource("phone").Epochs[1].Closed {
		t.Error("a former epoch is open")
	}
	// Hiding one entry in the middle breaks the chain.
	for i := 1; i < len(o.Log)-1; i++ {
		refused(t, fmt.Sprint("without entry ", i), replays(o.ID, slices.Delete(slices.Clone(o.Log), i, i+1)), officer.ErrChain)
	}
	for i := 2; i < len(o.Log); i++ {
		swapped := slices.Clone(o.Log)
		swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
		refused(t, fmt.Sprint("entries swapped at ", i), replays(o.ID, swapped), officer.ErrChain)
	}
	refused(t, "an entry twice", replays(o.ID, append(slices.Clone(o.Log), o.Log[len(o.Log)-1])), officer.ErrChain)
}

// Attack 13: another organization in the place of the pinned one.
func TestAttack13ClonedOrganization(t *testing.T) {
	t.Parallel()
	o := officertest.NewWith(t, "alice", "Example LLP")
	accepted(t, "replay", replays(o.ID, o.Log))

	clone := officertest.NewWith(t, "alice", "Example LLC") // even by the same person
	refused(t, "another genesis", replays(o.ID, clone.Log), officer.ErrOrganization)

	// An entry of the clone, and one that only claims its id.
	clone.Do("alice: add bob as member")
	refused(t, "an entry of another organization", o.Append(clone.Log[1]), officer.ErrChain)
	e := o.Entry("alice", o.Op("add bob as member"))
	e.Organization = clone.ID
	refused(t, "another id on the same chain", o.Append(o.Sign("alice", e)), officer.ErrOrganization)
	e.Organization = officer.OrganizationID{}
	refused(t, "no id", o.Append(o.Sign("alice", e)), officer.ErrOrganization)
	e.Organization = o.ID
	accepted(t, "the entry", o.Append(o.Sign("alice", e)))

	// A device accepts for one organization and one member.
	foreign := o.Op("add device bob/laptop").(*officer.DeviceAdded)
	foreign.Acceptance = o.Author("bob/laptop").Accept(clone.ID, o.Person("bob").ID())
	refused(t, "accepted elsewhere", o.TryOps("bob", foreign), officer.ErrOperation)
	foreign.Acceptance = o.Author("bob/laptop").Accept(o.ID, o.Person("alice").ID())
	refused(t, "accepted for another member", o.TryOps("bob", foreign), officer.ErrOperation)
	accepted(t, "accepted", o.Try("bob: add device bob/laptop"))
}

// Attack 15: a removed device signs an entry that claims to be old. Authority
// goes by the position in the chain; the time is only shown.
func TestAttack15BackDated(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: add bob as member", "bob: add device bob/laptop", "alice: create field phone")
	before := o.Fork()
	accepted(t, "the entry before the removal", before.Try("bob/laptop: create folder case"))

	o.Do("alice: remove device bob/laptop")
	e := o.Entry("bob/laptop", o.Op("create folder case"))
	for _, claim := range []time.Time{officertest.Start(), time.Unix(0, 0), e.Time.AddDate(5, 0, 0)} {
		e.Time = claim
		refused(t, "dated "+claim.String(), o.Append(o.Sign("bob/laptop", e)), officer.ErrAuthor)
	}
	// In its old place it does not continue into the log that is known.
	spliced := slices.Concat(o.Log[:4], before.Log[4:], o.Log[4:])
	refused(t, "inserted", replays(o.ID, spliced), officer.ErrChain)
	// Signing as somebody who may is signing wrongly.
	e = o.Entry("alice", o.Op("create folder case"))
	refused(t, "in another's name", o.Append(o.Sign("bob/laptop", e)), officer.ErrSignature)
	// An honest clock that is wrong does no harm.
	e.Time = time.Unix(1, 0)
	accepted(t, "a wrong clock", o.Append(o.Sign("alice", e)))
	if !o.State.HeadTime().Equal(e.Time) {
		t.Errorf("the claim is not shown: %v", o.State.HeadTime())
	}
}

// Attack 16: more is done than a role or a right allows. TestAuthority has
// every case; here are those that somebody would want.
func TestAttack16Authority(t *testing.T) {
	t.Parallel()
	base := officertest.New(t, "alice").Do(
		"alice: create directory people; create field phone; create folder case",
		"alice: add bob as member; add greta as guest; add carol as member; add olga as officer",
		"alice: grant phone to bob rw; grant case to greta rw; grant people to bob rw",
	)
	check(t, base,
		refusal{"alice: add mallory as officer", nil},
		refusal{"bob: add mallory as officer", officer.ErrAuthority},
		refusal{"bob: add mallory as guest", officer.ErrAuthority},
		refusal{"alice: grant phone to carol r", nil},
		refusal{"bob: grant phone to carol r", officer.ErrAuthority},
		refusal{"bob: grant phone to bob rws", officer.ErrAuthority},
		refusal{"greta: grant case to carol r", officer.ErrAuthority},
		refusal{"greta: grant case to greta rws", officer.ErrAuthority},
		refusal{"greta: create folder mine", officer.ErrAuthority},
		refusal{"alice: grant case to greta rs", officer.ErrRights},
		refusal{"alice: grant people to greta r", officer.ErrRights},
		refusal{"olga: grant phone to olga rws", officer.ErrAuthority},
		refusal{"olga: grant phone to carol r", officer.ErrAuthority},
		refusal{"bob: rotate phone", officer.ErrAuthority},
		refusal{"bob: revoke phone from alice; close phone", officer.ErrAuthority},
		// Rights that one entry would give and use.
		refusal{"bob: create folder mine; grant mine to carol rws", nil},
		refusal{"bob: grant phone to bob rws; grant phone to carol r", officer.ErrAuthority},
		refusal{"bob: add mallory as officer; create field new", officer.ErrAuthority},
	)
	// Who shares without writing hands out no writing.
	base.Do("alice: grant phone to bob rs")
	check(t, base,
		refusal{"bob: grant phone to carol r", nil},
		refusal{"bob: grant phone to carol rs", nil},
		refusal{"bob: grant phone to carol rw", officer.ErrRights},
		refusal{"bob: grant phone to bob rw", officer.ErrRights},
		refusal{"bob: grant phone to carol w", officer.ErrRights},
		refusal{"bob: grant phone to carol s", officer.ErrRights},
	)
}

// Attack 18: one key id for two keys, or one key for two purposes.
func TestAttack18KeyIDTwice(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: create field phone; create folder case", "alice: rotate phone; rotate case", "alice: add bob as member")
	create := func(mutate func(*officer.KeyCreated)) error {
		op := o.Op("create folder other").(*officer.KeyCreated)
		mutate(op)
		return o.Fork().TryOps("alice", op)
	}
	rotate := func(mutate func(*officer.KeyRotated)) error {
		op := o.Op("rotate case").(*officer.KeyRotated)
		mutate(op)
		return o.Fork().TryOps("alice", op)
	}
	user := func(mutate func(*officer.UserKeyRotated)) error {
		op := o.Op("rotate user alice").(*officer.UserKeyRotated)
		mutate(op)
		return o.Fork().TryOps("alice", op)
	}
	accepted(t, "create", create(func(*officer.KeyCreated) {}))
	accepted(t, "rotate", rotate(func(*officer.KeyRotated) {}))
	accepted(t, "user key", user(func(*officer.UserKeyRotated) {}))

	alice, bob := o.Person("alice"), o.Person("bob")
	commitments := map[string]officer.Hash{
		"an older epoch":         o.Resource("case").Epochs[0].Commitment,
		"the present epoch":      o.Resource("case").Epochs[1].Commitment,
		"another resource":       o.Resource("phone").Epochs[0].Commitment,
		"a user key":             bob.File.Card.UserKeyCommitment(),
		"one's own old user key": alice.File.Card.UserKeyCommitment(),
	}
	sameID := o.Resource("phone").Epochs[0].Commitment
	sameID[31] ^= 1
	commitments["the same key id, another commitment"] = sameID
	for name, c := range commitments {
		refused(t, "create: "+name, create(func(op *officer.KeyCreated) { op.Commitment = c }), officer.ErrDuplicate)
		refused(t, "rotate: "+name, rotate(func(op *officer.KeyRotated) { op.Commitment = c }), officer.ErrDuplicate)
		refused(t, "user key: "+name, user(func(op *officer.UserKeyRotated) { op.Commitment = c }), officer.ErrDuplicate)
	}
	for name, public := range map[string][]byte{
		"a folder's older key": o.Resource("case").Epochs[0].Public,
		"a folder's key":       o.Resource("case").Epochs[1].Public,
		"a user key":           bob.File.Card.UserKey(),
		"a device's key":       alice.Device(officertest.FirstDevice).Record.Encryption,
	} {
		refused(t, "create: "+name, create(func(op *officer.KeyCreated) { op.Public = public }), officer.ErrDuplicate)
		refused(t, "rotate: "+name, rotate(func(op *officer.KeyRotated) { op.Public = public }), officer.ErrDuplicate)
		refused(t, "user key: "+name, user(func(op *officer.UserKeyRotated) { op.Public = public }), officer.ErrDuplicate)
	}
	// Twice in one entry.
	one, two := o.Op("create field one").(*officer.KeyCreated), o.Op("create field two").(*officer.KeyCreated)
	two.Commitment = one.Commitment
	refused(t, "twice in one entry", o.TryOps("alice", one, two), officer.ErrDuplicate)
	two.Commitment, two.Resource = o.Key("two", 1).Commitment(), one.Resource
	refused(t, "one resource twice", o.TryOps("alice", one, two), officer.ErrDuplicate)

	// The same 32 bytes as key of another epoch or resource are another key.
	raw := secret.New(bytes.Repeat([]byte{7}, datakey.Size))
	seen := map[wire.Hash]string{}
	for name, c := range map[string]wire.KeyContext{
		"one":                  {Organization: o.ID, Resource: []byte("0123456789abcdef"), Kind: wire.KindField, Epoch: 1},
		"another epoch":        {Organization: o.ID, Resource: []byte("0123456789abcdef"), Kind: wire.KindField, Epoch: 2},
		"another kind":         {Organization: o.ID, Resource: []byte("0123456789abcdef"), Kind: wire.KindFolder, Epoch: 1},
		"another resource":     {Organization: o.ID, Resource: []byte("0123456789abcdeg"), Kind: wire.KindField, Epoch: 1},
		"another organization": {Resource: []byte("0123456789abcdef"), Kind: wire.KindField, Epoch: 1},
	} {
		k, err := datakey.New(c, raw)
		accepted(t, "key", err)
		if other, dup := seen[k.Commitment()]; dup {
			t.Errorf("%s and %s have one commitment", name, other)
		}
		seen[k.Commitment()] = name
	}
}

// Attack 52: two officers act at once. A store takes one of the two entries;
// the other does not continue the log, and made again it does.
func TestAttack52TwoOfficers(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: add olga as officer; create field phone", "alice: grant phone to olga rws")
	first, second := o.Write("alice: add bob as member"), o.Write("olga: create field fax")
	accepted(t, "the second alone", o.Fork().Append(second))

	accepted(t, "the first", o.Append(first))
	head := o.State.Head()
	refused(t, "the second after it", o.Append(second), officer.ErrChain)
	if o.State.Head() != head {
		t.Error("a refused entry moved the head")
	}
	accepted(t, "the second, made again", o.Try("olga: create field fax"))

	// What cannot be made again says why.
	first, second = o.Write("alice: rotate phone"), o.Write("olga: rotate phone")
	accepted(t, "the first rotation", o.Append(first))
	refused(t, "the second rotation", o.Append(second), officer.ErrChain)
	refused(t, "the second rotation with its old number", o.Try("olga: rotate phone@2"), officer.ErrEpoch)
	accepted(t, "the second rotation, made again", o.Try("olga: rotate phone"))
	refused(t, "a member added twice", o.Try("olga: add bob as guest"), officer.ErrDuplicate)
	for _, line := range []string{"alice: create directory people", "olga: create directory people2"} {
		if err := o.Try(line); err != nil {
			refused(t, "a second directory", err, officer.ErrDuplicate)
		} else if strings.HasPrefix(line, "olga") {
			t.Error("two directories")
		}
	}
}
