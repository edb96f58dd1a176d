package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/workspace"
)

func TestNews(t *testing.T) {
	t.Parallel()
	ssn := connector.Definition{ID: "1", Name: "SSN", Kind: "contact", Type: connector.TextLine, Sets: []connector.Set{{ID: "9"}, {ID: "8"}}}
	fee := connector.Definition{ID: "2", Name: "Fee", Kind: "matter", Type: connector.Currency}
	nobody := func(string) bool { return false }
	change := func(d connector.Definition, f func(*connector.Definition)) connector.Definition {
		f(&d)
		return d
	}
	for _, c := range []struct {
		name    string
		now     []connector.Definition
		own     func(string) bool // made by us, or eased by us
		want    map[string]news
		removed []string
	}{
		{"nothing", []connector.Definition{fee, ssn}, nobody, map[string]news{}, nil},
		{"another version, sets in another order", []connector.Definition{fee, change(ssn, func(d *connector.Definition) { d.Version, d.Sets = "7", []connector.Set{{ID: "8"}, {ID: "9"}} })}, nobody, map[string]news{}, nil},
		{"a new one", []connector.Definition{fee, ssn, {ID: "3", Name: "Fee"}}, nobody, map[string]news{"3": isNew}, nil},
		{"a twin that we made", []connector.Definition{fee, ssn, {ID: "3", Name: "Fee"}}, func(id string) bool { return id == "3" }, map[string]news{}, nil},
		{"one that is gone", []connector.Definition{ssn}, nobody, map[string]news{}, []string{"2"}},
		{"one that is marked as deleted", []connector.Definition{ssn, change(fee, func(d *connector.Definition) { d.Deleted = true })}, nobody, map[string]news{}, []string{"2"}},
		{"renamed", []connector.Definition{fee, change(ssn, func(d *connector.Definition) { d.Name = "Ssn" })}, nobody, map[string]news{"1": isChanged}, nil},
		{"required now", []connector.Definition{fee, change(ssn, func(d *connector.Definition) { d.Required = true })}, nobody, map[string]news{"1": isChanged}, nil},
		{"out of a set", []connector.Definition{fee, change(ssn, func(d *connector.Definition) { d.Sets = []connector.Set{{ID: "8"}} })}, nobody, map[string]news{"1": isChanged}, nil},
		{"a name that went from one to another", []connector.Definition{change(fee, func(d *connector.Definition) { d.ID = "4" }), ssn}, nobody, map[string]news{"4": isNew}, []string{"2"}},
	} {
		var l look
		l.settle(ssn)
		l.settle(fee)
		state, removed := l.since(c.now, c.own, c.own)
		var ids []string
		for _, r := range removed {
			ids = append(ids, r.ID)
		}
		if !reflect.DeepEqual(state, c.want) || !reflect.DeepEqual(ids, c.removed) {
			t.Errorf("%s: %v, removed %v", c.name, state, ids)
		}
		// Whatever it was, accepting all of it leaves no news.
		for _, d := range c.now {
			l.settle(d)
		}
		for _, id := range ids {
			l.forget(id)
		}
		if state, removed := l.since(c.now, c.own, c.own); len(state) > 0 || len(removed) > 0 {
			t.Errorf("%s: accepted, and still %v %v", c.name, state, removed)
		}
	}
}

func testDevice(t *testing.T) *keyring.Device {
	t.Helper()
	s := keyring.GenerateSecret()
	defer s.Destroy()
	d, err := keyring.NewDevice(s, officer.DeviceInstallation, officer.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Destroy)
	return d
}

// Nobody but this device writes what it saw last: a field could be made old
// news so.
func TestLookFile(t *testing.T) {
	t.Parallel()
	home, mine, other := homeDir(t.TempDir()), testDevice(t), testDevice(t)
	if l, err := loadLook(home, mine, "us:1"); l != nil || err != nil {
		t.Errorf("%v %v", l, err)
	}
	l := look{Account: "us:1"}
	l.settle(connector.Definition{ID: "1", Name: "SSN", Kind: "contact", Type: connector.TextLine})
	if err := l.save(home, mine); err != nil {
		t.Fatal(err)
	}
	if got, err := loadLook(home, mine, "us:1"); err != nil || len(got.Fields) != 1 || got.Fields[0].Name != "SSN" {
		t.Errorf("%v %v", got, err)
	}
	if got, err := loadLook(home, mine, "eu:1"); got != nil || err != nil {
		t.Errorf("of another account: %v %v", got, err)
	}
	if _, err := loadLook(home, other, "us:1"); !errors.Is(err, workspace.ErrLocal) {
		t.Errorf("of another device: %v", err)
	}
	path := filepath.Join(string(home), lookFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		b := append([]byte(nil), whole...)
		b[i] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var newer *wire.VersionError
		if _, err := loadLook(home, mine, "us:1"); !errors.Is(err, workspace.ErrLocal) && !errors.As(err, &newer) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
}

func TestConnectionFile(t *testing.T) {
	t.Parallel()
	home, mine, other := homeDir(t.TempDir()), testDevice(t), testDevice(t)
	if _, err := loadConnection(home, mine); !errors.Is(err, errNotConnected) {
		t.Error(err)
	}
	c := connection{registration: registration{Region: "us", ClientID: "id", ClientSecret: "s"}, Account: "us:1", Access: "a", Refresh: "r"}
	if err := c.save(home, mine); err != nil {
		t.Fatal(err)
	}
	c.Version = connectionVersion
	if got, err := loadConnection(home, mine); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := loadConnection(home, other); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("of another device: %v", err)
	}
}
