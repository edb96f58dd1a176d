package officer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// removalBase has an officer who shares everything (alice), one who reads
// "phone" alone (olga), a member with two devices (bob) and a guest (greta).
func removalBase(t *testing.T) *officertest.Org {
	t.Helper()
	return officertest.New(t, "alice").Do(
		"alice: create directory people; create field phone; create field fax; create folder case",
		"alice: add olga as officer; add bob as member; add greta as guest; add carol as member",
		"alice: grant people to bob rw; grant phone to bob r; grant case to bob rws; grant case to greta r; grant phone to olga r; grant phone to carol rws",
		"bob: add device bob/laptop",
		"alice: add device alice/laptop",
		"greta: add device greta/laptop",
	)
}

// Attack 58: a part of a removal. It is one entry with one signature, and an
// author who leaves something out is refused as well.
func TestAttack58PartOfRemoval(t *testing.T) {
	t.Parallel()
	base := removalBase(t)
	for _, line := range []string{
		"alice: remove device bob/laptop; rotate people; rotate phone; rotate case",
		"alice: remove device bob/laptop; close people; close phone; rotate case",
		"olga: remove device bob/laptop; close people; rotate phone; close case",
		"olga: remove device greta/laptop; close case",
		"bob: remove device bob/laptop; rotate user bob; close people; close phone; rotate case",
		"alice: remove device alice/laptop; rotate user alice; rotate people; rotate phone; rotate fax; rotate case",
		"alice: revoke phone from bob; rotate phone",
		"carol: revoke phone from bob; close phone",
		"olga: revoke case from greta; close case",
		"alice: revoke phone from bob; revoke case from bob; rotate phone; rotate case",
	} {
		whole := base.For(t).Write(line)
		accepted(t, line, base.Fork().Append(whole))

		author, script, _ := strings.Cut(line, ":")
		ops := base.Ops(script)
		required := 0
		for i := range ops {
			if k := ops[i].Kind(); k != officer.OpDeviceRemoved && k != officer.OpRevoke {
				required++
				without := slices.Delete(slices.Clone(ops), i, i+1)
				refused(t, fmt.Sprintf("%s, without %s", line, k), base.Fork().TryOps(author, without...), officer.ErrIncomplete)
			}
		}
		if required == 0 {
			t.Fatalf("%s requires nothing", line)
		}
		for n := 1; n < len(ops); n++ { // a prefix, which the signature does not cover
			err := base.Fork().TryOps(author, ops[:n]...)
			if err == nil {
				t.Errorf("%s: the first %d operations are accepted", line, n)
			}
			entry, err := officer.DecodeEntry(whole)
			accepted(t, "decode", err)
			entry.Operations = entry.Operations[:n]
			short, err := entry.Sign(func(string, []byte) []byte { return whole[len(whole)-64:] })
			accepted(t, "encode", err)
			refused(t, fmt.Sprintf("%s: %d operations under the signature of all", line, n), base.Fork().Append(short), officer.ErrSignature)
		}
		for _, n := range []int{1, len(whole) / 2, len(whole) - 1} {
			refused(t, "cut bytes", base.Fork().Append(whole[:n]), wire.ErrMalformed)
		}
	}
}

// Attack 60: the one who removes gains keys. Who is not granted a resource
// closes it and cannot rotate it; the next who shares it does.
func TestAttack60RemoverGainsNothing(t *testing.T) {
	t.Parallel()
	base := removalBase(t)
	check(t, base,
		refusal{"alice: remove device greta/laptop; rotate case", nil},
		refusal{"olga: remove device greta/laptop; close case", nil},
		refusal{"olga: remove device greta/laptop; rotate case", officer.ErrAuthority},
		refusal{"olga: revoke case from greta; rotate case", officer.ErrAuthority},
		refusal{"olga: revoke case from greta; close case; rotate case", officer.ErrAuthority},
		// What olga reads, she knows anyway; but only where it is due.
		refusal{"olga: revoke phone from bob; rotate phone", nil},
		refusal{"olga: rotate phone", officer.ErrAuthority},
		refusal{"olga: revoke case from greta; close case; rotate phone", officer.ErrAuthority},
		refusal{"olga: revoke case from greta; close case; grant case to olga r", officer.ErrAuthority},
		refusal{"olga: revoke case from greta; close case; reseal case to olga", officer.ErrAuthority},
	)
	base.Do("olga: remove device greta/laptop; close case")
	if r := base.Rights("case", "olga"); r != 0 {
		t.Errorf("olga has %s", r)
	}
	if e := base.Resource("case").Epoch(); !e.Closed || e.Number != 1 {
		t.Errorf("epoch %d, closed %v", e.Number, e.Closed)
	}
	check(t, base,
		refusal{"olga: rotate case", officer.ErrAuthority},
		refusal{"alice: grant case to carol r", officer.ErrClosed},
		refusal{"alice: file case.label under case", officer.ErrEpoch},
		refusal{"alice: close case", officer.ErrEpoch},
		refusal{"bob: rotate case", nil},
		refusal{"bob: rotate case; grant case to carol r", nil},
	)
}

// The last device, the last sharer: nobody would be left to act.
func TestLast(t *testing.T) {
	t.Parallel()
	base := removalBase(t)
	check(t, base,
		refusal{"alice: remove device carol/first; rotate phone", officer.ErrLast},
		refusal{"alice: remove device bob/laptop; remove device bob/first; rotate people; rotate phone; rotate case", officer.ErrLast},
		refusal{"alice: remove device bob/none; rotate phone", officer.ErrUnknown},
		refusal{"alice: grant fax to alice rw", officer.ErrLast},
		refusal{"alice: grant fax to carol rws; grant fax to alice rw", nil},
		refusal{"alice: grant fax to alice rws", nil},
		refusal{"alice: revoke fax from bob; rotate fax", officer.ErrUnknown},
		refusal{"alice: reseal fax to bob", officer.ErrUnknown},
		refusal{"alice: reseal phone@2 to bob", officer.ErrEpoch},
		refusal{"alice: reseal phone@0 to bob", nil}, // 0 stands for the present one in a script
		refusal{"alice: grant none to bob r", officer.ErrUnknown},
		refusal{"alice: grant fax to nobody r", officer.ErrUnknown},
		refusal{"alice: rotate none", officer.ErrUnknown},
		refusal{"alice: close none", officer.ErrUnknown},
		refusal{"alice: revoke none from bob", officer.ErrUnknown},
		refusal{"alice: reseal none to bob", officer.ErrUnknown},
		refusal{"alice: file phone.label under none", officer.ErrUnknown},
		refusal{"alice: file none.label under phone", officer.ErrUnknown},
		refusal{"alice: rotate phone@3", officer.ErrEpoch},
		refusal{"alice: rotate phone@1", officer.ErrEpoch},
		refusal{"alice: close phone@2", officer.ErrEpoch},
		refusal{"alice: rotate phone; rotate phone@3", officer.ErrEpoch},
		refusal{"alice: rotate phone; close phone@2", officer.ErrEpoch},
		refusal{"alice: rotate user alice@3", officer.ErrEpoch},
		refusal{"alice: rotate user alice@1", officer.ErrEpoch},
		refusal{"alice: rotate user alice; rotate user alice@3", officer.ErrEpoch},
		refusal{"alice: file phone.label under phone@2", officer.ErrEpoch},
		refusal{"bob: add device bob/laptop", officer.ErrDuplicate},
		refusal{"alice: add device alice/laptop", officer.ErrDuplicate},
		refusal{"nobody: create folder mine", officer.ErrAuthor},
	)
	base.Do("alice: remove device bob/laptop; rotate people; rotate phone; rotate case")
	check(t, base,
		refusal{"alice: remove device bob/laptop", officer.ErrUnknown},
		refusal{"bob: add device bob/laptop", officer.ErrDuplicate},
	)
}

// Attack 14, the log's part: an invitation is answered once.
func TestAttack14InvitationTwice(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: add olga as officer answering one")
	check(t, o,
		refusal{"alice: add bob as member answering two", nil},
		refusal{"alice: add bob as member answering one", officer.ErrDuplicate},
		refusal{"olga: add bob as guest answering one", officer.ErrDuplicate},
		refusal{"alice: add bob as member answering two; add carol as member answering two", officer.ErrDuplicate},
		refusal{"alice: add bob as member; add carol as member", nil},
	)
}

// Malformed operations that no script writes.
func TestMalformedOperations(t *testing.T) {
	t.Parallel()
	o := removalBase(t)
	long := make([]byte, 2*wire.MaxText+1)
	for name, op := range map[string]officer.Operation{
		"no items":             &officer.Directory{Resource: o.ResourceID("phone"), Epoch: 1},
		"an empty opening":     &officer.Directory{Resource: o.ResourceID("phone"), Epoch: 1, Items: []officer.DirectoryItem{{Commitment: o.Name.Commitment()}}},
		"a long opening":       &officer.Directory{Resource: o.ResourceID("phone"), Epoch: 1, Items: []officer.DirectoryItem{{Commitment: o.Name.Commitment(), Sealed: long}}},
		"no previous key":      &officer.KeyRotated{Resource: o.ResourceID("phone"), Epoch: 2, Commitment: officer.Hash{1}},
		"a short previous key": &officer.KeyRotated{Resource: o.ResourceID("phone"), Epoch: 2, Commitment: officer.Hash{1}, Previous: make([]byte, 71)},
		"a long previous key":  &officer.KeyRotated{Resource: o.ResourceID("phone"), Epoch: 2, Commitment: officer.Hash{1}, Previous: make([]byte, 73)},
		"no previous user key": &officer.UserKeyRotated{Member: o.Person("alice").ID(), Generation: 2, Public: o.Person("alice").PrivateKey(o.ID, 2).Public()},
		"a field's public key": &officer.KeyRotated{Resource: o.ResourceID("phone"), Epoch: 2, Commitment: officer.Hash{1}, Previous: make([]byte, 72), Public: []byte{1}},
	} {
		refused(t, name, o.Fork().TryOps("alice", op), officer.ErrOperation)
	}
	refused(t, "a folder without a key", o.Fork().TryOps("alice", &officer.KeyRotated{Resource: o.ResourceID("case"), Epoch: 2, Commitment: officer.Hash{1}, Previous: make([]byte, 72)}), officer.ErrKey)
	// A place in an outside system belongs to one resource.
	bound := func(name string) officer.Operation {
		op := o.Op("create field " + name).(*officer.KeyCreated)
		op.Binding = officer.Binding{Connector: "clio", Account: "1", Kind: "custom-field", ID: "7"}
		return op
	}
	accepted(t, "a binding", o.TryOps("alice", bound("one")))
	refused(t, "a binding twice", o.TryOps("alice", bound("two")), officer.ErrDuplicate)
}

// Who may receive which epoch from whom, under which of their keys: the log's
// part of attacks 9, 17 and 61.
func TestMayHold(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do(
		"alice: add bob as member; add carol as member; add dora as member",
		"alice: create field phone; create field fax; grant phone to bob rws; grant phone to carol r",
		"bob: grant phone to dora r",
		"alice: rotate phone",
		"bob: reseal phone@1 to carol",
		"bob: rotate user bob",
		"alice: revoke phone from dora; rotate phone",
	)
	hash := func(person string, generation uint64) officer.Hash {
		return pubkey.Hash(o.Person(person).PrivateKey(o.ID, generation).Public())
	}
	type claim struct {
		resource string
		epoch    uint64
		to       string
		key      officer.Hash
		from     string
	}
	for _, c := range []struct {
		claim
		want error
	}{
		{claim{"phone", 1, "alice", hash("alice", 1), "alice"}, nil},                // made it
		{claim{"phone", 1, "bob", hash("bob", 1), "alice"}, nil},                    // granted it
		{claim{"phone", 1, "bob", hash("bob", 2), "alice"}, nil},                    // under a later user key
		{claim{"phone", 3, "bob", hash("bob", 2), "alice"}, nil},                    // rotated it
		{claim{"phone", 1, "carol", hash("carol", 1), "bob"}, nil},                  // re-sealed it
		{claim{"phone", 2, "carol", hash("carol", 1), "bob"}, officer.ErrAuthority}, // another epoch
		{claim{"phone", 1, "bob", hash("bob", 1), "bob"}, officer.ErrAuthority},     // no sender of it
		{claim{"phone", 1, "bob", hash("bob", 1), "carol"}, officer.ErrAuthority},   // a reader
		{claim{"phone", 1, "bob", hash("bob", 1), "mallory"}, officer.ErrAuthority},
		{claim{"phone", 1, "bob", hash("carol", 1), "alice"}, officer.ErrKey},
		{claim{"phone", 1, "bob", hash("bob", 3), "alice"}, officer.ErrKey},
		{claim{"phone", 1, "bob", officer.Hash{}, "alice"}, officer.ErrKey},
		{claim{"phone", 0, "bob", hash("bob", 1), "alice"}, officer.ErrEpoch},
		{claim{"phone", 4, "bob", hash("bob", 1), "alice"}, officer.ErrEpoch},
		{claim{"phone", 1, "dora", hash("dora", 1), "bob"}, officer.ErrRights}, // revoked
		{claim{"phone", 3, "dora", hash("dora", 1), "alice"}, officer.ErrRights},
		{claim{"fax", 1, "bob", hash("bob", 1), "alice"}, officer.ErrRights},
		{claim{"none", 1, "bob", hash("bob", 1), "alice"}, officer.ErrUnknown},
		{claim{"phone", 1, "mallory", hash("mallory", 1), "alice"}, officer.ErrUnknown},
	} {
		err := o.State.MayHold(o.ResourceID(c.resource), c.epoch, o.Person(c.to).ID(), c.key, o.Author(c.from).ID())
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s@%d to %s from %s: %v, want %v", c.resource, c.epoch, c.to, c.from, err, c.want)
		}
	}
	// Granted anew, dora holds what is granted now and not what bob sent then.
	o.Do("alice: grant phone to dora r")
	dora, key := o.Person("dora").ID(), hash("dora", 1)
	accepted(t, "granted anew", o.State.MayHold(o.ResourceID("phone"), 3, dora, key, o.Author("alice").ID()))
	refused(t, "bob's old envelope", o.State.MayHold(o.ResourceID("phone"), 1, dora, key, o.Author("bob").ID()), officer.ErrAuthority)
}

// To which key something may be sealed (P2).
func TestSealTo(t *testing.T) {
	t.Parallel()
	o := officertest.New(t, "alice").Do("alice: add bob as member; add greta as guest until 1800000000", "bob: add device bob/laptop")
	now := time.Unix(1799999999, 0)
	sealsTo := func(person string, generation uint64) {
		t.Helper()
		public, hash, err := o.State.SealTo(o.Person(person).ID(), now)
		want := o.Person(person).PrivateKey(o.ID, generation)
		if err != nil || !slices.Equal(public, want.Public()) || hash != want.Hash() {
			t.Errorf("%s: not generation %d: %v", person, generation, err)
		}
	}
	refuses := func(person string, want error) {
		t.Helper()
		public, _, err := o.State.SealTo(o.Person(person).ID(), now)
		if !errors.Is(err, want) || public != nil {
			t.Errorf("%s: %v, want %v", person, err, want)
		}
	}
	sealsTo("bob", 1)
	sealsTo("greta", 1)
	refuses("mallory", officer.ErrUnknown)
	o.Do("alice: remove device bob/laptop")
	refuses("bob", officer.ErrClosed)
	o.Do("bob: rotate user bob")
	sealsTo("bob", 2)
	now = now.Add(time.Second)
	refuses("greta", officer.ErrClosed)
	sealsTo("bob", 2)
	now = time.Unix(-1, 0) // a clock that says 1969 is before every expiry
	sealsTo("greta", 1)

	if k, ok := o.State.SigningKey(o.Author("bob/laptop").ID()); !ok || !slices.Equal(k, o.Author("bob/laptop").Record.Signing) {
		t.Error("a removed device has lost its signing key")
	}
	if _, ok := o.State.SigningKey(o.Author("mallory").ID()); ok {
		t.Error("a signing key of nobody")
	}
}
