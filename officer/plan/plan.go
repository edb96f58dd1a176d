// Package plan makes the changes that the membership log records: it builds
// the operations of one entry together with the envelopes and messages that must
// be in the store before the entry is.
//
// A plan is made from a verified state and the author's unlocked keys; it
// touches neither store nor network. The workspace uploads a plan's envelopes,
// signs its entry and appends it; when somebody else was faster, it makes the
// plan again from the new state.
//
// The package needs secret keys, so nothing that a relay links may import it.
// Its functions may change until release 1.0.0; what they write is spec/log.md
// and spec/envelope.md.
package plan

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
)

// ErrNoKey: the author was to hold a key for this and does not.
var ErrNoKey = errors.New("the key that this needs is not held")

// Filed is an envelope and the place where a store files it.
type Filed struct {
	Index    officer.Hash
	Envelope []byte
}

// Message is a message and the mailbox that it goes to.
type Message struct {
	Box  officer.Hash
	Data []byte
}

// Plan is one entry's operations and what of the store it needs.
type Plan struct {
	Operations []officer.Operation
	Envelopes  []Filed
	Mail       []Message
	Blobs      [][]byte // of operations that ride outside the entry, see Pack
	// Skipped are principals who are granted a rotated key but cannot be
	// sealed to now: their key is closed or their time is over.
	Skipped []officer.Principal
	// Unenrolled tells that the member's enrolment into recovery ends, and that
	// too few officers are left to enrol with again.
	Unenrolled bool
}

// Join adds what another plan does, so that one entry does both.
func (p *Plan) Join(o *Plan) {
	p.Operations = append(p.Operations, o.Operations...)
	p.Envelopes = append(p.Envelopes, o.Envelopes...)
	p.Mail = append(p.Mail, o.Mail...)
	p.Blobs = append(p.Blobs, o.Blobs...)
	p.Skipped = append(p.Skipped, o.Skipped...)
	p.Unenrolled = p.Unenrolled || o.Unenrolled
}

// Author makes plans: a verified state, the author's device and the clock that
// says which guests have expired. Without an Escrow it enrols nobody into
// recovery.
type Author struct {
	State  *officer.State
	Device *keyring.Device
	Now    time.Time
	Escrow Escrow
}

// Key is a current data key with its resource.
type Key = datakey.Key

// Found makes the genesis entry of a new organization.
func Found(u *keyring.Unlocked, organizationName string, now time.Time) (genesis []byte, name officer.Opening, err error) {
	name, err = keyring.NewOpening(officer.TextOrganization, organizationName)
	if err != nil {
		return nil, name, fmt.Errorf("organization name: %w", err)
	}
	op := &officer.Genesis{Card: u.Card().Card.Bytes(), Name: name.Commitment()}
	_, _ = rand.Read(op.Nonce[:])
	e := officer.Entry{Time: now, Author: u.Keys().ID(), Operations: []officer.Operation{op}}
	genesis, err = e.Sign(u.Keys().Sign)
	return genesis, name, err
}

// CreateResource makes a resource with its first key, and files the label
// under the resource's own key and, unless it is the directory itself, under
// the directory's.
func (a Author) CreateResource(kind wire.KeyKind, binding officer.Binding, label officer.Opening, creator officer.MemberID, directory *Key) (*Plan, *Key, error) {
	var id officer.ResourceID
	_, _ = rand.Read(id[:])
	c := wire.KeyContext{Organization: a.State.Organization(), Resource: id[:], Kind: kind, Epoch: 1}
	key, err := datakey.Generate(c)
	if err != nil {
		return nil, nil, err
	}
	op := &officer.KeyCreated{Resource: id, Of: kind, Binding: binding, Commitment: key.Commitment(), Label: label.Commitment()}
	if kind == wire.KindFolder {
		pub, err := publicOf(key)
		if err != nil {
			return nil, nil, err
		}
		op.Public = pub
	}
	p := &Plan{Operations: []officer.Operation{op}}
	if err := a.sealTo(p, key, officer.MemberPrincipal(creator)); err != nil {
		return nil, nil, err
	}
	under := []*Key{key}
	if directory != nil {
		under = append(under, directory)
	}
	for _, k := range under {
		if err := p.AddOpenings(k, label); err != nil {
			return nil, nil, err
		}
	}
	return p, key, nil
}

func publicOf(key *Key) ([]byte, error) {
	private, err := envelope.NewPrivateKey(key.Raw())
	if err != nil {
		return nil, err
	}
	defer private.Destroy()
	return private.Public(), nil
}

// AddOpenings files openings under a resource's key, of its present epoch.
func (p *Plan) AddOpenings(under *Key, openings ...officer.Opening) error {
	c := under.Context()
	op := &officer.Directory{Resource: officer.ResourceID(c.Resource), Epoch: c.Epoch}
	for _, o := range openings {
		commitment := o.Commitment()
		sealed, err := under.Seal(wire.LabelKeyName, o.Encode(), commitment[:])
		if err != nil {
			return err
		}
		op.Items = append(op.Items, officer.DirectoryItem{Commitment: commitment, Sealed: sealed})
	}
	p.Operations = append(p.Operations, op)
	return nil
}

// OpenOpening reverses AddOpenings.
func OpenOpening(under *Key, sealed []byte, commitment officer.Hash) (officer.Opening, error) {
	b, err := under.Unseal(wire.LabelKeyName, sealed, commitment[:])
	if err != nil {
		return officer.Opening{}, err
	}
	return officer.DecodeOpening(b, commitment)
}

// AddMember lets somebody in and, unless they are a guest, grants them the
// directory: officers with all rights, so that one of them can go, others to
// read and write.
func (a Author) AddMember(card officer.CardFile, role officer.Role, expires time.Time, directory *Key) (*Plan, error) {
	op := &officer.MemberAdded{Card: card.Card.Bytes(), Role: role}
	if !expires.IsZero() {
		op.Expires = uint64(expires.Unix())
	}
	p := &Plan{Operations: []officer.Operation{op}}
	if role != officer.RoleGuest {
		rights := officer.Read | officer.Write
		if role == officer.RoleOfficer {
			rights |= officer.Share
		}
		p.Operations = append(p.Operations, &officer.Grant{
			Resource: officer.ResourceID(directory.Context().Resource), Principal: officer.MemberPrincipal(card.Card.ID()), Rights: rights,
		})
		// Not in the log yet: the key is the one on the card, whose own
		// signature ParseCard checked and which this very entry brings in.
		if err := a.seal(p, directory, officer.MemberPrincipal(card.Card.ID()), card.Card.UserKey()); err != nil {
			return nil, err
		}
	}
	return p, p.AddOpenings(directory, card.Name, card.Email)
}

// Grant gives a principal rights on a resource, whose present key it seals to
// them.
func (a Author) Grant(key *Key, to officer.Principal, rights officer.Rights) (*Plan, error) {
	p := &Plan{Operations: []officer.Operation{&officer.Grant{
		Resource: officer.ResourceID(key.Context().Resource), Principal: to, Rights: rights,
	}}}
	return p, a.sealTo(p, key, to)
}

// Reseal seals an epoch's key once more to a principal who is granted the
// resource. The plan has no operation where the log lets the author send it
// already.
func (a Author) Reseal(key *Key, to officer.Principal) (*Plan, error) {
	public, hash, err := a.publicKey(to)
	if err != nil {
		return nil, err
	}
	c := key.Context()
	p, id := &Plan{}, officer.ResourceID(c.Resource)
	if !a.maySend(id, c.Epoch, to, hash) {
		p.Operations = append(p.Operations, &officer.KeyResealed{Resource: id, Epoch: c.Epoch, Principal: to})
	}
	return p, a.seal(p, key, to, public)
}

func (a Author) maySend(id officer.ResourceID, epoch uint64, to officer.Principal, hash officer.Hash) bool {
	if m, ok := to.Member(); ok {
		return a.State.MayHold(id, epoch, m, hash, a.Device.ID()) == nil
	}
	group, _ := to.Group()
	g := a.State.Group(group)
	return g != nil && !g.Ended() && a.State.MayHoldThrough(group, id, epoch, g.Members[0].Member, hash, a.Device.ID()) == nil
}

// Revoke takes a principal's rights on a resource and opens its next epoch for
// those who remain; held is the present key.
func (a Author) Revoke(held *Key, from officer.Principal) (*Plan, *Key, error) {
	p := &Plan{Operations: []officer.Operation{&officer.Revoke{Resource: officer.ResourceID(held.Context().Resource), Principal: from}}}
	n := a.renewal(p, Held{})
	n.without = func(p officer.Principal) bool { return p.Kind == from.Kind && string(p.ID) == string(from.ID) }
	next, err := n.rotate(held)
	return p, next, err
}

// Rotate opens a resource's next epoch for all who are granted it, the author
// among them: with officer.ErrClosed it refuses to make a key that nobody
// could open tomorrow.
func (a Author) Rotate(held *Key) (*Plan, *Key, error) {
	p := &Plan{}
	next, err := a.renewal(p, Held{}).rotate(held)
	return p, next, err
}

// RotatePast opens a resource's next epoch where the present one's key is
// missing: who made it sealed it to nobody who is there. held is the key of an
// earlier epoch, to which the history leads from then on. Whatever was written
// in between opens only for those who hold its keys.
func (a Author) RotatePast(held *Key) (*Plan, *Key, error) {
	p := &Plan{}
	n := a.renewal(p, Held{})
	n.past = true
	next, err := n.rotate(held)
	return p, next, err
}

// CloseRevoke takes a principal's rights on a resource that the author does not
// hold: the present epoch is closed, and a sharer opens the next (attack 60).
func (a Author) CloseRevoke(id officer.ResourceID, from officer.Principal) (*Plan, error) {
	r := a.State.Resource(id)
	if r == nil {
		return nil, officer.ErrUnknown
	}
	p := &Plan{Operations: []officer.Operation{&officer.Revoke{Resource: id, Principal: from}}}
	closeResource(p, r)
	return p, nil
}

// Close closes the present epoch of a resource: nobody writes or seals under it,
// and a sharer opens the next. It needs no key.
func (a Author) Close(id officer.ResourceID) (*Plan, error) {
	r := a.State.Resource(id)
	if r == nil {
		return nil, officer.ErrUnknown
	}
	p := &Plan{}
	closeResource(p, r)
	return p, nil
}

// End takes a field or folder out of use. That needs no key, and changes none:
// those who are granted it keep what they have.
func (a Author) End(id officer.ResourceID) (*Plan, error) {
	switch r := a.State.Resource(id); {
	case r == nil:
		return nil, officer.ErrUnknown
	case r.Ended:
		return nil, officer.ErrEnded
	}
	return &Plan{Operations: []officer.Operation{&officer.ResourceEnded{Resource: id}}}, nil
}

// Restore gives share back to a principal who reads an orphaned resource, by an
// officer. It hands out no key and needs none (spec/log.md, "Orphaned
// resources").
func (a Author) Restore(id officer.ResourceID, to officer.Principal) (*Plan, error) {
	r := a.State.Resource(id)
	switch {
	case r == nil:
		return nil, officer.ErrUnknown
	case r.Ended:
		return nil, officer.ErrEnded
	case !r.Orphaned():
		return nil, fmt.Errorf("%w: somebody shares it", officer.ErrAuthority)
	case !r.Rights(to).Has(officer.Read):
		return nil, officer.ErrRights
	}
	return &Plan{Operations: []officer.Operation{
		&officer.Grant{Resource: id, Principal: to, Rights: r.Rights(to) | officer.Share},
	}}, nil
}

// nextKey makes the key of the epoch after present, from which the history
// leads to held.
func (a Author) nextKey(held *Key, present uint64) (*Key, *officer.KeyRotated, error) {
	c := held.Context()
	from := c.Epoch
	c.Epoch = present + 1
	next, err := datakey.Generate(c)
	if err != nil {
		return nil, nil, err
	}
	prev, err := next.SealPrevious(held)
	if err != nil {
		return nil, nil, err
	}
	op := &officer.KeyRotated{Resource: officer.ResourceID(c.Resource), Epoch: c.Epoch, Commitment: next.Commitment(), Previous: prev}
	if from != present {
		op.From = from
	}
	if c.Kind == wire.KindFolder {
		if op.Public, err = publicOf(next); err != nil {
			return nil, nil, err
		}
	}
	return next, op, nil
}
