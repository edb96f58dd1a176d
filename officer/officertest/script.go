package officertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// Op makes one operation from its words (see the package comment).
func (o *Org) Op(words string) officer.Operation {
	o.t.Helper()
	op, err := o.op(strings.Fields(words))
	if err != nil {
		o.t.Fatalf("%q: %v", words, err)
	}
	return op
}

// Ops makes operations separated by semicolons.
func (o *Org) Ops(script string) []officer.Operation {
	o.t.Helper()
	var ops []officer.Operation
	for words := range strings.SplitSeq(script, ";") {
		ops = append(ops, o.Op(words))
	}
	return ops
}

func (o *Org) parse(line string) (author string, ops []officer.Operation) {
	o.t.Helper()
	author, script, ok := strings.Cut(line, ":")
	if !ok {
		o.t.Fatalf("%q has no author", line)
	}
	return author, o.Ops(script)
}

// shape tells whether words are those of a pattern, in which _ is any word.
func shape(words []string, pattern string) bool {
	p := strings.Fields(pattern)
	if len(p) != len(words) {
		return false
	}
	for i := range p {
		if p[i] != "_" && p[i] != words[i] {
			return false
		}
	}
	return true
}

func (o *Org) op(w []string) (officer.Operation, error) {
	switch {
	case shape(w, "add device _"):
		return o.addDevice(w[2])
	case len(w) >= 4 && w[0] == "add" && w[2] == "as":
		return o.addMember(w[1], w[3], w[4:])
	case shape(w, "remove device _"):
		return &officer.DeviceRemoved{Device: o.Author(w[2]).ID()}, nil
	case len(w) >= 2 && w[0] == "policy":
		return o.policy(w[1:])
	case shape(w, "withdraw _"):
		return &officer.InvitationWithdrawn{Invite: officer.Hash(seed("invitation", w[1]))}, nil
	case shape(w, "remove _"):
		return &officer.MemberRemoved{Member: o.Person(w[1]).ID()}, nil
	case len(w) >= 3 && w[0] == "make":
		return o.changeRole(w[1], w[2], w[3:])
	case shape(w, "rotate user _"):
		return o.rotateUser(w[2])
	case len(w) >= 2 && slices.Contains([]string{"enroll", "unenroll", "request", "approve", "finish"}, w[0]):
		return o.recoveryOp(w)
	case len(w) > 2 && (w[1] == "group" || w[0] == "join" || w[0] == "take"):
		return o.groupOp(w)
	case shape(w, "create _ _"):
		return o.create(w[1], w[2], officer.Binding{Connector: "tabular"})
	case shape(w, "create _ _ at _"):
		return o.create(w[1], w[2], Place(w[4]))
	case shape(w, "end _"):
		return &officer.ResourceEnded{Resource: o.ResourceID(w[1])}, nil
	case shape(w, "rotate _"):
		return o.rotate(w[1], 0)
	case shape(w, "rotate _ from _"):
		from, err := strconv.ParseUint(w[3], 10, 64)
		if err != nil {
			return nil, err
		}
		return o.rotate(w[1], from)
	case shape(w, "close _"):
		name, epoch, err := o.epoch(w[1], 0)
		return &officer.KeyClosed{Resource: o.ResourceID(name), Epoch: epoch}, err
	case len(w) > 3 && (w[0] == "grant" || w[0] == "revoke" || w[0] == "reseal"):
		return o.access(w)
	case shape(w, "file _ under _"):
		return o.file(w[1], w[3])
	default:
		return nil, fmt.Errorf("no such operation")
	}
}

// access makes a grant, a revocation or a re-sealing.
func (o *Org) access(w []string) (officer.Operation, error) {
	to, rest, err := o.principal(w[3:])
	if err != nil {
		return nil, err
	}
	switch {
	case w[0] == "grant" && len(rest) == 1:
		rights, err := parseRights(rest[0])
		return &officer.Grant{Resource: o.ResourceID(w[1]), Principal: to, Rights: rights}, err
	case w[0] == "revoke" && len(rest) == 0:
		return &officer.Revoke{Resource: o.ResourceID(w[1]), Principal: to}, nil
	case w[0] == "reseal" && len(rest) == 0:
		name, epoch, err := o.epoch(w[1], 0)
		return &officer.KeyResealed{Resource: o.ResourceID(name), Epoch: epoch, Principal: to}, err
	default:
		return nil, fmt.Errorf("no such operation")
	}
}

func (o *Org) addMember(name, role string, rest []string) (officer.Operation, error) {
	r, err := officer.ParseRole(role)
	if err != nil {
		return nil, err
	}
	op := &officer.MemberAdded{Card: o.Person(name).File.Card.Bytes(), Role: r}
	for ; len(rest) >= 2; rest = rest[2:] {
		switch rest[0] {
		case "until":
			if op.Expires, err = strconv.ParseUint(rest[1], 10, 64); err != nil {
				return nil, err
			}
		case "answering":
			op.Invite = seed("invitation", rest[1])
		default:
			return nil, fmt.Errorf("no such word: %s", rest[0])
		}
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("a word too many: %s", rest[0])
	}
	return op, nil
}

func (o *Org) changeRole(name, role string, rest []string) (officer.Operation, error) {
	added, err := o.addMember(name, role, rest)
	if err != nil {
		return nil, err
	}
	as := added.(*officer.MemberAdded)
	return &officer.RoleChanged{Member: o.Person(name).ID(), Role: as.Role, Expires: as.Expires}, nil
}

func (o *Org) addDevice(device string) (officer.Operation, error) {
	name, _, ok := strings.Cut(device, "/")
	if !ok {
		return nil, fmt.Errorf("%s names no device", device)
	}
	d, member := o.Author(device), o.Person(name).ID()
	return &officer.DeviceAdded{Member: member, Device: d.Record.Encode(), Acceptance: d.Accept(o.ID, member)}, nil
}

func (o *Org) rotateUser(word string) (officer.Operation, error) {
	name, generation, err := numbered(word)
	if err != nil {
		return nil, err
	}
	p := o.Person(name)
	if generation == 0 {
		generation = 2
		if m := o.State.Member(p.ID()); m != nil {
			generation = m.UserKey().Generation + 1
		}
	}
	next := p.UserKey(o.ID, generation)
	prev, err := next.SealPrevious(p.UserKey(o.ID, max(generation, 2)-1))
	return &officer.UserKeyRotated{
		Member: p.ID(), Generation: generation, Public: p.PrivateKey(o.ID, generation).Public(), Commitment: next.Commitment(), Previous: prev,
	}, err
}

// Place is the binding that "at" names in a script.
func Place(id string) officer.Binding {
	return officer.Binding{Connector: "clio", Account: "us:1234", Kind: "matter", ID: id}
}

func (o *Org) create(kind, name string, at officer.Binding) (officer.Operation, error) {
	for _, k := range []officer.KeyKind{wire.KindField, wire.KindFolder, wire.KindDirectory, wire.KindGroup, wire.KindUser} {
		if k.String() == kind {
			o.kinds[name] = k
		}
	}
	if o.kinds[name].String() != kind {
		return nil, fmt.Errorf("no such kind: %s", kind)
	}
	key := o.Key(name, 1)
	return &officer.KeyCreated{
		Resource: o.ResourceID(name), Of: o.kinds[name], Binding: at,
		Commitment: key.Commitment(), Label: o.Label(name).Commitment(), Public: o.folderKey(name, key),
	}, nil
}

func (o *Org) rotate(word string, from uint64) (officer.Operation, error) {
	name, epoch, err := o.epoch(word, 1)
	if err != nil {
		return nil, err
	}
	next := o.Key(name, epoch)
	older := max(epoch, 2) - 1
	if from != 0 {
		older = from
	}
	prev, err := next.SealPrevious(o.Key(name, older))
	return &officer.KeyRotated{
		Resource: o.ResourceID(name), Epoch: epoch, Commitment: next.Commitment(), Previous: prev, Public: o.folderKey(name, next), From: from,
	}, err
}

func (o *Org) folderKey(name string, key *datakey.Key) []byte {
	if o.kinds[name] != wire.KindFolder {
		return nil
	}
	return privateKey(key.Raw().Expose()).Public()
}

func (o *Org) file(text, under string) (officer.Operation, error) {
	name, epoch, err := o.epoch(under, 0)
	if err != nil {
		return nil, err
	}
	opening := o.opening(text)
	c := opening.Commitment()
	sealed, err := o.Key(name, epoch).Seal(wire.LabelKeyName, opening.Encode(), c[:])
	return &officer.Directory{
		Resource: o.ResourceID(name), Epoch: epoch, Items: []officer.DirectoryItem{{Commitment: c, Sealed: sealed}},
	}, err
}

func (o *Org) opening(text string) officer.Opening {
	if text == "organization" {
		return o.Name
	}
	if device, ok := strings.CutSuffix(text, ".reason"); ok {
		return o.Reason(device)
	}
	if name, label, ok := strings.Cut(text, "/"); ok {
		return o.Person(name).Device(label).Label
	}
	name, what, _ := strings.Cut(text, ".")
	switch what {
	case "name":
		return o.Person(name).File.Name
	case "email":
		return o.Person(name).File.Email
	case "group":
		return o.GroupLabel(name)
	default:
		return o.Label(name)
	}
}

// epoch reads NAME@EPOCH; without a number it is the present epoch plus ahead.
func (o *Org) epoch(word string, ahead uint64) (string, uint64, error) {
	name, n, err := numbered(word)
	if err != nil || n != 0 {
		return name, n, err
	}
	n = 1
	if r := o.Resource(name); r != nil {
		n = r.Epoch().Number
	}
	return name, n + ahead, nil
}

func numbered(word string) (string, uint64, error) {
	name, number, ok := strings.Cut(word, "@")
	if !ok {
		return name, 0, nil
	}
	n, err := strconv.ParseUint(number, 10, 64)
	return name, n, err
}

func parseRights(letters string) (officer.Rights, error) {
	var rights officer.Rights
	for _, c := range letters {
		switch c {
		case 'r':
			rights |= officer.Read
		case 'w':
			rights |= officer.Write
		case 's':
			rights |= officer.Share
		default:
			return 0, fmt.Errorf("no such right: %c", c)
		}
	}
	return rights, nil
}
