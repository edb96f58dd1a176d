package bulk

import (
	"encoding/json"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/workspace"
)

// keys are what the caller can open, as of one head of the log.
type keys struct {
	ring   *fieldcrypt.Ring
	owners *workspace.KeyOwners
}

// seen is what one field holds in one record.
type seen struct {
	state  State
	reason Reason // why it is neither empty, plain, sealed nor old
	// original and token are the elements; token is original's where there is
	// no twin.
	original, holder connector.Value
	token            string           // text of the holder, where it claims to be a token
	value            fieldcrypt.Value // what a token opens to
	replaces         bool             // plain or blocked, and a token that opens stands in the twin
	beside           bool             // sealed, and false stands in the original, which does not count
	past             bool             // old, of a field that has ended
	epoch            EpochCount       // of the token's key, where the log has it for this field
	none             bool             // the holder has no element at all
}

// epochOf is the epoch of a token of a field.
func (j *Job) epochOf(f *field, token string) EpochCount {
	if t, err := fieldcrypt.Parse([]byte(token)); err == nil {
		if owner, known := j.keys.owners.Find(t.KeyID); known {
			return f.epochFor(owner)
		}
	}
	return EpochCount{}
}

func (f *field) epochFor(o workspace.KeyOwner) EpochCount {
	return EpochCount{Resource: o.Resource, Ended: f.past[o.Resource], Epoch: o.Epoch}
}

// recordName is the name that tokens of a record carry.
func (j *Job) recordName(r connector.Record) (fieldcrypt.Name, error) {
	return fieldcrypt.Record{Connector: j.place.Connector, Account: j.place.Account, Kind: r.Kind, ID: r.ID}.Name()
}

// look tells what a record holds in a field.
func (j *Job) look(f *field, r connector.Record, name fieldcrypt.Name) seen {
	original, times := element(r, f.def.ID)
	s := seen{original: original, holder: original, none: times == 0}
	if times > 1 {
		return s.as(Suspicious, TwiceInRecord)
	}
	if f.twin == nil {
		return j.lookAt(f, name, s)
	}
	bare := j.lookAt(f, name, s) // of the original alone
	s.holder, times = element(r, f.twin.ID)
	s.none = times == 0
	if times > 1 {
		return s.as(Suspicious, TwiceInRecord)
	}
	t := j.lookAt(f, name, s)
	if t.state == Plain {
		t = t.as(Suspicious, ClearInTwin)
	}
	switch {
	case bare.state.Empty() && t.state.Empty():
		t.state = bare.state
	case bare.state.Empty():
	case bare.state != Plain:
		clear(t.value.Data)
		return t.as(Suspicious, LooksLike)
	case t.state.Empty():
		t.state = Plain
	case t.state == Sealed || t.state == Old:
		if f.unticked(t) {
			switch {
			case j.c.Unticked == CountsSealed && j.run.call != "verify":
				t.beside = true
				return t
			case j.c.Unticked != CountsEntered || j.run.call == "verify":
				clear(t.value.Data)
				t.value, t.replaces = fieldcrypt.Value{}, true
				return t.as(Blocked, Unticked)
			}
		}
		clear(t.value.Data)
		t.value, t.state, t.replaces = fieldcrypt.Value{}, Plain, true
	default:
		t = t.as(Blocked, TwinTaken)
	}
	return t
}

// unticked tells whether a checkbox says false beside a token of something else.
func (f *field) unticked(s seen) bool {
	no := json.RawMessage("false")
	if f.def.Type != connector.Checkbox || !same(s.original.Data, no) {
		return false
	}
	data, ok := spelled(s.value)
	return !ok || !same(data, no)
}

func (s seen) as(state State, why Reason) seen {
	s.state, s.reason = state, why
	return s
}

// element is the record's value in a field, and how many there are: of two,
// nobody can tell which is meant.
func element(r connector.Record, id string) (v connector.Value, times int) {
	v.Field = id
	for _, e := range r.Values {
		if e.Field == id {
			v = e
			times++
		}
	}
	return v, times
}

// lookAt tells what the holder's element is, as if there were nothing else.
func (j *Job) lookAt(f *field, name fieldcrypt.Name, s seen) seen {
	data := s.holder.Data
	if empty(data) {
		switch {
		case s.holder.ID != "":
			s.state = Cleared
		case s.none:
			s.state = Absent
		default:
			s.state = Unset
		}
		return s
	}
	word, ok := text(data)
	if !ok || !fieldcrypt.LooksLike([]byte(word)) {
		s.state = Plain
		return s
	}
	s.token = word
	var token fieldcrypt.Token
	var err error
	if token, err = fieldcrypt.Parse([]byte(word)); err != nil {
		return s.as(Suspicious, LooksLike)
	}
	owner, known := j.keys.owners.Find(token.KeyID)
	switch {
	case !known:
		return s.as(Foreign, OtherOwner)
	case !f.ever[owner.Resource]:
		return s.as(Foreign, OtherField)
	}
	s.epoch = f.epochFor(owner)
	switch {
	case !owner.Granted:
		return s.as(Unreadable, NotGranted)
	case owner.Err != nil || j.keys.ring.Key(token.KeyID) == nil:
		return s.as(Unreadable, KeyMissing)
	}
	key := j.keys.ring.Key(token.KeyID)
	v, binding, err := key.OpenToken(token, name)
	switch {
	case err != nil && token.Tag != key.Tag(name):
		return s.as(Foreign, OtherRecord)
	case err != nil:
		return s.as(Foreign, Altered)
	case binding != fieldcrypt.Bound:
		clear(v.Data)
		return s.as(Foreign, DraftToken)
	}
	s.value = v
	s.state, s.past = Old, f.past[owner.Resource]
	if owner.Resource == f.resource && owner.Epoch == f.epoch && !f.ended {
		s.state = Sealed
	}
	return s
}
