package main

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/workspace"
)

// lookFile is what this device saw last of the account's fields: HMAC ‖ JSON.
// It can be read while the device is locked; only an unlocked device can tell
// whether it was altered.
const lookFile = "clio.look"

const lookVersion = 1

// look is what was settled about an account's fields, and what the last pass
// over its records found.
type look struct {
	Version int          `json:"version"`
	Account string       `json:"account"`
	Name    string       `json:"name"` // of the account, for people
	Fields  []settled    `json:"fields"`
	Passed  time.Time    `json:"passed,omitzero"` // when records were last read
	Clear   []clearField `json:"clear"`           // what that found in protected fields
	// Epochs is, of each protected field, under which epochs its tokens are.
	Epochs []fieldEpochs `json:"epochs,omitempty"`
}

// fieldEpochs is under which epochs of its key the tokens of a field were.
type fieldEpochs struct {
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	Read   time.Time    `json:"read"`
	Epochs []epochCount `json:"epochs"`
}

type epochCount struct {
	Resource string `json:"resource"`
	Ended    bool   `json:"ended"` // of an ended field whose place it took
	Epoch    uint64 `json:"epoch"`
	Values   int64  `json:"values"`
}

// settled is a field as it was when somebody last accepted it.
type settled struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`
	Type     string   `json:"type"`
	Required bool     `json:"required"`
	Sets     []string `json:"sets,omitempty"`
}

// clearField is a protected field with values in clear.
type clearField struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Values int64  `json:"values"`
}

func settledOf(d connector.Definition) settled {
	return settled{ID: d.ID, Name: d.Name, Kind: d.Kind, Type: string(d.Type), Required: d.Required, Sets: setIDs(d)}
}

// setIDs are the sets that a field is in, in an order of their own.
func setIDs(d connector.Definition) []string {
	var ids []string
	for _, s := range d.Sets {
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return ids
}

// news is what changed about a field since somebody last accepted it.
type news string

// The news.
const (
	noNews    news = ""
	isNew     news = "new"
	isRemoved news = "removed"
	isChanged news = "changed"
)

// since compares the definitions with what was settled. removed are those that
// are gone. What we did is no news: own are the fields that we made, and eased
// those that must not be required while another holds their tokens.
func (l *look) since(defs []connector.Definition, own, eased func(id string) bool) (state map[string]news, removed []settled) {
	before := map[string]settled{}
	for _, s := range l.Fields {
		before[s.ID] = s
	}
	state = map[string]news{}
	for _, d := range defs {
		was, known := before[d.ID]
		switch now := settledOf(d); {
		case d.Deleted:
			continue // as good as gone
		case own(d.ID):
		case !known:
			state[d.ID] = isNew
		case was.Name != now.Name || was.Kind != now.Kind || was.Type != now.Type || was.Required != now.Required && !eased(d.ID) || !slices.Equal(was.Sets, now.Sets):
			state[d.ID] = isChanged
		}
		delete(before, d.ID)
	}
	for _, s := range before {
		removed = append(removed, s)
	}
	slices.SortFunc(removed, func(a, b settled) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID)) })
	return state, removed
}

// settle accepts a field as it is now.
func (l *look) settle(d connector.Definition) {
	l.forget(d.ID)
	if !d.Deleted {
		l.Fields = append(l.Fields, settledOf(d))
	}
}

// forget accepts that a field is gone.
func (l *look) forget(id string) {
	l.Fields = slices.DeleteFunc(l.Fields, func(s settled) bool { return s.ID == id })
}

// readLook reads the last look without checking that it is ours; nil where
// there was none.
func readLook(home workspace.Local) (*look, []byte, error) {
	b, err := home.Load(lookFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	var l look
	if len(b) < macSize || json.Unmarshal(b[macSize:], &l) != nil || l.Version < 1 {
		return nil, nil, fmt.Errorf("%s: %w", lookFile, workspace.ErrLocal)
	}
	if l.Version > lookVersion {
		return nil, nil, &wire.VersionError{Format: lookFile, Version: uint64(l.Version)}
	}
	return &l, b, nil
}

const macSize = 32

// loadLook reads the last look at an account, or at any where account is "";
// nil where there was none, also where it was one at another account.
func loadLook(home workspace.Local, d *keyring.Device, account string) (*look, error) {
	l, b, err := readLook(home)
	if err != nil || l == nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(d.MAC(wire.LabelLook, b[macSize:]), b[:macSize]) != 1 {
		return nil, fmt.Errorf("%s: %w", lookFile, workspace.ErrLocal)
	}
	if account != "" && l.Account != account {
		return nil, nil
	}
	return l, nil
}

// noteEpochs keeps under which epochs the tokens of fields are.
func (l *look) noteEpochs(c bulk.Counts, now time.Time) {
	for _, f := range c.Fields {
		if f.Records == 0 && f.Tokens() == 0 && len(f.Epochs) == 0 {
			continue // it was not read
		}
		at := fieldEpochs{ID: f.Field, Name: f.Name, Read: now.UTC(), Epochs: []epochCount{}}
		for _, e := range f.Epochs {
			at.Epochs = append(at.Epochs, epochCount{Resource: e.Resource.String(), Ended: e.Ended, Epoch: e.Epoch, Values: e.Values})
		}
		l.Epochs = append(slices.DeleteFunc(l.Epochs, func(x fieldEpochs) bool { return x.ID == f.Field }), at)
	}
}

// epochsOf is under which epochs the tokens of a field were; nil where it was
// not read yet.
func (l *look) epochsOf(id string) *fieldEpochs {
	if l == nil {
		return nil
	}
	for i := range l.Epochs {
		if l.Epochs[i].ID == id {
			return &l.Epochs[i]
		}
	}
	return nil
}

// sealed notes that fields hold nothing in clear any more, or are no longer
// protected.
func (l *look) sealed(ids ...string) {
	l.Clear = slices.DeleteFunc(l.Clear, func(c clearField) bool { return slices.Contains(ids, c.ID) })
}

func (l *look) save(home workspace.Local, d *keyring.Device) error {
	l.Version = lookVersion
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return home.Save(lookFile, append(d.MAC(wire.LabelLook, body), body...))
}
