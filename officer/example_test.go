package officer_test

import (
	"fmt"
	"log"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/officertest"
)

// Found an organization, let a member in, grant them a field, and ask what
// anybody may ask who replays the log.
func Example() {
	// People make their keys and cards themselves; see package keyring.
	alice, bob := officertest.NewPerson("alice"), officertest.NewPerson("bob")
	device := alice.Device(officertest.FirstDevice)

	// The first entry founds the organization; its hash is the organization.
	entry := officer.Entry{Time: time.Now(), Author: device.ID(), Operations: []officer.Operation{
		&officer.Genesis{
			Nonce: [16]byte{1, 2, 3}, // from crypto/rand
			Card:  alice.File.Card.Bytes(),
			Name:  officertest.NewOpening(officer.TextOrganization, "Example LLP").Commitment(),
		},
	}}
	genesis, err := entry.Sign(device.Sign)
	if err != nil {
		log.Fatal(err)
	}
	organization := officer.OrganizationOf(genesis)
	state, err := officer.Replay(organization, [][]byte{genesis})
	if err != nil {
		log.Fatal(err)
	}

	// The second lets Bob in, makes a field and grants it to him. The envelope
	// with its key is in the store by now; see package officer/plan.
	phone := officer.ResourceID{7}
	entry = officer.Entry{
		Organization: organization, Sequence: state.Head().Length, Previous: state.Head().Hash,
		Time: time.Now(), Author: device.ID(),
		Operations: []officer.Operation{
			&officer.MemberAdded{Card: bob.File.Card.Bytes(), Role: officer.RoleMember},
			&officer.KeyCreated{
				Resource: phone, Of: wire.KindField, Binding: officer.Binding{Connector: "tabular"},
				Commitment: officer.Hash{1}, Label: officertest.NewOpening(officer.TextLabel, "phone").Commitment(),
			},
			&officer.Grant{Resource: phone, Principal: officer.MemberPrincipal(bob.ID()), Rights: officer.Read | officer.Write},
		},
	}
	second, err := entry.Sign(device.Sign)
	if err != nil {
		log.Fatal(err)
	}

	// A client that has pinned the organization believes the log, no one else.
	state, err = officer.Replay(organization, [][]byte{genesis, second})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("entries:", state.Head().Length)
	for _, m := range state.Members() {
		fmt.Println(m.Role, "with rights:", state.Resource(phone).Rights(officer.MemberPrincipal(m.ID)))
	}
	_, key, err := state.SealTo(bob.ID(), time.Now())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Bob may hold the key from Alice:", state.MayHold(phone, 1, bob.ID(), key, device.ID()) == nil)
	fmt.Println("from himself:", state.MayHold(phone, 1, bob.ID(), key, bob.Device(officertest.FirstDevice).ID()))

	// Bob cannot hand out what he may only read and write.
	entry.Sequence, entry.Previous = state.Head().Length, state.Head().Hash
	entry.Author = bob.Device(officertest.FirstDevice).ID()
	entry.Operations = []officer.Operation{
		&officer.Grant{Resource: phone, Principal: officer.MemberPrincipal(bob.ID()), Rights: officer.Read | officer.Write | officer.Share},
	}
	third, err := entry.Sign(bob.Device(officertest.FirstDevice).Sign)
	if err != nil {
		log.Fatal(err)
	}
	_, err = state.Apply(third)
	fmt.Println(err)
	// Output:
	// entries: 2
	// officer with rights: read, write, share
	// member with rights: read, write
	// Bob may hold the key from Alice: true
	// from himself: the author may not do this
	// log entry 2, operation 1 (grant): the author may not do this
}
