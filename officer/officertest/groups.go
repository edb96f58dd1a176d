package officertest

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/underseal/underseal/internal/datakey"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

// GroupID is the id of the group with a name.
func (o *Org) GroupID(name string) officer.GroupID {
	h := sha256.Sum256([]byte("group\x00" + name))
	return officer.GroupID(h[:16])
}

// Group is the group in the present state, or nil.
func (o *Org) Group(name string) *officer.Group { return o.State.Group(o.GroupID(name)) }

// GroupLabel is the opening of a group's name.
func (o *Org) GroupLabel(name string) officer.Opening {
	return NewOpening(officer.TextGroup, name)
}

// GroupKey is the seed of a group's epoch.
func (o *Org) GroupKey(name string, epoch uint64) *datakey.Key {
	id := o.GroupID(name)
	c := officer.KeyContext{Organization: o.ID, Resource: id[:], Kind: wire.KindGroup, Epoch: epoch}
	return dataKey(c, "group", name, fmt.Sprint(epoch))
}

// principal reads PERSON or "group NAME" behind a number of words.
func (o *Org) principal(w []string) (p officer.Principal, rest []string, err error) {
	switch {
	case len(w) >= 2 && w[0] == "group":
		return officer.GroupPrincipal(o.GroupID(w[1])), w[2:], nil
	case len(w) >= 1:
		return o.Person(w[0]).Principal(), w[1:], nil
	default:
		return p, nil, fmt.Errorf("nobody is named")
	}
}

func groupRights(name string) (string, officer.Rights) {
	if name, manages := strings.CutSuffix(name, "*"); manages {
		return name, officer.Read | officer.Share
	}
	return name, officer.Read
}

func (o *Org) groupOp(w []string) (officer.Operation, error) {
	switch {
	case shape(w, "create group _ of _"):
		return o.createGroup(w[2], strings.Split(w[4], ",")), nil
	case shape(w, "join _ to _"):
		name, rights := groupRights(w[1])
		return &officer.GroupMemberAdded{Group: o.GroupID(w[3]), Member: o.Person(name).ID(), Rights: rights}, nil
	case shape(w, "take _ from _"):
		return &officer.GroupMemberRemoved{Group: o.GroupID(w[3]), Member: o.Person(w[1]).ID()}, nil
	case shape(w, "rotate group _"):
		return o.rotateGroup(w[2])
	case shape(w, "close group _"):
		name, epoch, err := o.groupEpoch(w[2], 0)
		return &officer.GroupClosed{Group: o.GroupID(name), Epoch: epoch}, err
	case shape(w, "reseal group _ to _"):
		name, epoch, err := o.groupEpoch(w[2], 0)
		return &officer.GroupResealed{Group: o.GroupID(name), Epoch: epoch, Member: o.Person(w[4]).ID()}, err
	default:
		return nil, fmt.Errorf("no such operation")
	}
}

func (o *Org) createGroup(name string, people []string) officer.Operation {
	key := o.GroupKey(name, 1)
	op := &officer.GroupCreated{
		Group: o.GroupID(name), Commitment: key.Commitment(), Public: privateKey(key.Raw().Expose()).Public(), Label: o.GroupLabel(name).Commitment(),
	}
	for _, p := range people {
		who, rights := groupRights(p)
		op.Members = append(op.Members, officer.GroupMemberItem{Member: o.Person(who).ID(), Rights: rights})
	}
	slices.SortFunc(op.Members, func(a, b officer.GroupMemberItem) int { return a.Member.Compare(b.Member) })
	return op
}

func (o *Org) rotateGroup(word string) (officer.Operation, error) {
	name, epoch, err := o.groupEpoch(word, 1)
	if err != nil {
		return nil, err
	}
	next := o.GroupKey(name, epoch)
	prev, err := next.SealPrevious(o.GroupKey(name, max(epoch, 2)-1))
	return &officer.GroupRotated{
		Group: o.GroupID(name), Epoch: epoch, Commitment: next.Commitment(), Previous: prev, Public: privateKey(next.Raw().Expose()).Public(),
	}, err
}

func (o *Org) groupEpoch(word string, ahead uint64) (string, uint64, error) {
	name, n, err := numbered(word)
	if err != nil || n != 0 {
		return name, n, err
	}
	n = 1
	if g := o.Group(name); g != nil {
		n = g.Epoch().Number
	}
	return name, n + ahead, nil
}

// policy reads "WORD=NUMBER" and "by=PERSON,PERSON"; what is not said stays as
// it is.
func (o *Org) policy(words []string) (officer.Operation, error) {
	p := o.State.Policy()
	var by []string
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if name == "by" {
			by = strings.Split(value, ",")
			continue
		}
		n, err := strconv.ParseUint(value, 10, 8)
		if err != nil {
			return nil, err
		}
		switch name {
		case "fields":
			p.Fields = officer.Role(n)
		case "folders":
			p.Folders = officer.Role(n)
		case "groups":
			p.Groups = officer.Role(n)
		case "guests":
			p.Guests = officer.Role(n)
		case "officers":
			p.Officers = n
		case "recovery":
			p.Recovery = n
		case "names":
			p.Names = n
		default:
			return nil, fmt.Errorf("no such word: %s", name)
		}
	}
	payload := p.Payload(o.ID, o.State.Head())
	for _, who := range by {
		d := o.Author(who)
		p.Cosigned = append(p.Cosigned, officer.Cosignature{Device: d.ID(), Signature: d.Sign(wire.LabelPolicy, payload)})
	}
	return &p, nil
}
